import { Checkbox, NativeSelect, SimpleGrid, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useCommand } from '../api/queries.ts';
import type { ServiceOffering } from '../../model/api-answers.ts';
import { PROVISIONING_TYPES, STORAGE_TYPES } from '../../model/vms.ts';
import { Form } from '../elements/form.tsx';
import { useTextFields } from '../elements/text-fields.ts';

export interface OfferingFormProps {
  /** Absent: a new one. */
  readonly offering?: ServiceOffering;
  readonly onDone: () => void;
}

export const OfferingForm = ({ offering, onDone }: OfferingFormProps): ReactNode =>
  offering === undefined ? <NewOffering onDone={onDone} /> : <Change offering={offering} onDone={onDone} />;

const BLANK = {
  name: '',
  displaytext: '',
  cpunumber: '1',
  memory: '1024',
  cpuspeed: '1000',
  rootdisksize: '',
  storagetype: 'any',
  provisioningtype: 'thin',
  tags: '',
  hosttags: '',
};

const STORAGE_WORDS = {
  shared: 'shared: pools of several hosts',
  local: 'local: pools of one host',
  any: 'any: shared or local',
} as const satisfies Record<(typeof STORAGE_TYPES)[number], string>;

const PROVISIONING_WORDS = {
  thin: 'thin: an overlay on the image',
  sparse: 'sparse: a copy, without empty blocks',
  fat: 'fat: a copy with all blocks',
} as const satisfies Record<(typeof PROVISIONING_TYPES)[number], string>;

function NewOffering({ onDone }: Pick<OfferingFormProps, 'onDone'>): ReactNode {
  const [customized, setCustomized] = useState(false);
  const create = useCommand('createServiceOffering', { onDone });
  const { values, refusal, field } = useTextFields(BLANK, create.error);
  const submit = (): void => {
    const { cpunumber, memory, cpuspeed, ...others } = values;
    const chosen = customized ? { customized } : { cpunumber, memory, cpuspeed };
    create.mutate({ ...others, displaytext: others.displaytext || others.name, ...chosen });
  };
  return (
    <Form bare refusal={refusal} submit="Create" isPending={create.isPending} onSubmit={submit}>
      <TextInput label="Name" required data-autofocus {...field('name')} />
      <TextInput label="Description" description="the name, when it is empty" {...field('displaytext')} />
      <Checkbox
        label="Chosen by those who deploy"
        description="processors and memory are given for each instance"
        checked={customized}
        onChange={(event) => setCustomized(event.currentTarget.checked)}
      />
      {!customized && (
        <SimpleGrid cols={{ base: 1, xs: 3 }}>
          <TextInput label="Processors" type="number" min={1} required {...field('cpunumber')} />
          <TextInput label="Memory, in MiB" type="number" min={32} required {...field('memory')} />
          <TextInput label="MHz of each" type="number" min={1} required {...field('cpuspeed')} />
        </SimpleGrid>
      )}
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <TextInput
          label="Disk, in GiB"
          description="empty: as large as the image"
          type="number"
          min={1}
          {...field('rootdisksize')}
        />
        <NativeSelect
          label="Storage"
          description="pools for its disks"
          data={STORAGE_TYPES.map((value) => ({ value, label: STORAGE_WORDS[value] }))}
          {...field('storagetype')}
        />
        <NativeSelect
          label="Disks are made"
          data={PROVISIONING_TYPES.map((value) => ({ value, label: PROVISIONING_WORDS[value] }))}
          {...field('provisioningtype')}
        />
        <TextInput label="Tags of pools" {...field('tags')} />
        <TextInput label="Tags of hosts" {...field('hosttags')} />
      </SimpleGrid>
    </Form>
  );
}

function Change({ offering, onDone }: Required<OfferingFormProps>): ReactNode {
  const { id, name, displaytext, storagetags = '', hosttags = '' } = offering;
  const update = useCommand('updateServiceOffering', { onDone });
  const { values, refusal, field } = useTextFields(
    { name, displaytext, storagetags, hosttags },
    update.error,
  );
  /** Emptied fields are sent, to take away what was there. */
  const submit = (): void =>
    update.mutate({
      id,
      ...values,
      storagetags: values.storagetags || (storagetags === '' ? undefined : null),
      hosttags: values.hosttags || (hosttags === '' ? undefined : null),
    });
  return (
    <Form bare refusal={refusal} submit="Save" isPending={update.isPending} onSubmit={submit}>
      <TextInput label="Name" required data-autofocus {...field('name')} />
      <TextInput label="Description" {...field('displaytext')} />
      <TextInput label="Tags of pools" {...field('storagetags')} />
      <TextInput label="Tags of hosts" {...field('hosttags')} />
    </Form>
  );
}
