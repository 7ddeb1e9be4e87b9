/** The users of an account, with actions. */
import { Group, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useSession } from '../api/session.ts';
import type { User } from '../../model/api-answers.ts';
import { ActionButton, useAction } from '../elements/action-button.tsx';
import { Confirm } from '../elements/confirm.tsx';
import { Dialog } from '../elements/dialog.tsx';
import { StateBadge } from '../elements/state-badge.tsx';
import { Time } from '../elements/time.tsx';
import { accessOf } from './access.ts';
import { NewKeys } from './keys.tsx';
import { PasswordForm } from './password-form.tsx';

export function UserTable({ users }: { readonly users: readonly User[] }): ReactNode {
  return (
    <Table verticalSpacing="sm" className="cards" layout="fixed">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>User</Table.Th>
          <Table.Th w="14%">State</Table.Th>
          <Table.Th w="16%">Created</Table.Th>
          <Table.Th w="46%">Actions</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {users.map((user) => {
          const { mood, word } = accessOf(user);
          return (
            <Table.Tr key={user.id}>
              <Table.Td data-label="User" className="long">
                <div>
                  {user.username}
                  <Text size="sm" c="dimmed">
                    {[user.firstname, user.lastname, user.email].filter(Boolean).join(' ')}
                  </Text>
                </div>
              </Table.Td>
              <Table.Td data-label="State">
                <StateBadge mood={mood}>{word}</StateBadge>
              </Table.Td>
              <Table.Td data-label="Created">
                <Time of={user.created} />
              </Table.Td>
              <Table.Td data-label="Actions">
                <UserActions user={user} />
              </Table.Td>
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}

function UserActions({ user }: { readonly user: User }): ReactNode {
  const { id, username, state } = user;
  const isOwn = useSession()?.username === username;
  const remove = useAction('deleteUser', `User ${username} was deleted`);
  return (
    <Group gap="xs">
      <NewKeys user={user} />
      <Dialog
        label="Password"
        name={`Password of ${username}`}
        title={`New password for ${username}`}
        size="compact-sm"
        variant="light"
      >
        {(close) => <PasswordForm user={user} isOwn={isOwn} onDone={close} />}
      </Dialog>
      {!isOwn && state === 'enabled' && (
        <ActionButton
          label="Disable"
          name={`Disable ${username}`}
          color="orange"
          command="disableUser"
          values={{ id }}
          asJob
          done={`${username} is disabled: keys and password are refused`}
        />
      )}
      {!isOwn && state !== 'enabled' && (
        <ActionButton
          label="Enable"
          name={`Enable ${username}`}
          variant="filled"
          command="enableUser"
          values={{ id }}
          done={`${username} is enabled`}
        />
      )}
      {!isOwn && (
        <Confirm
          label="Delete"
          name={`Delete ${username}`}
          title={`Delete user ${username}?`}
          size="compact-sm"
          disabled={remove.isPending}
          onConfirm={() => remove.act({ id })}
        >
          The keys and the password are no longer good, and sessions end. The account and its templates stay.
        </Confirm>
      )}
    </Group>
  );
}
