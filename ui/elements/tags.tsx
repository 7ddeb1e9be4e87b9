/** Tags of a template, ISO or machine: words chosen by its owner, by which lists can be filtered. */
import { ActionIcon, Badge, Card, Group, Text, TextInput, Title } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import { useCommand } from '../api/queries.ts';
import { useSession } from '../api/session.ts';
import type { Tag } from '../../model/api-answers.ts';
import { useAction } from './action-button.tsx';
import { Dialog } from './dialog.tsx';
import { Form } from './form.tsx';
import { refusalOf } from './refusal.ts';

export interface TagsProps {
  readonly of: {
    readonly id: string;
    readonly name: string;
    readonly account: string;
    readonly tags: readonly Pick<Tag, 'key' | 'value'>[];
  };
  /** As the API calls the type of the thing. */
  readonly type: 'Template' | 'ISO' | 'UserVm';
}

export function Tags({ of: { id, name, tags, account }, type }: TagsProps): ReactNode {
  const session = useSession();
  const isOwn = session?.isAdmin === true || session?.account === account;
  const remove = useAction('deleteTags', undefined, { asJob: true });
  const resource = { resourceids: id, resourcetype: type };
  if (!isOwn && tags.length === 0) return null;
  return (
    <Card withBorder>
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4">
          Tags
        </Title>
        {isOwn && (
          <Dialog label="Add a tag" title={`Add a tag to ${name}`} size="compact-sm" variant="light">
            {(close) => <TagForm resource={resource} onDone={close} />}
          </Dialog>
        )}
      </Group>
      {tags.length === 0 && (
        <Text size="sm" c="dimmed">
          None.
        </Text>
      )}
      <Group gap="xs">
        {tags.map(({ key, value }) => (
          <Badge
            key={key}
            variant="default"
            tt="none"
            size="lg"
            maw="100%"
            rightSection={
              isOwn && (
                <ActionIcon
                  size="xs"
                  variant="subtle"
                  color="gray"
                  aria-label={`Remove tag ${key}`}
                  loading={remove.isPending}
                  onClick={() => remove.act({ ...resource, 'tags[0].key': key })}
                >
                  <IconX size={12} aria-hidden />
                </ActionIcon>
              )
            }
          >
            {key}: {value}
          </Badge>
        ))}
      </Group>
    </Card>
  );
}

function TagForm({
  resource,
  onDone,
}: {
  readonly resource: Readonly<Record<'resourceids' | 'resourcetype', string>>;
  readonly onDone: () => void;
}): ReactNode {
  const [key, setKey] = useState('');
  const [value, setValue] = useState('');
  const create = useCommand('createTags', { onDone, asJob: true });
  return (
    <Form
      bare
      refusal={refusalOf(create.error, [])}
      submit="Add"
      isPending={create.isPending}
      onSubmit={() => create.mutate({ ...resource, 'tags[0].key': key, 'tags[0].value': value })}
    >
      <TextInput
        label="Key"
        description="one that is there already gets the new value"
        required
        data-autofocus
        value={key}
        onChange={(event) => setKey(event.currentTarget.value)}
      />
      <TextInput
        label="Value"
        required
        value={value}
        onChange={(event) => setValue(event.currentTarget.value)}
      />
    </Form>
  );
}
