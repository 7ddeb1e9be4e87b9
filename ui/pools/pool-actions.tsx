import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { ReactNode } from 'react';
import { useCommand } from '../api/queries.ts';
import type { Pool } from '../api/shapes.ts';

/** Takes a pool in and out of maintenance. */
export function PoolActions({ pool }: { readonly pool: Pool }): ReactNode {
  const enable = useCommand('enableStorageMaintenance');
  const cancel = useCommand('cancelStorageMaintenance');
  const inMaintenance = pool.state === 'Maintenance';
  const change = inMaintenance ? cancel : enable;
  return (
    <Button
      size="compact-sm"
      variant="light"
      aria-label={`${inMaintenance ? 'End maintenance of' : 'Start maintenance of'} ${pool.name}`}
      loading={change.isPending}
      onClick={() =>
        change.mutate(
          { id: pool.id },
          {
            onError: (error) =>
              notifications.show({ color: 'red', message: error.message, autoClose: false }),
          },
        )
      }
    >
      {inMaintenance ? 'End maintenance' : 'Start maintenance'}
    </Button>
  );
}
