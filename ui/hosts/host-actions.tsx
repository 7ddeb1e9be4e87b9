import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { ReactNode } from 'react';
import { useCommand } from '../api/queries.ts';
import type { Host } from '../api/shapes.ts';

/** Approves a host, and takes it in and out of maintenance; each can be undone, so nothing asks. */
export function HostActions({ host }: { readonly host: Host }): ReactNode {
  const update = useCommand('updateHost');
  const prepare = useCommand('prepareHostForMaintenance');
  const cancel = useCommand('cancelHostMaintenance');
  const told = {
    onError: (error: Error) => notifications.show({ color: 'red', message: error.message, autoClose: false }),
  };
  const { id, name, resourcestate } = host;
  if (resourcestate === 'Disabled') {
    return (
      <Button
        size="compact-sm"
        aria-label={`Approve ${name}`}
        loading={update.isPending}
        onClick={() => update.mutate({ id, allocationstate: 'Enable' }, told)}
      >
        Approve
      </Button>
    );
  }
  const inMaintenance = resourcestate === 'Maintenance';
  const change = inMaintenance ? cancel : prepare;
  return (
    <Button
      size="compact-sm"
      variant="light"
      aria-label={`${inMaintenance ? 'End maintenance of' : 'Start maintenance of'} ${name}`}
      loading={change.isPending}
      onClick={() => change.mutate({ id }, told)}
    >
      {inMaintenance ? 'End maintenance' : 'Start maintenance'}
    </Button>
  );
}
