import { Group, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Mirror } from '../../model/api-answers.ts';
import { bytes } from '../elements/quantities.ts';
import { StateBadge } from '../elements/state-badge.tsx';

/** The verdict of a host on one URL. */
export function Verdict({
  of,
}: {
  readonly of: Pick<Mirror, 'url' | 'reachable' | 'size' | 'reason'>;
}): ReactNode {
  const { url, reachable, size, reason } = of;
  return (
    <Group gap="xs" align="flex-start">
      <StateBadge mood={reachable ? 'good' : 'bad'}>{reachable ? 'Reachable' : 'Not reachable'}</StateBadge>
      <Text size="sm" className="long" flex={1} miw={200}>
        {url}: {reachable ? (size > 0 ? bytes(size) : 'size unknown') : reason}
      </Text>
    </Group>
  );
}
