import type { ReactNode } from 'react';
import type { Host } from '../../model/api-answers.ts';
import { ActionButton } from '../elements/action-button.tsx';

/** Approves a host, and puts it in and out of maintenance. Each can be undone, so nothing asks first. */
export function HostActions({ host: { id, name, resourcestate } }: { readonly host: Host }): ReactNode {
  if (resourcestate === 'Disabled') {
    return (
      <ActionButton
        label="Approve"
        name={`Approve ${name}`}
        variant="filled"
        command="updateHost"
        values={{ id, allocationstate: 'Enable' }}
      />
    );
  }
  return resourcestate === 'Maintenance' ? (
    <ActionButton
      label="End maintenance"
      name={`End maintenance of ${name}`}
      command="cancelHostMaintenance"
      values={{ id }}
    />
  ) : (
    <ActionButton
      label="Start maintenance"
      name={`Start maintenance of ${name}`}
      command="prepareHostForMaintenance"
      values={{ id }}
    />
  );
}
