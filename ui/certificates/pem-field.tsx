/** A field for PEM text, pasted or read from a file. */
import { FileButton, Button, Group, Textarea } from '@mantine/core';
import { IconFile } from '@tabler/icons-react';
import type { ReactNode } from 'react';

export interface PemFieldProps {
  readonly label: string;
  readonly description?: string;
  readonly value: string;
  readonly error: string | undefined;
  readonly required?: boolean;
  readonly onChange: (text: string) => void;
}

/** Limit of the api. */
const MAX_CHARACTERS = 65_535;

export function PemField(props: PemFieldProps): ReactNode {
  const { label, description, value, error, required = false, onChange } = props;
  const read = (file: File | null): void => {
    if (file === null) return;
    // One character more than the limit, so that the api refuses a text that is too long.
    void file
      .slice(0, MAX_CHARACTERS + 1)
      .text()
      .then(onChange);
  };
  return (
    <div>
      <Textarea
        label={label}
        description={description}
        required={required}
        value={value}
        error={error}
        rows={6}
        spellCheck={false}
        autoComplete="off"
        placeholder="-----BEGIN …"
        classNames={{ input: 'pem' }}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
      <Group mt="xs">
        <FileButton
          onChange={read}
          accept=".pem,.crt,.cer,.key,.txt"
          inputProps={{ 'aria-label': `File of: ${label}` }}
        >
          {(button) => (
            <Button
              {...button}
              variant="light"
              size="compact-sm"
              aria-label={`Read a file into: ${label}`}
              leftSection={<IconFile size={14} aria-hidden />}
            >
              Read a file
            </Button>
          )}
        </FileButton>
      </Group>
    </div>
  );
}
