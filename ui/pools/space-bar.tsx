import { Progress, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Pool } from '../api/shapes.ts';
import { bytes } from '../elements/quantities.ts';

/** Used, reserved and free space of a pool. What is above nine tenths is shown as full. */
export function SpaceBar({ of }: { readonly of: Pool }): ReactNode {
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

/** Whether less than a tenth is left, with what is reserved taken for used; as `almostfull` of the api. */
const isFilling = ({ disksizetotal, disksizeused, disksizeallocated }: Pool): boolean =>
  disksizetotal > 0 && disksizeused + disksizeallocated > 0.9 * disksizetotal;
