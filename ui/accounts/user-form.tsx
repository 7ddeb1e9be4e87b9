/** Adds a user to an account. */
import { PasswordInput, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { useCommand } from '../api/queries.ts';
import { Form } from '../elements/form.tsx';
import { useTextFields } from '../elements/text-fields.ts';

const BLANK = { username: '', password: '', firstname: '', lastname: '', email: '' };

export interface UserFormProps {
  /** Name of the account. */
  readonly account: string;
  readonly onDone: () => void;
}

export function UserForm({ account, onDone }: UserFormProps): ReactNode {
  const create = useCommand('createUser', { onDone });
  const { values, refusal, field } = useTextFields(BLANK, create.error);
  return (
    <Form
      bare
      refusal={refusal}
      submit="Create"
      isPending={create.isPending}
      onSubmit={() => create.mutate({ account, ...values })}
    >
      <TextInput label="User" required data-autofocus autoComplete="off" {...field('username')} />
      <PasswordInput
        label="Password"
        description="8 characters or more"
        required
        autoComplete="new-password"
        {...field('password')}
      />
      <TextInput label="First name" {...field('firstname')} />
      <TextInput label="Last name" {...field('lastname')} />
      <TextInput label="Email" type="email" {...field('email')} />
    </Form>
  );
}
