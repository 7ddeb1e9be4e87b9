import { TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useCommand } from '../api/queries.ts';
import { Form } from '../elements/form.tsx';
import { refusalOf } from '../elements/refusal.ts';

export interface LimitFormProps {
  /** Name of the account. */
  readonly account: string;
  /** A number, or `Unlimited`. */
  readonly limit: string;
  readonly onDone: () => void;
}

export function LimitForm({ account, limit, onDone }: LimitFormProps): ReactNode {
  const [max, setMax] = useState(limit === 'Unlimited' ? '' : limit);
  const update = useCommand('updateResourceLimit', { onDone });
  const refusal = refusalOf(update.error, ['max']);
  return (
    <Form
      bare
      refusal={refusal}
      submit="Save"
      isPending={update.isPending}
      onSubmit={() => update.mutate({ account, resourcetype: '4', max: max.trim() === '' ? -1 : max })}
    >
      <TextInput
        label="Templates and ISOs"
        description="empty: any number"
        inputMode="numeric"
        data-autofocus
        value={max}
        error={refusal.of('max')}
        onChange={(event) => setMax(event.currentTarget.value)}
      />
    </Form>
  );
}
