import { NativeSelect, Text, Textarea, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useCommand } from '../api/queries.ts';
import type { Configuration } from '../../model/api-answers.ts';
import { Form } from '../elements/form.tsx';
import { refusalOf } from '../elements/refusal.ts';

export interface SettingFormProps {
  readonly setting: Configuration;
  /** Empty: the setting of all zones. */
  readonly zoneid: string;
  readonly onDone: () => void;
}

export function SettingForm({ setting, zoneid, onDone }: SettingFormProps): ReactNode {
  const { name, type, description } = setting;
  const [value, setValue] = useState(setting.value);
  const update = useCommand('updateConfiguration', { onDone });
  const refusal = refusalOf(update.error, ['value']);
  const field = {
    label: 'Value',
    value,
    error: refusal.of('value'),
    onChange: (event: { readonly currentTarget: { readonly value: string } }) =>
      setValue(event.currentTarget.value),
  };
  return (
    <Form
      bare
      refusal={refusal}
      submit="Save"
      isPending={update.isPending}
      onSubmit={() => update.mutate({ name, value: value.trim() === '' ? null : value, zoneid })}
    >
      <Text size="sm">{description}</Text>
      {type === 'Boolean' ? (
        <NativeSelect {...field} data={['true', 'false']} />
      ) : type === 'CSV' ? (
        <Textarea {...field} autosize description="with commas between" />
      ) : (
        <TextInput {...field} inputMode={type === 'Integer' ? 'numeric' : 'text'} />
      )}
    </Form>
  );
}
