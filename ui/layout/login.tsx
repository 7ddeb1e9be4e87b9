import { Alert, Button, Center, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, type SubmitEvent, useState } from 'react';
import { logIn } from '../api/session.ts';

export function Login(): ReactNode {
  useDocumentTitle('Log in · Bypass');
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const login = useMutation({ mutationFn: () => logIn(username, password) });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    login.mutate();
  };
  return (
    <Center mih="100vh" p="md" component="main">
      <Paper withBorder shadow="sm" p="xl" w="100%" maw={400} component="form" onSubmit={submit}>
        <Stack>
          <div>
            <Title order={1} size="h2">
              Bypass
            </Title>
            <Text c="dimmed" size="sm">
              Templates and ISOs, straight from their URL onto the KVM hosts that run them.
            </Text>
          </div>
          <TextInput
            label="User"
            autoComplete="username"
            required
            autoFocus
            value={username}
            onChange={(event) => setUsername(event.currentTarget.value)}
          />
          <PasswordInput
            label="Password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          {login.error !== null && (
            <Alert color="red" role="alert" variant="light">
              {login.error.message}
            </Alert>
          )}
          <Button type="submit" loading={login.isPending} fullWidth>
            Log in
          </Button>
        </Stack>
      </Paper>
    </Center>
  );
}
