/** Deploys a machine from a template or an ISO. What is left as it is has a sensible value, so that one click is enough. */
import { Anchor, NativeSelect, Select, SimpleGrid, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type ReactNode, useState } from 'react';
import { Link, useLocation, useSearchParams } from 'wouter';
import { useCommand, useList } from '../api/queries.ts';
import type {
  Network,
  ServiceOffering,
  SshKeyPair,
  Template,
  VirtualMachine,
} from '../../model/api-answers.ts';
import { Empty } from '../elements/empty.tsx';
import { Form } from '../elements/form.tsx';
import { Missing } from '../elements/missing.tsx';
import { refusalOf } from '../elements/refusal.ts';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { blankFor, parametersOf, proposedVmName } from './deploy-form.ts';
import { FIELDS, KeyField, MoreFields, NetworkField, SizeFields } from './deploy-parts.tsx';
import { vmPath } from './vm-link.tsx';

export function Deploy(): ReactNode {
  const [search] = useSearchParams();
  const template = search.get('template');
  const iso = search.get('iso');
  if (template !== null) return <OfImage key={template} id={template} folder="templates" />;
  if (iso !== null) return <OfImage key={iso} id={iso} folder="isos" />;
  return <ChooseImage />;
}

const choicesOf = (rows: readonly Template[] = [], kind: 'template' | 'iso') =>
  rows.filter(({ isready }) => isready).map(({ id, name }) => ({ value: `${kind}=${id}`, label: name }));

/** The first step when no image is named yet. */
function ChooseImage(): ReactNode {
  const [, go] = useLocation();
  const templates = useList<Template>('listTemplates', 'template', {
    templatefilter: 'executable',
    showunique: true,
  });
  const isos = useList<Template>('listIsos', 'iso', { isofilter: 'executable', showunique: true });
  if (templates.isLoading || isos.isLoading) return <Waiting />;
  const choices = [
    { group: 'Templates', items: choicesOf(templates.data?.rows, 'template') },
    {
      group: 'ISOs',
      items: choicesOf(
        isos.data?.rows.filter(({ bootable }) => bootable),
        'iso',
      ),
    },
  ];
  return (
    <>
      <ViewHead title="Deploy an instance" />
      {choices.every(({ items }) => items.length === 0) ? (
        <Empty title="No template yet">
          Register one by its URL under{' '}
          <Anchor component={Link} href="/templates/register">
            Templates
          </Anchor>
          ; an instance is made from it.
        </Empty>
      ) : (
        <Select
          label="Template or ISO"
          description="what the instance is made from"
          searchable
          maw={620}
          data={choices}
          nothingFoundMessage="No image is like that"
          onChange={(value) => go(`/instances/deploy?${value ?? ''}`)}
        />
      )}
    </>
  );
}

function OfImage({ id, folder }: { readonly id: string; readonly folder: 'templates' | 'isos' }): ReactNode {
  const [list, key, filter] =
    folder === 'isos'
      ? (['listIsos', 'iso', 'isofilter'] as const)
      : (['listTemplates', 'template', 'templatefilter'] as const);
  const { data, error, isLoading } = useList<Template>(list, key, { [filter]: 'executable', id });
  const image = data?.rows[0];
  if (isLoading) return <Waiting />;
  if (data === undefined || image === undefined) return <Missing error={error} />;
  return <Sheet rows={data.rows} image={image} back={`/${folder}/${id}`} />;
}

interface SheetProps {
  /** The image, once for each of its zones. */
  readonly rows: readonly Template[];
  readonly image: Template;
  readonly back: string;
}

function Sheet({ rows, image, back }: SheetProps): ReactNode {
  const [form, setForm] = useState(() => blankFor(image));
  const [zoneId, setZoneId] = useState(image.zoneid ?? '');
  const [, go] = useLocation();
  const offeringList = useList<ServiceOffering>('listServiceOfferings', 'serviceoffering');
  const keyList = useList<SshKeyPair>('listSSHKeyPairs', 'sshkeypair');
  const networkList = useList<Network>('listNetworks', 'network', { zoneid: zoneId, listall: true });
  const [offerings, ownKeys, networks] = [
    offeringList.data?.rows,
    keyList.data?.rows,
    networkList.data?.rows,
  ];
  // What is chosen by itself: a machine that is deployed before would be one without keys.
  const awaitsChoices = [offeringList, keyList, networkList].some(({ isPending }) => isPending);
  const deploy = useCommand<{ readonly id: string }>('deployVirtualMachine');
  const refusal = refusalOf(deploy.error, FIELDS);
  const proposed = useProposedName(image);
  const name = form.name ?? proposed;
  const offering = offerings?.find(({ id }) => id === form.offeringId) ?? offerings?.[0];
  const networkIds = form.networkIds ?? (networks ?? []).slice(0, 1).map(({ id }) => id);
  const keys = form.keys ?? (ownKeys ?? []).map((key) => key.name);
  const choice = { image, zoneId, name, offering, networkIds, keys };
  const parts = {
    form,
    choice,
    refusal,
    change: (changes: Partial<typeof form>) => setForm({ ...form, ...changes }),
  };
  return (
    <>
      <ViewHead title={`Deploy an instance of ${image.name}`} />
      <Form
        refusal={refusal}
        submit={form.starts ? 'Deploy and start' : 'Deploy'}
        isPending={deploy.isPending || awaitsChoices}
        back={back}
        maxWidth={820}
        onSubmit={() =>
          deploy.mutate(parametersOf(form, choice), {
            onSuccess({ id }) {
              notifications.show({ message: `${name} is on its way` });
              go(vmPath({ id }));
            },
          })
        }
      >
        <SimpleGrid cols={{ base: 1, sm: rows.length > 1 ? 2 : 1 }}>
          <TextInput
            label="Name"
            description="the host name of the guest: letters, digits and hyphens"
            required
            value={name}
            error={refusal.of('name')}
            onChange={(event) => parts.change({ name: event.currentTarget.value })}
          />
          {rows.length > 1 && (
            <NativeSelect
              label="Zone"
              description="where it runs"
              data={rows.map((row) => ({ value: row.zoneid ?? '', label: row.zonename ?? '' }))}
              value={zoneId}
              error={refusal.of('zoneid')}
              onChange={(event) => setZoneId(event.currentTarget.value)}
            />
          )}
        </SimpleGrid>
        {offerings !== undefined && <SizeFields {...parts} offerings={offerings} />}
        {networks !== undefined && <NetworkField {...parts} networks={networks} />}
        {ownKeys !== undefined && <KeyField {...parts} keys={ownKeys} />}
        <MoreFields {...parts} />
        <Text size="sm" c="dimmed">
          A host is chosen that has the image on a pool; where there is none, a host downloads it first.
        </Text>
      </Form>
    </>
  );
}

function useProposedName(image: Template): string {
  const taken = useList<VirtualMachine>('listVirtualMachines', 'virtualmachine', {
    listall: true,
    keyword: '-vm',
    details: 'min',
  });
  return proposedVmName(
    image.name,
    (taken.data?.rows ?? []).map((vm) => vm.name),
  );
}
