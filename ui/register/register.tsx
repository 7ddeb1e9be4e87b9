/** Registers a template or an ISO. A refusal keeps all that was typed, and stands beside the field that it is about. */
import {
  Alert,
  Button,
  Checkbox,
  Group,
  MultiSelect,
  NativeSelect,
  Paper,
  Select,
  SimpleGrid,
  Stack,
  Textarea,
  TextInput,
} from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type ReactNode, type SubmitEvent, useState } from 'react';
import { useLocation } from 'wouter';
import { ApiFailure, type Values } from '../api/client.ts';
import { useCommand, useList } from '../api/queries.ts';
import { useSession } from '../api/session.ts';
import type { OsType, Template, Zone } from '../api/shapes.ts';
import { ViewHead } from '../elements/view-head.tsx';
import type { Kind } from '../templates/kind.ts';
import { Checking } from './checking.tsx';
import { recogniseChecksum } from './checksum.ts';
import { type Field, fieldOf } from './field-of.ts';
import { guessFormat } from './format.ts';
import { type HeaderRow, HeadersField } from './headers-field.tsx';

interface Form {
  readonly name: string;
  readonly displaytext: string;
  readonly url: string;
  /** Empty: as the URL suggests. */
  readonly format: '' | 'QCOW2' | 'RAW';
  readonly checksum: string;
  readonly hypervisor: string;
  readonly directdownload: boolean;
  readonly zones: readonly string[];
  readonly ostypeid: string | null;
  readonly headers: readonly HeaderRow[];
  readonly ispublic: boolean;
  readonly isfeatured: boolean;
  readonly bootable: boolean;
}

const BLANK: Form = {
  name: '',
  displaytext: '',
  url: '',
  format: '',
  checksum: '',
  hypervisor: 'KVM',
  directdownload: true,
  zones: [],
  ostypeid: null,
  headers: [],
  ispublic: false,
  isfeatured: false,
  bootable: true,
};

/** CloudStack knows these; Bypass brings images to KVM hosts, and says so of any other. */
const HYPERVISORS = ['KVM', 'VMware', 'XenServer', 'Hyperv'] as const;

type Change = (changes: Partial<Form>) => void;
interface PartProps {
  readonly form: Form;
  readonly change: Change;
  readonly errorOf: (field: Field) => string | undefined;
}

export function Register({ kind }: { readonly kind: Kind }): ReactNode {
  const [form, setForm] = useState(BLANK);
  const [customid, setCustomid] = useState('');
  const [, go] = useLocation();
  const register = useCommand<Readonly<Record<string, readonly Template[]>>>(kind.register);
  const refused = register.error instanceof ApiFailure ? register.error : undefined;
  const about = refused === undefined ? undefined : fieldOf(refused);
  const errorOf = (field: Field): string | undefined => (about === field ? refused?.message : undefined);
  const change: Change = (changes) => setForm((before) => ({ ...before, ...changes }));
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const key = crypto.randomUUID?.() ?? String(Math.random());
    setCustomid(key);
    register.mutate(
      { ...valuesOf(kind, form), customid: key },
      {
        onSuccess(answer) {
          const [template] = answer[kind.key] ?? [];
          notifications.show({ message: `${form.name} is registered` });
          go(template === undefined ? kind.path : `${kind.path}/${template.id}`);
        },
      },
    );
  };
  const parts = { form, change, errorOf };
  return (
    <>
      <ViewHead title={`Register ${kind.iso ? 'an ISO' : 'a template'}`} />
      <Paper component="form" onSubmit={submit} withBorder p="md" maw={820}>
        <Stack>
          <Source kind={kind} {...parts} />
          {register.isPending && customid !== '' && <Checking customid={customid} />}
          <Naming {...parts} />
          <Places kind={kind} {...parts} />
          <HeadersField
            rows={form.headers}
            error={errorOf('details')}
            onChange={(headers) => change({ headers })}
          />
          <Options kind={kind} {...parts} />
          {register.error !== null && about === undefined && (
            <Alert color="red" variant="light" role="alert">
              {register.error.message}
            </Alert>
          )}
          <Group>
            <Button type="submit" loading={register.isPending}>
              Register
            </Button>
            <Button variant="default" onClick={() => go(kind.path)}>
              Back
            </Button>
          </Group>
        </Stack>
      </Paper>
    </>
  );
}

