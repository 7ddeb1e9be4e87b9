import { Group, Progress, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Deployment } from '../../model/api-answers.ts';
import { BAR_COLOURS } from '../elements/bar-colours.ts';
import { bytes, duration, rate } from '../elements/quantities.ts';
import { secondsLeft, situationOf } from './situation.ts';

/** The progress of a deployment: a bar, bytes, rate and remaining time. */
export function ProgressBar({ of }: { readonly of: Deployment }): ReactNode {
  return (
    <div className="progress">
      <Group gap="xs" wrap="nowrap">
        <Progress
          value={of.percent}
          color={BAR_COLOURS[situationOf(of).mood]}
          flex={1}
          size="lg"
          aria-label={`${of.templatename} on ${of.storagename}`}
        />
        <Text size="sm" className="figure" miw={44} ta="right">
          {of.percent} %
        </Text>
      </Group>
      <Text size="sm" c="dimmed">
        {progressOf(of)}
      </Text>
    </div>
  );
}

/** Such as `5.1 MiB of 24.0 MiB · 470 KiB/s · 40 s left`. */
export function progressOf(of: Deployment): string {
  const { isRunning } = situationOf(of);
  const left = secondsLeft(of);
  return [
    of.total > 0 ? `${bytes(of.bytes)} of ${bytes(of.total)}` : bytes(of.bytes),
    ...(isRunning && (of.rate ?? 0) > 0 ? [rate(of.rate ?? 0)] : []),
    ...(isRunning && left !== undefined ? [`${duration(left)}\u00a0left`] : []),
  ].join(' · ');
}
