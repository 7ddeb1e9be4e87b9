/** The parts of the registration form. */
import {
  Checkbox,
  Group,
  MultiSelect,
  NativeSelect,
  Select,
  SimpleGrid,
  Textarea,
  TextInput,
} from '@mantine/core';
import type { ReactNode } from 'react';
import { useList, useOne } from '../api/queries.ts';
import { useIsAdmin } from '../api/session.ts';
import type { Capability, OsType, Zone } from '../../model/api-answers.ts';
import type { Refusal } from '../elements/refusal.ts';
import type { Kind } from '../templates/kind.ts';
import { recogniseChecksum } from './checksum.ts';
import type { Field } from './field-of.ts';
import { ALL_ZONES, nameOf, type RegisterForm } from './form.ts';
import { guessFormat } from './format.ts';

export interface PartProps {
  readonly kind: Kind;
  readonly form: RegisterForm;
  readonly change: (changes: Partial<RegisterForm>) => void;
  readonly refusal: Refusal<Field>;
}

/** CloudStack's hypervisors. Bypass serves KVM hosts alone, and refuses the others. */
const HYPERVISORS = ['KVM', 'VMware', 'XenServer', 'Hyperv'] as const;

export function Source({ kind, form, change, refusal }: PartProps): ReactNode {
  const checksum = recogniseChecksum(form.checksum);
  const guessed = guessFormat(form.url) ?? 'QCOW2';
  const { data } = useOne<Capability>('listCapabilities', 'capability', {}, { every: false });
  const schemes = data?.found?.urlschemes.replaceAll(',', ', ') ?? '';
  return (
    <>
      <TextInput
        label="URL"
        description={`${schemes}${schemes === '' ? 'An image' : ','} or a metalink. May be packed: gz, bz2, xz, zst, zip.`}
        required
        value={form.url}
        error={refusal.of('url')}
        onChange={(event) => change({ url: event.currentTarget.value })}
      />
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        {!kind.iso && (
          <NativeSelect
            label="Format"
            description={form.format === '' ? 'guessed from the URL' : 'chosen'}
            data={['QCOW2', 'RAW']}
            value={form.format === '' ? guessed : form.format}
            error={refusal.of('format')}
            onChange={(event) => change({ format: event.currentTarget.value as 'QCOW2' | 'RAW' })}
          />
        )}
        <TextInput
          label="Checksum"
          description={checksumHint(form.checksum, checksum?.algorithm)}
          value={form.checksum}
          error={refusal.of('checksum')}
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

export function Naming({ form, change, refusal }: PartProps): ReactNode {
  const name = nameOf(form);
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <TextInput
        label="Name"
        description={form.name === undefined && name !== '' ? 'proposed from the URL' : 'as it is listed'}
        required
        value={name}
        error={refusal.of('name')}
        onChange={(event) => change({ name: event.currentTarget.value })}
      />
      <Textarea
        label="Description"
        description="the name, when it is empty"
        autosize
        minRows={1}
        value={form.displaytext}
        error={refusal.of('displaytext')}
        onChange={(event) => change({ displaytext: event.currentTarget.value })}
      />
    </SimpleGrid>
  );
}

export function Platform({ kind, form, change, refusal }: PartProps): ReactNode {
  const types = useList<OsType>('listOsTypes', 'ostype').data?.rows ?? [];
  return (
    <>
      {!kind.iso && (
        <NativeSelect
          label="Hypervisor"
          data={[...HYPERVISORS]}
          value={form.hypervisor}
          error={refusal.of('hypervisor')}
          onChange={(event) => change({ hypervisor: event.currentTarget.value })}
        />
      )}
      <Select
        label="Guest OS"
        searchable
        clearable
        data={types.map(({ id, description }) => ({ value: id, label: description }))}
        value={form.ostypeid}
        error={refusal.of('ostypeid')}
        onChange={(ostypeid) => change({ ostypeid })}
      />
      {form.hypervisor === 'KVM' && (
        <Checkbox
          label="Direct Download"
          description="KVM hosts download it themselves, without secondary storage"
          checked={form.directdownload}
          error={refusal.of('directdownload')}
          aria-invalid={refusal.of('directdownload') !== undefined}
          onChange={(event) => change({ directdownload: event.currentTarget.checked })}
        />
      )}
    </>
  );
}

export function ZoneField({
  kind,
  form,
  change,
  refusal,
  zones,
}: PartProps & { readonly zones: readonly Zone[] }): ReactNode {
  const isAdmin = useIsAdmin();
  const choices = zones.map(({ id, name }) => ({ value: id, label: name }));
  const [first] = choices;
  return kind.iso ? (
    <NativeSelect
      label="Zone"
      data={isAdmin ? [{ value: ALL_ZONES, label: 'All zones' }, ...choices] : choices}
      value={form.zones[0] ?? (isAdmin ? ALL_ZONES : (first?.value ?? ''))}
      error={refusal.of('zoneids')}
      onChange={(event) => change({ zones: chosenZones(event.currentTarget.value) })}
    />
  ) : (
    <MultiSelect
      label="Zones"
      description="all, when none is chosen"
      data={choices}
      value={[...form.zones]}
      error={refusal.of('zoneids')}
      onChange={(chosen) => change({ zones: chosen })}
    />
  );
}

/** None chosen: all of them. */
const chosenZones = (value: string): readonly string[] => (value === ALL_ZONES ? [] : [value]);

export function Options({ kind, form, change }: PartProps): ReactNode {
  const isAdmin = useIsAdmin();
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
