import { Group, Progress, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Deployment } from '../api/shapes.ts';
import { bytes, duration, rate } from '../elements/quantities.ts';
import { secondsLeft, situationOf } from './situation.ts';

/** How far a deployment is: a bar, bytes, rate and time left. */
export function ProgressBar({ of }: { readonly of: Deployment }): ReactNode {
  const { mood, isRunning } = situationOf(of);
  const left = secondsLeft(of);
  const color = { bad: 'red', good: 'teal', waiting: 'orange' }[mood as string] ?? 'cyan';
  const said = [
    of.total > 0 ? `${bytes(of.bytes)} of ${bytes(of.total)}` : bytes(of.bytes),
    ...(isRunning && (of.rate ?? 0) > 0 ? [rate(of.rate ?? 0)] : []),
    ...(isRunning && left !== undefined ? [`${duration(left)} left`] : []),
  ];
  return (
    <div className="progress">
      <Group gap="xs" wrap="nowrap">
        <Progress
          value={of.percent}
          color={color}
          flex={1}
          size="lg"
          aria-label={`${of.templatename} on ${of.storagename}`}
        />
        <Text size="sm" className="figure">
          {of.percent} %
        </Text>
      </Group>
      <Text size="sm" c="dimmed">
        {said.join(' · ')}
      </Text>
    </div>
  );
}
