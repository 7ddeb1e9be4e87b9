/** What can be done with a virtual machine in its state; the most helpful action first. */
import { Button, Checkbox, Stack, Text } from '@mantine/core';
import {
  IconEdit,
  IconPlayerPlay,
  IconPlayerStop,
  IconRefresh,
  IconRestore,
  IconRotateClockwise,
  IconTrash,
} from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { useSession } from '../api/session.ts';
import type { VirtualMachine } from '../../model/api-answers.ts';
import { ActionButton, useAction } from '../elements/action-button.tsx';
import { Confirm } from '../elements/confirm.tsx';
import { vmPath } from './vm-link.tsx';

export interface VmActionsProps {
  readonly vm: VirtualMachine;
}

export function VmActions({ vm }: VmActionsProps): ReactNode {
  const session = useSession();
  const { state } = vm;
  if (session?.isAdmin !== true && session?.account !== vm.account) return null;
  if (state === 'Expunging') return null;
  if (state === 'Destroyed') {
    return (
      <>
        <Recover vm={vm} />
        <Expunge vm={vm} />
      </>
    );
  }
  return (
    <>
      {(state === 'Stopped' || state === 'Error') && <Start vm={vm} />}
      {['Running', 'Starting', 'Stopping', 'Unknown'].includes(state) && <Stop vm={vm} />}
      {state === 'Running' && <Reboot vm={vm} />}
      {state !== 'Error' && (
        <Button
          component={Link}
          href={`${vmPath(vm)}/edit`}
          variant="light"
          leftSection={<IconEdit size={16} aria-hidden />}
        >
          Edit
        </Button>
      )}
      {(state === 'Running' || state === 'Stopped') && <Restore vm={vm} />}
      <Destroy vm={vm} />
    </>
  );
}

/** The page of the machine shows how the start goes on, and why it failed. */
const Start = ({ vm: { id } }: VmActionsProps): ReactNode => (
  <ActionButton
    label="Start"
    size="sm"
    variant="filled"
    leftSection={<IconPlayerPlay size={16} aria-hidden />}
    command="startVirtualMachine"
    values={{ id }}
  />
);

function Stop({ vm: { id, name, state } }: VmActionsProps): ReactNode {
  const [forced, setForced] = useState(state === 'Stopping');
  const stop = useAction('stopVirtualMachine', undefined, { asJob: true });
  return (
    <Confirm
      label="Stop"
      color="orange"
      title={`Stop ${name}?`}
      icon={<IconPlayerStop size={16} aria-hidden />}
      onConfirm={() => stop.act({ id, forced })}
    >
      <Stack gap="sm">
        <Text size="sm">
          {state === 'Starting'
            ? 'Its start ends. What was downloaded stays on the pool.'
            : 'The guest is asked to shut down, and is switched off when it does not.'}
        </Text>
        {state !== 'Starting' && (
          <Checkbox
            label="Switch it off at once"
            description="what the guest has not written yet is lost"
            checked={forced}
            onChange={(event) => setForced(event.currentTarget.checked)}
          />
        )}
      </Stack>
    </Confirm>
  );
}

function Reboot({ vm: { id, name } }: VmActionsProps): ReactNode {
  const [forced, setForced] = useState(false);
  const reboot = useAction('rebootVirtualMachine', `${name} was rebooted`, { asJob: true });
  return (
    <Confirm
      label="Reboot"
      color="orange"
      title={`Reboot ${name}?`}
      icon={<IconRotateClockwise size={16} aria-hidden />}
      disabled={reboot.isPending}
      onConfirm={() => reboot.act({ id, forced })}
    >
      <Checkbox
        label="Switch it off at once"
        description="what the guest has not written yet is lost"
        checked={forced}
        onChange={(event) => setForced(event.currentTarget.checked)}
      />
    </Confirm>
  );
}

function Restore({ vm: { id, name, templatename } }: VmActionsProps): ReactNode {
  const restore = useAction('restoreVirtualMachine', undefined, { asJob: true });
  return (
    <Confirm
      label="Restore"
      title={`Restore ${name}?`}
      icon={<IconRestore size={16} aria-hidden />}
      disabled={restore.isPending}
      onConfirm={() => restore.act({ virtualmachineid: id })}
    >
      It gets a new disk from {templatename}. Everything that it has written is lost.
    </Confirm>
  );
}

function Destroy({ vm: { id, name, state, deleteprotection } }: VmActionsProps): ReactNode {
  const [, go] = useLocation();
  const isGoneAtOnce = state === 'Error';
  const [expunge, setExpunge] = useState(false);
  const onDone = (): void => {
    if (expunge || isGoneAtOnce) go('/instances');
  };
  const destroy = useAction('destroyVirtualMachine', `${name} is being destroyed`, { onDone });
  return (
    <Confirm
      label="Destroy"
      title={`Destroy ${name}?`}
      icon={<IconTrash size={16} aria-hidden />}
      disabled={destroy.isPending || deleteprotection}
      onConfirm={() => destroy.act({ id, expunge })}
    >
      <Stack gap="sm">
        <Text size="sm">
          {isGoneAtOnce
            ? 'It is removed.'
            : 'It is stopped. For a while it can be recovered; then it is removed with its disk.'}
        </Text>
        {!isGoneAtOnce && (
          <Checkbox
            label="Expunge it at once"
            description="its disk is removed now, for good"
            checked={expunge}
            onChange={(event) => setExpunge(event.currentTarget.checked)}
          />
        )}
      </Stack>
    </Confirm>
  );
}

const Recover = ({ vm: { id, name } }: VmActionsProps): ReactNode => (
  <ActionButton
    label="Recover"
    size="sm"
    variant="filled"
    leftSection={<IconRefresh size={16} aria-hidden />}
    command="recoverVirtualMachine"
    values={{ id }}
    done={`${name} was recovered`}
  />
);

function Expunge({ vm: { id, name } }: VmActionsProps): ReactNode {
  const [, go] = useLocation();
  const expunge = useAction('expungeVirtualMachine', `${name} is being removed`, {
    onDone: () => go('/instances'),
  });
  return (
    <Confirm
      label="Expunge"
      title={`Expunge ${name}?`}
      icon={<IconTrash size={16} aria-hidden />}
      disabled={expunge.isPending}
      onConfirm={() => expunge.act({ id })}
    >
      Its disk is removed, for good.
    </Confirm>
  );
}
