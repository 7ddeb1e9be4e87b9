/** Changes the editable fields of a template. Another source would be another template. */
import { Checkbox, Group, Select, Textarea, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type ReactNode, useState } from 'react';
import { useLocation, useParams } from 'wouter';
import { useCommand, useList } from '../api/queries.ts';
import { useIsAdmin } from '../api/session.ts';
import type { OsType, Template } from '../../model/api-answers.ts';
import { Form } from '../elements/form.tsx';
import { Missing } from '../elements/missing.tsx';
import { refusalOf } from '../elements/refusal.ts';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import type { Kind } from './kind.ts';

/** Fields beside which a refusal can appear. */
const FIELDS = ['name', 'displaytext', 'ostypeid'] as const;

export function EditTemplate({ kind }: { readonly kind: Kind }): ReactNode {
  const { id } = useParams<{ id: string }>();
  const { data, error, isLoading } = useList<Template>(kind.list, kind.key, {
    [kind.filter]: 'executable',
    id,
  });
  const template = data?.rows[0];
  if (isLoading) return <Waiting />;
  if (template === undefined) return <Missing error={error} />;
  return <EditForm key={id} kind={kind} template={template} />;
}

function EditForm({ kind, template }: { readonly kind: Kind; readonly template: Template }): ReactNode {
  const isAdmin = useIsAdmin();
  const [form, setForm] = useState(template);
  const [, go] = useLocation();
  const update = useCommand(kind.update);
  const permissions = useCommand(`${kind.update}Permissions`);
  const types = useList<OsType>('listOsTypes', 'ostype').data?.rows ?? [];
  const change = (changes: Partial<Template>): void => setForm((before) => ({ ...before, ...changes }));
  const refusal = refusalOf(update.error ?? permissions.error, FIELDS);
  const back = `${kind.path}/${template.id}`;
  const save = async (): Promise<void> => {
    const { id, name, displaytext, ostypeid, ispublic, isfeatured } = form;
    await update.mutateAsync({ id, name, displaytext: displaytext === '' ? null : displaytext, ostypeid });
    if (ispublic !== template.ispublic || isfeatured !== template.isfeatured) {
      await permissions.mutateAsync({ id, ispublic, ...(isAdmin ? { isfeatured } : {}) });
    }
    notifications.show({ message: `${name} was changed` });
    go(back);
  };
  const submit = (): void => {
    // Failures are shown from the state of the commands.
    save().catch(() => undefined);
  };
  return (
    <>
      <ViewHead title={`Edit ${template.name}`} />
      <Form
        refusal={refusal}
        submit="Save"
        isPending={update.isPending || permissions.isPending}
        back={back}
        onSubmit={submit}
      >
        <TextInput
          label="Name"
          required
          value={form.name}
          error={refusal.of('name')}
          onChange={(event) => change({ name: event.currentTarget.value })}
        />
        <Textarea
          label="Description"
          autosize
          value={form.displaytext}
          error={refusal.of('displaytext')}
          onChange={(event) => change({ displaytext: event.currentTarget.value })}
        />
        <Select
          label="Guest OS"
          searchable
          data={types.map(({ id, description }) => ({ value: id, label: description }))}
          value={form.ostypeid ?? null}
          error={refusal.of('ostypeid')}
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
      </Form>
    </>
  );
}
