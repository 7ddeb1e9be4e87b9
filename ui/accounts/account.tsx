/** One account: its access, its limit of templates, its users. */
import { Card, Group, Stack, Title } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useLocation, useParams } from 'wouter';
import { useList } from '../api/queries.ts';
import { useSession } from '../api/session.ts';
import type { Account } from '../../model/api-answers.ts';
import { ActionButton, useAction } from '../elements/action-button.tsx';
import { Confirm } from '../elements/confirm.tsx';
import { Dialog } from '../elements/dialog.tsx';
import { Facts } from '../elements/facts.tsx';
import { Missing } from '../elements/missing.tsx';
import { StateBadge } from '../elements/state-badge.tsx';
import { Time } from '../elements/time.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { accessOf, roleOf } from './access.ts';
import { LimitForm } from './limit-form.tsx';
import { UserForm } from './user-form.tsx';
import { UserTable } from './user-table.tsx';

export default function AccountView(): ReactNode {
  const { id } = useParams<{ id: string }>();
  const { data, error, isLoading } = useList<Account>('listAccounts', 'account', { id, listall: true });
  const account = data?.rows[0];
  if (isLoading) return <Waiting />;
  if (account === undefined) return <Missing error={error} />;
  const { mood, word } = accessOf(account);
  return (
    <>
      <ViewHead title={account.name}>
        <AccountActions account={account} />
      </ViewHead>
      <Stack>
        <Card withBorder>
          <Facts
            of={{
              State: <StateBadge mood={mood}>{word}</StateBadge>,
              Role: roleOf(account),
              'Templates and ISOs': account.templatetotal,
              'Limit of these': account.templatelimit === 'Unlimited' ? 'none' : account.templatelimit,
              Created: <Time of={account.created} />,
              Id: <code>{account.id}</code>,
            }}
          />
        </Card>
        <Card withBorder>
          <Group justify="space-between" mb="sm">
            <Title order={2} size="h4">
              Users
            </Title>
            <Dialog
              label="Add a user"
              title={`Add a user to ${account.name}`}
              size="compact-sm"
              variant="light"
            >
              {(close) => <UserForm account={account.name} onDone={close} />}
            </Dialog>
          </Group>
          <UserTable users={account.user ?? []} />
        </Card>
      </Stack>
    </>
  );
}

function AccountActions({
  account: { id, name, state, templatelimit },
}: {
  readonly account: Account;
}): ReactNode {
  const [, go] = useLocation();
  const session = useSession();
  const remove = useAction('deleteAccount', `Account ${name} was deleted`, {
    asJob: true,
    onDone: () => go('/accounts'),
  });
  // Users cannot disable their own account.
  const isOwn = session?.account === name;
  return (
    <>
      <Dialog label="Limit" title={`How many templates ${name} may have`} size="compact-sm" variant="light">
        {(close) => <LimitForm account={name} limit={templatelimit} onDone={close} />}
      </Dialog>
      {!isOwn && state === 'enabled' && (
        <>
          <ActionButton
            label="Lock"
            color="orange"
            command="lockAccount"
            values={{ account: name }}
            done={`${name} is locked: its users are refused`}
          />
          <ActionButton
            label="Disable"
            color="orange"
            command="disableAccount"
            values={{ id, lock: false }}
            asJob
            done={`${name} is disabled: its users are refused`}
          />
        </>
      )}
      {!isOwn && state !== 'enabled' && (
        <ActionButton
          label="Enable"
          variant="filled"
          command="enableAccount"
          values={{ id }}
          done={`${name} is enabled`}
        />
      )}
      {!isOwn && (
        <Confirm
          label="Delete"
          title={`Delete account ${name}?`}
          size="compact-sm"
          icon={<IconTrash size={14} aria-hidden />}
          disabled={remove.isPending}
          onConfirm={() => remove.act({ id })}
        >
          Its users and their keys are deleted. Templates and ISOs that it has must be deleted before.
        </Confirm>
      )}
    </>
  );
}
