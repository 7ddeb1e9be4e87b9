/** A field for HTTP headers, with a row of name and value for each. */
import { ActionIcon, Button, Fieldset, Group, PasswordInput, Text, TextInput } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import type { ReactNode } from 'react';

export interface HeaderRow {
  readonly key: number;
  readonly name: string;
  readonly value: string;
}

export interface HeadersFieldProps {
  readonly rows: readonly HeaderRow[];
  readonly error: string | undefined;
  readonly onChange: (rows: readonly HeaderRow[]) => void;
}

export function HeadersField({ rows, error, onChange }: HeadersFieldProps): ReactNode {
  const change = (key: number, changes: Partial<HeaderRow>): void =>
    onChange(rows.map((row) => (row.key === key ? { ...row, ...changes } : row)));
  const next = Math.max(0, ...rows.map(({ key }) => key)) + 1;
  return (
    <Fieldset legend="HTTP headers">
      <Text size="sm" c="dimmed" mb="xs">
        Sent to the source with every request. They are kept sealed, and never shown again.
      </Text>
      {rows.map((row, at) => (
        <Group key={row.key} mb="xs" gap="xs" align="flex-end" wrap="nowrap">
          <TextInput
            flex={1}
            label="Name"
            aria-label={`Name of header ${at + 1}`}
            placeholder="Authorization"
            value={row.name}
            onChange={(event) => change(row.key, { name: event.currentTarget.value })}
          />
          <PasswordInput
            flex={2}
            label="Value"
            aria-label={`Value of header ${at + 1}`}
            autoComplete="off"
            value={row.value}
            onChange={(event) => change(row.key, { value: event.currentTarget.value })}
          />
          <ActionIcon
            variant="default"
            size="lg"
            aria-label={`Remove header ${at + 1}`}
            onClick={() => onChange(rows.filter(({ key }) => key !== row.key))}
          >
            <IconX size={16} aria-hidden />
          </ActionIcon>
        </Group>
      ))}
      {error !== undefined && (
        <Text c="red" size="sm" role="alert" mb="xs">
          {error}
        </Text>
      )}
      <Button
        variant="light"
        size="compact-sm"
        leftSection={<IconPlus size={14} aria-hidden />}
        onClick={() => onChange([...rows, { key: next, name: '', value: '' }])}
      >
        Add a header
      </Button>
    </Fieldset>
  );
}
