import { Center, Paper, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { LoginForm } from './login-form.tsx';

export function Login(): ReactNode {
  useDocumentTitle('Log in · Bypass');
  return (
    <Center mih="100vh" p="md" component="main">
      <Paper withBorder shadow="sm" p="xl" w="100%" maw={400}>
        <Title order={1} size="h2">
          Bypass
        </Title>
        <Text c="dimmed" size="sm" mb="md">
          Templates and ISOs, straight from their URL onto the KVM hosts that run them.
        </Text>
        <LoginForm />
      </Paper>
    </Center>
  );
}
