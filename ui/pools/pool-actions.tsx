import type { ReactNode } from 'react';
import type { StoragePool } from '../../model/api-answers.ts';
import { ActionButton } from '../elements/action-button.tsx';

/** Puts a pool in and out of maintenance. */
export function PoolActions({ pool: { id, name, state } }: { readonly pool: StoragePool }): ReactNode {
  return state === 'Maintenance' ? (
    <ActionButton
      label="End maintenance"
      name={`End maintenance of ${name}`}
      command="cancelStorageMaintenance"
      values={{ id }}
    />
  ) : (
    <ActionButton
      label="Start maintenance"
      name={`Start maintenance of ${name}`}
      command="enableStorageMaintenance"
      values={{ id }}
    />
  );
}
