import { Progress, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { StoragePool } from '../../model/api-answers.ts';
import { bytes } from '../elements/quantities.ts';

/** Used, reserved and free space of a pool. More than nine tenths are shown as full. */
export function SpaceBar({ of }: { readonly of: StoragePool }): ReactNode {
  const { disksizetotal: total, disksizeused: used, disksizeallocated: reserved } = of;
  const free = Math.max(0, total - used);
  const share = (count: number): number => (total === 0 ? 0 : (100 * count) / total);
  const said = `${bytes(free)} free of ${bytes(total)}, ${bytes(used)} used${reserved > 0 ? `, ${bytes(reserved)} reserved` : ''}`;
  return (
    <div>
      <Progress.Root mt={4} size="lg" role="img" aria-label={`${of.name}: ${said}`}>
        <Progress.Section
          value={share(used)}
          color={isFilling(of) ? 'var(--bar-bad)' : 'var(--bar-busy)'}
          aria-hidden
        />
        <Progress.Section value={share(Math.min(reserved, free))} color="var(--bar-waiting)" aria-hidden />
      </Progress.Root>
      <Text size="sm" c="dimmed" mt={4}>
        {said}
      </Text>
    </div>
  );
}

/** Whether less than a tenth is free, counting reserved space as used, like `almostfull` of the api. */
const isFilling = ({ disksizetotal, disksizeused, disksizeallocated }: StoragePool): boolean =>
  disksizetotal > 0 && disksizeused + disksizeallocated > 0.9 * disksizetotal;
