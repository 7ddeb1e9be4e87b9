import { Paper, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';

/** Takes the place of an empty list: says what the list would show, and what to do first. */
export function Empty({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ReactNode;
}): ReactNode {
  return (
    <Paper withBorder p="xl" radius="md">
      <Stack align="center" gap="xs">
        <Text fw={600}>{title}</Text>
        <Text c="dimmed" ta="center" component="div" maw={520}>
          {children}
        </Text>
      </Stack>
    </Paper>
  );
}
