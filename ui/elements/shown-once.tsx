/** A secret that is shown only once, for copying. */
import { ActionIcon, Code, CopyButton, Group, Text } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import type { ReactNode } from 'react';

export function ShownOnce({ label, text }: { readonly label: string; readonly text: string }): ReactNode {
  return (
    <div>
      <Text size="sm" fw={600}>
        {label}
      </Text>
      <Group gap="xs" wrap="nowrap">
        <Code block className="long secret" flex={1}>
          {text}
        </Code>
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <ActionIcon
              variant="default"
              size="lg"
              aria-label={copied ? `${label} was copied` : `Copy: ${label}`}
              onClick={copy}
            >
              {copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
            </ActionIcon>
          )}
        </CopyButton>
      </Group>
    </div>
  );
}
