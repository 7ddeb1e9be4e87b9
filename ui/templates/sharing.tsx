/** The accounts that a template is shared with. */
import { ActionIcon, Badge, Card, Group, Text, TextInput, Title } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import { useCommand, useOne } from '../api/queries.ts';
import { useSession } from '../api/session.ts';
import type { Template } from '../../model/api-answers.ts';
import { useAction } from '../elements/action-button.tsx';
import { Dialog } from '../elements/dialog.tsx';
import { Form } from '../elements/form.tsx';
import { refusalOf } from '../elements/refusal.ts';
import type { Kind } from './kind.ts';

interface Permissions {
  readonly ispublic: boolean;
  readonly account?: readonly string[];
}

export interface SharingProps {
  readonly kind: Kind;
  readonly template: Template;
}

/** The form for changing them, for the owner and administrators. */
export function Sharing(props: SharingProps): ReactNode {
  const session = useSession();
  const isOwn = session?.isAdmin === true || session?.account === props.template.account;
  return isOwn ? <Accounts {...props} /> : null;
}

function Accounts({ kind, template }: SharingProps): ReactNode {
  const { id, name, ispublic } = template;
  const { data } = useOne<Permissions>(kind.permissions, 'templatepermission', { id });
  const stop = useAction(`${kind.update}Permissions`);
  const accounts = data?.found?.account ?? [];
  return (
    <Card withBorder>
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4">
          Who may use it
        </Title>
        <Dialog label="Share" title={`Share ${name}`} size="compact-sm" variant="light">
          {(close) => <ShareForm kind={kind} id={id} onDone={close} />}
        </Dialog>
      </Group>
      <Text size="sm" mb={accounts.length > 0 ? 'xs' : 0}>
        {ispublic
          ? 'Every account: it is public.'
          : accounts.length === 0
            ? `Account ${template.account} only.`
            : `Account ${template.account}, and these:`}
      </Text>
      <Group gap="xs">
        {accounts.map((account) => (
          <Badge
            key={account}
            variant="default"
            tt="none"
            size="lg"
            rightSection={
              <ActionIcon
                size="xs"
                variant="subtle"
                color="gray"
                aria-label={`No longer share with ${account}`}
                loading={stop.isPending}
                onClick={() => stop.act({ id, op: 'remove', accounts: account })}
              >
                <IconX size={12} aria-hidden />
              </ActionIcon>
            }
          >
            {account}
          </Badge>
        ))}
      </Group>
    </Card>
  );
}

function ShareForm({
  kind,
  id,
  onDone,
}: {
  readonly kind: Kind;
  readonly id: string;
  readonly onDone: () => void;
}): ReactNode {
  const [accounts, setAccounts] = useState('');
  const share = useCommand(`${kind.update}Permissions`, { onDone });
  const refusal = refusalOf(share.error, ['accounts']);
  return (
    <Form
      bare
      refusal={refusal}
      submit="Share"
      isPending={share.isPending}
      onSubmit={() => share.mutate({ id, op: 'add', accounts: accounts.replaceAll(/\s*,\s*/g, ',').trim() })}
    >
      <TextInput
        label="Accounts"
        description="their names, with commas between"
        required
        data-autofocus
        value={accounts}
        error={refusal.of('accounts')}
        onChange={(event) => setAccounts(event.currentTarget.value)}
      />
    </Form>
  );
}
