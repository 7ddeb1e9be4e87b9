import { Checkbox, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useCommand } from '../api/queries.ts';
import type { Zone } from '../../model/api-answers.ts';
import { Form } from '../elements/form.tsx';
import { refusalOf } from '../elements/refusal.ts';

export interface ZoneFormProps {
  /** Absent: a new one. */
  readonly zone?: Zone;
  readonly onDone: () => void;
}

export function ZoneForm({ zone, onDone }: ZoneFormProps): ReactNode {
  const [name, setName] = useState(zone?.name ?? '');
  const [demandallmirrors, setDemand] = useState(zone?.demandallmirrors === true);
  const save = useCommand(zone === undefined ? 'createZone' : 'updateZone', { onDone });
  const refusal = refusalOf(save.error, ['name', 'demandallmirrors']);
  return (
    <Form
      bare
      refusal={refusal}
      submit={zone === undefined ? 'Create' : 'Save'}
      isPending={save.isPending}
      onSubmit={() => save.mutate({ id: zone?.id, name, demandallmirrors })}
    >
      <TextInput
        label="Name"
        required
        data-autofocus
        value={name}
        error={refusal.of('name')}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Checkbox
        label="Every mirror must be reachable"
        description="else one reachable URL of a metalink is enough to register"
        checked={demandallmirrors}
        error={refusal.of('demandallmirrors')}
        onChange={(event) => setDemand(event.currentTarget.checked)}
      />
    </Form>
  );
}
