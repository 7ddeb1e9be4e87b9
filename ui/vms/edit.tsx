/** Changes the names, group, user data, size and SSH keys of a machine. */
import { Alert, Checkbox, MultiSelect, NativeSelect, SimpleGrid, Textarea, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type ReactNode, useState } from 'react';
import { useLocation, useParams } from 'wouter';
import { useCommand, useList } from '../api/queries.ts';
import type { ServiceOffering, SshKeyPair, VirtualMachine } from '../../model/api-answers.ts';
import { Form } from '../elements/form.tsx';
import { Missing } from '../elements/missing.tsx';
import { refusalOf } from '../elements/refusal.ts';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { base64 } from './deploy-form.ts';
import { vmPath } from './vm-link.tsx';
import { sizeOfVm } from './vm-state.ts';

const FIELDS = ['name', 'displayname', 'group', 'userdata', 'serviceofferingid', 'keypairs'] as const;

export function EditVm(): ReactNode {
  const { id } = useParams<{ id: string }>();
  const { data, error, isLoading } = useList<VirtualMachine>('listVirtualMachines', 'virtualmachine', {
    id,
    listall: true,
  });
  const vm = data?.rows[0];
  if (isLoading) return <Waiting />;
  if (vm === undefined) return <Missing error={error} />;
  return <EditForm key={id} vm={vm} />;
}

const namesOf = (keypairs: string | undefined): readonly string[] =>
  keypairs === undefined ? [] : keypairs.split(',');

function EditForm({ vm }: { readonly vm: VirtualMachine }): ReactNode {
  const { id, keypairs, state } = vm;
  const [, go] = useLocation();
  const [form, setForm] = useState({
    name: vm.name,
    displayname: vm.displayname,
    group: vm.group ?? '',
    userdata: '',
    serviceofferingid: vm.serviceofferingid,
    keys: namesOf(keypairs),
    deleteprotection: vm.deleteprotection,
  });
  const change = (changes: Partial<typeof form>): void => setForm({ ...form, ...changes });
  const update = useCommand('updateVirtualMachine');
  const resize = useCommand('changeServiceForVirtualMachine');
  const reset = useCommand('resetSSHKeyForVirtualMachine', { asJob: true });
  const refusal = refusalOf(update.error ?? resize.error ?? reset.error, FIELDS);
  const isStopped = state === 'Stopped';
  const save = async (): Promise<void> => {
    const { serviceofferingid, keys, userdata, ...values } = form;
    await update.mutateAsync({
      id,
      ...values,
      group: values.group === '' && vm.group !== undefined ? null : values.group,
      userdata: userdata === '' ? undefined : base64(userdata),
    });
    if (serviceofferingid !== vm.serviceofferingid) await resize.mutateAsync({ id, serviceofferingid });
    if (keys.join(',') !== namesOf(keypairs).join(',')) {
      await reset.mutateAsync({ id, keypairs: keys.join(',') });
    }
    notifications.show({ message: `${form.name} was changed` });
    go(vmPath(vm));
  };
  return (
    <>
      <ViewHead title={`Edit ${vm.name}`} />
      <Form
        refusal={refusal}
        submit="Save"
        isPending={update.isPending || resize.isPending || reset.isPending}
        back={vmPath(vm)}
        maxWidth={820}
        onSubmit={() => {
          // Failures are shown from the state of the commands.
          save().catch(() => undefined);
        }}
      >
        {!isStopped && (
          <Alert variant="light" color="cyan">
            A new name and new user data take effect at its next start. Its offering and SSH keys can be
            changed while it is stopped.
          </Alert>
        )}
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextInput
            label="Name"
            description="the host name of the guest"
            required
            value={form.name}
            error={refusal.of('name')}
            onChange={(event) => change({ name: event.currentTarget.value })}
          />
          <TextInput
            label="Display name"
            description="for people"
            value={form.displayname}
            error={refusal.of('displayname')}
            onChange={(event) => change({ displayname: event.currentTarget.value })}
          />
        </SimpleGrid>
        <TextInput
          label="Group"
          value={form.group}
          error={refusal.of('group')}
          onChange={(event) => change({ group: event.currentTarget.value })}
        />
        {isStopped && <Compute form={form} change={change} refusal={refusal} />}
        <Textarea
          label="User data"
          description="empty: what it has stays"
          autosize
          minRows={3}
          maxRows={16}
          classNames={{ input: 'pem' }}
          value={form.userdata}
          error={refusal.of('userdata')}
          onChange={(event) => change({ userdata: event.currentTarget.value })}
        />
        <Checkbox
          label="Protected"
          description="it cannot be destroyed"
          checked={form.deleteprotection}
          onChange={(event) => change({ deleteprotection: event.currentTarget.checked })}
        />
      </Form>
    </>
  );
}

interface ComputeValues {
  readonly serviceofferingid: string;
  readonly keys: readonly string[];
}

/** What only a stopped machine can be given. */
function Compute({
  form,
  change,
  refusal,
}: {
  readonly form: ComputeValues;
  readonly change: (changes: Partial<ComputeValues>) => void;
  readonly refusal: { readonly of: (field: 'serviceofferingid' | 'keypairs') => string | undefined };
}): ReactNode {
  const offerings = useList<ServiceOffering>('listServiceOfferings', 'serviceoffering').data?.rows ?? [];
  const keys = useList<SshKeyPair>('listSSHKeyPairs', 'sshkeypair').data?.rows ?? [];
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <NativeSelect
        label="Offering"
        data={offerings.map((one) => ({ value: one.id, label: `${one.name}: ${sizeOfVm(one)}` }))}
        value={form.serviceofferingid}
        error={refusal.of('serviceofferingid')}
        onChange={(event) => change({ serviceofferingid: event.currentTarget.value })}
      />
      <MultiSelect
        label="SSH keys"
        data={keys.map(({ name }) => name)}
        value={[...form.keys]}
        error={refusal.of('keypairs')}
        onChange={(chosen) => change({ keys: chosen })}
      />
    </SimpleGrid>
  );
}