function Source({ kind, form, change, errorOf }: PartProps & { readonly kind: Kind }): ReactNode {
  const checksum = recogniseChecksum(form.checksum);
  const guessed = guessFormat(form.url) ?? 'QCOW2';
  return (
    <>
      <TextInput
        label="URL"
        description="http, https, nfs, or a metalink. May be packed: gz, bz2, xz, zst, zip."
        required
        value={form.url}
        error={errorOf('url')}
        onChange={(event) => change({ url: event.currentTarget.value })}
      />
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        {!kind.iso && (
          <NativeSelect
            label="Format"
            description={form.format === '' ? 'guessed from the URL' : 'chosen'}
            data={['QCOW2', 'RAW']}
            value={form.format === '' ? guessed : form.format}
            error={errorOf('format')}
            onChange={(event) => change({ format: event.currentTarget.value as 'QCOW2' | 'RAW' })}
          />
        )}
        <TextInput
          label="Checksum"
          description={checksumHint(form.checksum, checksum?.algorithm)}
          value={form.checksum}
          error={errorOf('checksum')}
          onChange={(event) => change({ checksum: event.currentTarget.value })}
        />
      </SimpleGrid>
    </>
  );
}

function checksumHint(text: string, algorithm: string | undefined): string {
  if (text.trim() === '') return 'optional: MD5 or SHA-1 to SHA-512';
  return algorithm === undefined ? 'not a checksum of a known length' : `recognised as ${algorithm}`;
}

function Naming({ form, change, errorOf }: PartProps): ReactNode {
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <TextInput
        label="Name"
        required
        value={form.name}
        error={errorOf('name')}
        onChange={(event) => change({ name: event.currentTarget.value })}
      />
      <Textarea
        label="Description"
        autosize
        minRows={1}
        value={form.displaytext}
        error={errorOf('displaytext')}
        onChange={(event) => change({ displaytext: event.currentTarget.value })}
      />
    </SimpleGrid>
  );
}

function Places({ kind, form, change, errorOf }: PartProps & { readonly kind: Kind }): ReactNode {
  const zones = useList<Zone>('listZones', 'zone').data?.rows ?? [];
  const types = useList<OsType>('listOsTypes', 'ostype').data?.rows ?? [];
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        {!kind.iso && (
          <NativeSelect
            label="Hypervisor"
            data={[...HYPERVISORS]}
            value={form.hypervisor}
            error={errorOf('hypervisor')}
            onChange={(event) => change({ hypervisor: event.currentTarget.value })}
          />
        )}
        <Select
          label="Guest OS"
          searchable
          clearable
          data={types.map(({ id, description }) => ({ value: id, label: description }))}
          value={form.ostypeid}
          error={errorOf('ostypeid')}
          onChange={(ostypeid) => change({ ostypeid })}
        />
      </SimpleGrid>
      {form.hypervisor === 'KVM' && (
        <Checkbox
          label="Direct Download"
          description="KVM hosts download it themselves, without secondary storage"
          checked={form.directdownload}
          error={errorOf('directdownload')}
          onChange={(event) => change({ directdownload: event.currentTarget.checked })}
        />
      )}
      {kind.iso ? (
        <NativeSelect
          label="Zone"
          data={[
            { value: '-1', label: 'All zones' },
            ...zones.map(({ id, name }) => ({ value: id, label: name })),
          ]}
          value={form.zones[0] ?? '-1'}
          error={errorOf('zoneids')}
          onChange={(event) => change({ zones: [event.currentTarget.value] })}
        />
      ) : (
        <MultiSelect
          label="Zones"
          description="all, when none is chosen"
          data={zones.map(({ id, name }) => ({ value: id, label: name }))}
          value={[...form.zones]}
          error={errorOf('zoneids')}
          onChange={(chosen) => change({ zones: chosen })}
        />
      )}
    </>
  );
}

function Options({ kind, form, change }: PartProps & { readonly kind: Kind }): ReactNode {
  const isAdmin = useSession()?.isAdmin === true;
  return (
    <Group>
      <Checkbox
        label="Public"
        checked={form.ispublic}
        onChange={(event) => change({ ispublic: event.currentTarget.checked })}
      />
      {isAdmin && (
        <Checkbox
          label="Featured"
          checked={form.isfeatured}
          onChange={(event) => change({ isfeatured: event.currentTarget.checked })}
        />
      )}
      {kind.iso && (
        <Checkbox
          label="Bootable"
          checked={form.bootable}
          onChange={(event) => change({ bootable: event.currentTarget.checked })}
        />
      )}
    </Group>
  );
}

function valuesOf(kind: Kind, form: Form): Values {
  const { zones, format, checksum, headers, hypervisor, ...rest } = form;
  const sent = Object.fromEntries(
    headers
      .filter(({ name }) => name.trim() !== '')
      .map(({ name, value }, at) => [`details[${at}].HTTP_HEADER:${name.trim()}`, value]),
  );
  const { bootable, ostypeid, ...common } = rest;
  return {
    ...common,
    ...sent,
    ostypeid: ostypeid ?? undefined,
    checksum: recogniseChecksum(checksum)?.value ?? checksum.trim(),
    ...(kind.iso
      ? { bootable, zoneid: zones[0] ?? '-1' }
      : {
          hypervisor,
          format: format === '' ? (guessFormat(form.url) ?? 'QCOW2') : format,
          zoneids: zones.length === 0 ? '-1' : zones.join(','),
        }),
  };
}
