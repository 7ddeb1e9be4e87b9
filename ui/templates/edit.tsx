/** Changes what may be changed of a template: not its source, which is another template. */
import { Button, Checkbox, Group, Paper, Select, Stack, Textarea, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type ReactNode, type SubmitEvent, useState } from 'react';
import { useLocation, useParams } from 'wouter';
import { parameterOf } from '../api/client.ts';
import { useCommand, useList } from '../api/queries.ts';
import { useSession } from '../api/session.ts';
import type { OsType, Template } from '../api/shapes.ts';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { NotFound } from '../layout/not-found.tsx';
import type { Kind } from './kind.ts';

/** What a refusal can be about; it stands beside that. */
const FIELDS = ['name', 'displaytext', 'ostypeid'] as const;

export function EditTemplate({ kind }: { readonly kind: Kind }): ReactNode {
  const { id } = useParams<{ id: string }>();
  const { data, error, isLoading } = useList<Template>(kind.list, kind.key, {
    [kind.filter]: 'executable',
    id,
  });
  const template = data?.rows[0];
  if (isLoading) return <Waiting />;
  if (template === undefined) return error === null ? <NotFound /> : <Trouble error={error} />;
  return <EditForm key={id} kind={kind} template={template} />;
}

function EditForm({ kind, template }: { readonly kind: Kind; readonly template: Template }): ReactNode {
  const isAdmin = useSession()?.isAdmin === true;
  const [form, setForm] = useState(template);
  const [, go] = useLocation();
  const update = useCommand(kind.update);
  const permissions = useCommand(`${kind.update}Permissions`);
  const types = useList<OsType>('listOsTypes', 'ostype').data?.rows ?? [];
  const change = (changes: Partial<Template>): void => setForm((before) => ({ ...before, ...changes }));
  const refused = update.error ?? permissions.error;
  const about = parameterOf(refused);
  const errorOf = (field: (typeof FIELDS)[number]): string | undefined =>
    about === field ? refused?.message : undefined;
  const isBeside = FIELDS.some((field) => field === about);
  const back = `${kind.path}/${template.id}`;
  const save = async (): Promise<void> => {
    const { id, name, displaytext, ostypeid, ispublic, isfeatured } = form;
    await update.mutateAsync({ id, name, displaytext, ostypeid });
    if (ispublic !== template.ispublic || isfeatured !== template.isfeatured) {
      await permissions.mutateAsync({ id, ispublic, ...(isAdmin ? { isfeatured } : {}) });
    }
    notifications.show({ message: `${name} was changed` });
    go(back);
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    // What went wrong is shown from the commands themselves.
    save().catch(() => undefined);
  };
  return (
    <>
      <ViewHead title={`Edit ${template.name}`} />
      <Paper component="form" onSubmit={submit} withBorder p="md" maw={620}>
        <Stack>
          <TextInput
            label="Name"
            required
            value={form.name}
            error={errorOf('name')}
            onChange={(event) => change({ name: event.currentTarget.value })}
          />
          <Textarea
            label="Description"
            autosize
            value={form.displaytext}
            error={errorOf('displaytext')}
            onChange={(event) => change({ displaytext: event.currentTarget.value })}
          />
          <Select
            label="Guest OS"
            searchable
            data={types.map(({ id, description }) => ({ value: id, label: description }))}
            value={form.ostypeid ?? null}
            error={errorOf('ostypeid')}
            onChange={(ostypeid) => change(ostypeid === null ? {} : { ostypeid })}
          />
          <Group>
            <Checkbox
              label="Public"
              checked={form.ispublic}
              onChange={(event) => change({ ispublic: event.currentTarget.checked })}
            />
            {isAdmin && (
              <Checkbox
                label="Featured"
                checked={form.isfeatured}
                onChange={(event) => change({ isfeatured: event.currentTarget.checked })}
              />
            )}
          </Group>
          {!isBeside && <Trouble error={refused} />}
          <Group>
            <Button type="submit" loading={update.isPending || permissions.isPending}>
              Save
            </Button>
            <Button variant="default" onClick={() => go(back)}>
              Back
            </Button>
          </Group>
        </Stack>
      </Paper>
    </>
  );
}
