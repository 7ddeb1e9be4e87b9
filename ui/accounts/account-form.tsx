/** A new account with its first user. */
import { NativeSelect, PasswordInput, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { useLocation } from 'wouter';
import { useCommand } from '../api/queries.ts';
import type { Account } from '../../model/api-answers.ts';
import { Form } from '../elements/form.tsx';
import { useTextFields } from '../elements/text-fields.ts';

const BLANK = { username: '', password: '', account: '', accounttype: '0' };

export function AccountForm({ onDone }: { readonly onDone: () => void }): ReactNode {
  const [, go] = useLocation();
  const create = useCommand<{ readonly account: Account }>('createAccount');
  const { values, refusal, field } = useTextFields(BLANK, create.error);
  return (
    <Form
      bare
      refusal={refusal}
      submit="Create"
      isPending={create.isPending}
      onSubmit={() =>
        create.mutate(values, {
          onSuccess({ account }) {
            onDone();
            go(`/accounts/${account.id}`);
          },
        })
      }
    >
      <TextInput label="User" required data-autofocus autoComplete="off" {...field('username')} />
      <PasswordInput
        label="Password"
        description="8 characters or more"
        required
        autoComplete="new-password"
        {...field('password')}
      />
      <TextInput label="Account" description="the name of the user, when it is empty" {...field('account')} />
      <NativeSelect
        label="Role"
        data={[
          { value: '0', label: 'User' },
          { value: '1', label: 'Administrator' },
        ]}
        {...field('accounttype')}
      />
    </Form>
  );
}
