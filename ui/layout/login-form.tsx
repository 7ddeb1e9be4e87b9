import { PasswordInput, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { logIn } from '../api/session.ts';
import { Form } from '../elements/form.tsx';
import { refusalOf } from '../elements/refusal.ts';

export interface LoginFormProps {
  /** User name to fill in. */
  readonly user?: string;
  readonly buttons?: ReactNode;
}

export function LoginForm({ user = '', buttons }: LoginFormProps): ReactNode {
  const [username, setUsername] = useState(user);
  const [password, setPassword] = useState('');
  const login = useMutation({ mutationFn: () => logIn(username, password) });
  return (
    <Form
      bare
      refusal={refusalOf(login.error, [])}
      submit="Log in"
      isPending={login.isPending}
      buttons={buttons}
      onSubmit={() => login.mutate()}
    >
      <TextInput
        label="User"
        autoComplete="username"
        required
        autoFocus={user === ''}
        value={username}
        onChange={(event) => setUsername(event.currentTarget.value)}
      />
      <PasswordInput
        label="Password"
        autoComplete="current-password"
        required
        autoFocus={user !== ''}
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
    </Form>
  );
}
