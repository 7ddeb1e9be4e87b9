/** Buttons that retry, cancel or remove deployments where possible; the most helpful one first. */
import { Button } from '@mantine/core';
import { IconPlayerStop, IconRefresh, IconTrash } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { Deployment } from '../../model/api-answers.ts';
import { Confirm } from '../elements/confirm.tsx';
import { useDeploymentActions } from './actions.ts';
import { needsAnotherRegistration } from './failure-words.ts';
import { situationOf } from './situation.ts';

const isRunning = (row: Deployment): boolean => situationOf(row).isRunning;
const isResting = (row: Deployment): boolean => !isRunning(row) && row.state !== 'Ready';
const isToBeRemoved = ({ state }: Deployment): boolean => state !== 'Destroying';

/** Buttons for the deployments selected in a list. */
export function SteerSelected({ picked }: { readonly picked: readonly Deployment[] }): ReactNode {
  const { retry, cancel, remove, isBusy } = useDeploymentActions();
  const running = picked.filter((row) => isRunning(row) && isToBeRemoved(row));
  const resting = picked.filter(isResting);
  const removable = picked.filter(isToBeRemoved);
  return (
    <>
      <Button
        variant="light"
        leftSection={<IconRefresh size={16} aria-hidden />}
        disabled={resting.length === 0 || isBusy}
        onClick={() => retry(resting)}
      >
        Retry{counted(resting)}
      </Button>
      <Button
        variant="light"
        color="orange"
        leftSection={<IconPlayerStop size={16} aria-hidden />}
        disabled={running.length === 0 || isBusy}
        onClick={() => cancel(running)}
      >
        Cancel{counted(running)}
      </Button>
      <Confirm
        label={`Remove${counted(removable)}`}
        title={`Remove ${removable.length === 1 ? 'one copy' : `${removable.length} copies`}?`}
        icon={<IconTrash size={16} aria-hidden />}
        disabled={removable.length === 0 || isBusy}
        onConfirm={() => remove(removable)}
      >
        What is on the storage pools of them is deleted, whole or in part. The templates stay registered.
      </Confirm>
    </>
  );
}

const counted = (rows: readonly Deployment[]): string => (rows.length > 0 ? ` ${rows.length}` : '');

/** Buttons for one deployment, on its page. */
export function SteerOne({ of }: { readonly of: Deployment }): ReactNode {
  const { retry, cancel, remove, isBusy } = useDeploymentActions();
  const isHopeless = needsAnotherRegistration(of);
  const kind = of.format === 'ISO' ? 'isos' : 'templates';
  if (!isToBeRemoved(of)) return null;
  return (
    <>
      {isHopeless && (
        <Button component={Link} href={`/${kind}/register?from=${of.templateid}`}>
          Register again
        </Button>
      )}
      {isResting(of) && (
        <Button
          variant={isHopeless ? 'light' : 'filled'}
          disabled={isBusy}
          leftSection={<IconRefresh size={16} aria-hidden />}
          onClick={() => retry([of])}
        >
          Retry
        </Button>
      )}
      {isRunning(of) && (
        <Button
          variant="light"
          color="orange"
          disabled={isBusy}
          leftSection={<IconPlayerStop size={16} aria-hidden />}
          onClick={() => cancel([of])}
        >
          Cancel
        </Button>
      )}
      <Confirm
        label="Remove"
        title={`Remove ${of.templatename} from ${of.storagename}?`}
        icon={<IconTrash size={16} aria-hidden />}
        disabled={isBusy}
        onConfirm={() => remove([of])}
      >
        What is on the pool of it is deleted, whole or in part. {of.templatename} stays registered, and can be
        deployed again.
      </Confirm>
    </>
  );
}
