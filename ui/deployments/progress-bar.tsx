import { Group, Progress, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Deployment } from '../api/shapes.ts';
import type { Mood } from '../elements/state-badge.tsx';
import { bytes, duration, rate } from '../elements/quantities.ts';
import { secondsLeft, situationOf } from './situation.ts';

/** See colours.ts: bars stand out from their ground in both themes. */
const BARS = {
  good: 'var(--bar-good)',
  bad: 'var(--bar-bad)',
  waiting: 'var(--bar-waiting)',
  busy: 'var(--bar-busy)',
  idle: 'var(--bar-busy)',
  leaving: 'var(--bar-busy)',
} as const satisfies Record<Mood, string>;

/** How far a deployment is: a bar, bytes, rate and time left. */
export function ProgressBar({ of }: { readonly of: Deployment }): ReactNode {
  const { mood, isRunning } = situationOf(of);
  const left = secondsLeft(of);
  const said = [
    of.total > 0 ? `${bytes(of.bytes)} of ${bytes(of.total)}` : bytes(of.bytes),
    ...(isRunning && (of.rate ?? 0) > 0 ? [rate(of.rate ?? 0)] : []),
    ...(isRunning && left !== undefined ? [`${duration(left)}\u00a0left`] : []),
  ];
  return (
    <div className="progress">
      <Group gap="xs" wrap="nowrap">
        <Progress
          value={of.percent}
          color={BARS[mood]}
          flex={1}
          size="lg"
          aria-label={`${of.templatename} on ${of.storagename}`}
        />
        <Text size="sm" className="figure" miw={44} ta="right">
          {of.percent} %
        </Text>
      </Group>
      <Text size="sm" c="dimmed">
        {said.join(' · ')}
      </Text>
    </div>
  );
}
