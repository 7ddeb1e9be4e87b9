/** Sets a password: an administrator sets that of any user; users set their own and must give the present one. */
import { PasswordInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { call } from '../api/client.ts';
import { logIn } from '../api/session.ts';
import type { User } from '../../model/api-answers.ts';
import { Form } from '../elements/form.tsx';
import { refusalOf } from '../elements/refusal.ts';

export interface PasswordFormProps {
  readonly user: User;
  readonly isOwn: boolean;
  readonly onDone?: () => void;
}

export function PasswordForm({ user, isOwn, onDone }: PasswordFormProps): ReactNode {
  const { id, username } = user;
  const [currentpassword, setCurrent] = useState('');
  const [password, setPassword] = useState('');
  const update = useMutation({
    mutationFn: async () => {
      await call('updateUser', { id, password, currentpassword });
      // A new password ends all sessions of its user, this one too.
      if (isOwn) await logIn(username, password);
    },
    onSuccess() {
      setCurrent('');
      setPassword('');
      notifications.show({ message: `The password of ${username} was changed` });
      onDone?.();
    },
  });
  const refusal = refusalOf(update.error, ['currentpassword', 'password']);
  return (
    <Form
      bare
      refusal={refusal}
      submit="Change the password"
      isPending={update.isPending}
      onSubmit={() => update.mutate()}
    >
      {isOwn && (
        <PasswordInput
          label="Present password"
          required
          autoComplete="current-password"
          value={currentpassword}
          error={refusal.of('currentpassword')}
          onChange={(event) => setCurrent(event.currentTarget.value)}
        />
      )}
      <PasswordInput
        label="New password"
        description="8 characters or more"
        required
        autoComplete="new-password"
        value={password}
        error={refusal.of('password')}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
    </Form>
  );
}
