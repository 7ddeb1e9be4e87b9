import { NativeSelect, SimpleGrid, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { useCommand, useList } from '../api/queries.ts';
import { useIsAdmin } from '../api/session.ts';
import type { Host, NetworkOffering, Zone } from '../../model/api-answers.ts';
import { Form } from '../elements/form.tsx';
import { useTextFields } from '../elements/text-fields.ts';

const BLANK = {
  name: '',
  displaytext: '',
  zoneid: '',
  networkofferingid: '',
  hostnetwork: '',
  vlan: '',
  gateway: '',
  netmask: '',
  startip: '',
  endip: '',
};

const KIND_WORDS: Readonly<Record<string, string>> = {
  L2: 'L2: for one account',
  Shared: 'Shared: for all accounts',
};

export function NetworkForm({ onDone }: { readonly onDone: () => void }): ReactNode {
  const isAdmin = useIsAdmin();
  const zones = useList<Zone>('listZones', 'zone').data?.rows ?? [];
  const all = useList<NetworkOffering>('listNetworkOfferings', 'networkoffering').data?.rows ?? [];
  const offerings = all.filter((one) => one.state === 'Enabled' && (isAdmin || isForUsers(one)));
  const create = useCommand('createNetwork', { onDone });
  const { values, refusal, field } = useTextFields(BLANK, create.error);
  const offering = offerings.find(({ id }) => id === values.networkofferingid) ?? offerings[0];
  const zoneid = values.zoneid || (zones[0]?.id ?? '');
  const submit = (): void => {
    const { gateway, netmask, startip, endip, vlan, ...others } = values;
    create.mutate({
      ...others,
      displaytext: others.displaytext || others.name,
      zoneid,
      networkofferingid: offering?.id,
      ...(offering?.specifyvlan === true ? { vlan } : {}),
      ...(offering?.guestiptype === 'Shared' ? { gateway, netmask, startip, endip } : {}),
    });
  };
  return (
    <Form bare refusal={refusal} submit="Create" isPending={create.isPending} onSubmit={submit}>
      <TextInput label="Name" required data-autofocus {...field('name')} />
      <TextInput label="Description" description="the name, when it is empty" {...field('displaytext')} />
      {zones.length > 1 && (
        <NativeSelect
          label="Zone"
          data={zones.map(({ id, name }) => ({ value: id, label: name }))}
          {...field('zoneid')}
          value={zoneid}
        />
      )}
      <NativeSelect
        label="Kind"
        data={offerings.map(({ id, name, guestiptype }) => ({
          value: id,
          label: `${name} (${KIND_WORDS[guestiptype] ?? guestiptype})`,
        }))}
        {...field('networkofferingid')}
        value={offering?.id ?? ''}
      />
      {isAdmin && <HostNetworkField zoneid={zoneid} {...field('hostnetwork')} />}
      {offering?.specifyvlan === true && (
        <TextInput label="VLAN" type="number" min={1} max={4094} {...field('vlan')} />
      )}
      {offering?.guestiptype === 'Shared' && (
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <TextInput label="Gateway" {...field('gateway')} />
          <TextInput label="Netmask" {...field('netmask')} />
          <TextInput label="First address" {...field('startip')} />
          <TextInput label="Last address" {...field('endip')} />
        </SimpleGrid>
      )}
    </Form>
  );
}

/** Users take networks that need no configuration of hosts. */
const isForUsers = ({ guestiptype, specifyvlan }: NetworkOffering): boolean =>
  guestiptype === 'L2' && !specifyvlan;

/** The networks that hosts of the zone offer; the API takes other names too, for hosts that are to come. */
function HostNetworkField({
  zoneid,
  ...field
}: ReturnType<ReturnType<typeof useTextFields<keyof typeof BLANK>>['field']> & {
  readonly zoneid: string;
}): ReactNode {
  const hosts = useList<Host>('listHosts', 'host', { zoneid, page: 1, pagesize: 500 });
  const offered = (hosts.data?.rows ?? []).flatMap(({ hostnetwork = [] }) =>
    hostnetwork.map(({ name }) => name),
  );
  return (
    <NativeSelect
      label="Network of the hosts"
      description="by which hosts connect instances to it"
      data={[
        { value: '', label: 'as the zone says (setting vm.network.default)' },
        ...[...new Set(offered)].map((name) => ({ value: name, label: name })),
      ]}
      {...field}
    />
  );
}
