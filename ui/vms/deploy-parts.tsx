/** The parts of the form to deploy a machine. */
import {
  Anchor,
  Checkbox,
  MultiSelect,
  NativeSelect,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { useList } from '../api/queries.ts';
import { useIsAdmin } from '../api/session.ts';
import type { Host, Network, ServiceOffering, SshKeyPair } from '../../model/api-answers.ts';
import { bytes } from '../elements/quantities.ts';
import type { Refusal } from '../elements/refusal.ts';
import { type Choice, type DeployValues, FIRMWARE } from './deploy-form.ts';
import { sizeOfVm } from './vm-state.ts';

/** Parameters beside whose field a refusal can appear. */
export const FIELDS = [
  'name',
  'zoneid',
  'serviceofferingid',
  'rootdisksize',
  'networkids',
  'keypairs',
  'userdata',
  'bootmode',
  'hostid',
  'displayname',
  'group',
] as const;

export interface PartProps {
  readonly form: DeployValues;
  readonly choice: Choice;
  readonly refusal: Refusal<(typeof FIELDS)[number]>;
  readonly change: (changes: Partial<DeployValues>) => void;
}

const wholeOf = (value: number | string): number | '' => (typeof value === 'number' ? value : '');

export function SizeFields({
  form,
  choice: { image, offering },
  refusal,
  change,
  offerings,
}: PartProps & { readonly offerings: readonly ServiceOffering[] }): ReactNode {
  const isIso = image.format === 'ISO';
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <NativeSelect
        label="Offering"
        description="processors and memory"
        required
        data={offerings.map((one) => ({ value: one.id, label: `${one.name}: ${sizeOfVm(one)}` }))}
        value={offering?.id ?? ''}
        error={refusal.of('serviceofferingid') ?? (offerings.length === 0 ? 'There is none yet.' : undefined)}
        onChange={(event) => change({ offeringId: event.currentTarget.value })}
      />
      {offering?.rootdisksize === undefined && (
        <NumberInput
          label="Disk, in GiB"
          description={isIso ? 'an empty one' : `empty: as large as the image${imageSize(image.size)}`}
          required={isIso}
          min={1}
          allowDecimal={false}
          value={form.rootDiskSize}
          error={refusal.of('rootdisksize')}
          onChange={(value) => change({ rootDiskSize: wholeOf(value) })}
        />
      )}
      {offering?.iscustomized === true && (
        <>
          <NumberInput
            label="Processors"
            required
            min={1}
            allowDecimal={false}
            value={form.cpus}
            onChange={(value) => change({ cpus: wholeOf(value) })}
          />
          <NumberInput
            label="Memory, in MiB"
            required
            min={32}
            step={256}
            allowDecimal={false}
            value={form.memory}
            onChange={(value) => change({ memory: wholeOf(value) })}
          />
        </>
      )}
    </SimpleGrid>
  );
}

const imageSize = (size: number | undefined): string =>
  size === undefined || size === 0 ? '' : `, ${bytes(size)}`;

export function NetworkField({
  choice: { networkIds },
  refusal,
  change,
  networks,
}: PartProps & { readonly networks: readonly Network[] }): ReactNode {
  if (networks.length === 0) {
    return (
      <Text size="sm">
        The zone has no network for its network card:{' '}
        <Anchor component={Link} href="/networks">
          create one
        </Anchor>
        .
      </Text>
    );
  }
  return (
    <MultiSelect
      label="Networks"
      description="one network card each; the first is the default"
      data={networks.map(({ id, name, type }) => ({ value: id, label: `${name} (${type})` }))}
      value={[...networkIds]}
      error={refusal.of('networkids')}
      onChange={(chosen) => change({ networkIds: chosen })}
    />
  );
}

export function KeyField({
  choice: { keys: chosen },
  refusal,
  change,
  keys,
}: PartProps & { readonly keys: readonly SshKeyPair[] }): ReactNode {
  if (keys.length === 0) {
    return (
      <Text size="sm">
        No SSH key is registered, by which one could log in:{' '}
        <Anchor component={Link} href="/ssh-keys">
          register yours
        </Anchor>
        , or give user data.
      </Text>
    );
  }
  return (
    <MultiSelect
      label="SSH keys"
      description="that may log in"
      data={keys.map(({ name }) => name)}
      value={[...chosen]}
      error={refusal.of('keypairs')}
      onChange={(names) => change({ keys: names })}
    />
  );
}

export function MoreFields({ form, choice: { zoneId }, refusal, change }: PartProps): ReactNode {
  const isAdmin = useIsAdmin();
  return (
    <details className="more">
      <summary>More: user data, firmware, names</summary>
      <Stack mt="sm">
        <Textarea
          label="User data"
          description="for cloud-init at the first boot, such as #cloud-config"
          autosize
          minRows={3}
          maxRows={16}
          classNames={{ input: 'pem' }}
          value={form.userData}
          error={refusal.of('userdata')}
          onChange={(event) => change({ userData: event.currentTarget.value })}
        />
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <NativeSelect
            label="Firmware"
            description="by which it boots"
            data={[...FIRMWARE]}
            value={form.firmware}
            error={refusal.of('bootmode')}
            onChange={(event) =>
              change({ firmware: event.currentTarget.value as (typeof FIRMWARE)[number]['value'] })
            }
          />
          {isAdmin && <HostField form={form} zoneId={zoneId} error={refusal.of('hostid')} change={change} />}
          <TextInput
            label="Display name"
            description="the name, when it is empty"
            value={form.displayName}
            error={refusal.of('displayname')}
            onChange={(event) => change({ displayName: event.currentTarget.value })}
          />
          <TextInput
            label="Group"
            description="of instances; made when there is none"
            value={form.group}
            error={refusal.of('group')}
            onChange={(event) => change({ group: event.currentTarget.value })}
          />
        </SimpleGrid>
        <Checkbox
          label="Start it"
          checked={form.starts}
          onChange={(event) => change({ starts: event.currentTarget.checked })}
        />
      </Stack>
    </details>
  );
}

function HostField({
  form,
  zoneId,
  error,
  change,
}: Pick<PartProps, 'form' | 'change'> & {
  readonly zoneId: string;
  readonly error: string | undefined;
}): ReactNode {
  const hosts = useList<Host>('listHosts', 'host', { zoneid: zoneId, state: 'Up', page: 1, pagesize: 500 });
  return (
    <Select
      label="Host"
      description="chosen by its room and its images, when it is empty"
      searchable
      clearable
      data={(hosts.data?.rows ?? []).map(({ id, name }) => ({ value: id, label: name }))}
      value={form.hostId}
      error={error}
      onChange={(hostId) => change({ hostId })}
    />
  );
}
