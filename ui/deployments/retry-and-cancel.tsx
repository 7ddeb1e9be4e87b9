/** Buttons that retry or cancel the deployments that were chosen, as far as each can be. */
import { Button } from '@mantine/core';
import { IconPlayerStop, IconRefresh } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Deployment } from '../api/shapes.ts';
import { useDeploymentActions } from './actions.ts';
import { situationOf } from './situation.ts';

export function RetryAndCancel({ picked }: { readonly picked: readonly Deployment[] }): ReactNode {
  const { retry, cancel, isBusy } = useDeploymentActions();
  const running = picked.filter((row) => situationOf(row).isRunning);
  const resting = picked.filter((row) => !situationOf(row).isRunning && row.state !== 'Ready');
  return (
    <>
      <Button
        variant="light"
        leftSection={<IconRefresh size={16} aria-hidden />}
        disabled={resting.length === 0 || isBusy}
        onClick={() => retry(resting)}
      >
        Retry{resting.length > 0 ? ` ${resting.length}` : ''}
      </Button>
      <Button
        variant="light"
        color="orange"
        leftSection={<IconPlayerStop size={16} aria-hidden />}
        disabled={running.length === 0 || isBusy}
        onClick={() => cancel(running)}
      >
        Cancel{running.length > 0 ? ` ${running.length}` : ''}
      </Button>
    </>
  );
}
