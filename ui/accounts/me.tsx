/** The logged-in user: password, keys, and the limits of the account. */
import { Card, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { useList } from '../api/queries.ts';
import { useSession } from '../api/session.ts';
import type { Account, User } from '../../model/api-answers.ts';
import { Facts } from '../elements/facts.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { roleOf } from './access.ts';
import { NewKeys } from './keys.tsx';
import { PasswordForm } from './password-form.tsx';

export default function Me(): ReactNode {
  const { username = '', account: accountName = '' } = useSession() ?? {};
  const { data, error } = useList<User>('listUsers', 'user', { username });
  const account = useList<Account>('listAccounts', 'account', { name: accountName }).data?.rows[0];
  const user = data?.rows[0];
  return (
    <>
      <ViewHead title="Password and keys" />
      <Trouble error={error} />
      {user === undefined ? (
        error === null && <Waiting />
      ) : (
        <Stack maw={820}>
          {account !== undefined && <About user={user} account={account} />}
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <Card withBorder>
              <Title order={2} size="h4" mb="sm">
                Password
              </Title>
              <PasswordForm user={user} isOwn />
            </Card>
            <Card withBorder>
              <Title order={2} size="h4" mb="sm">
                Keys for scripts
              </Title>
              <Text size="sm" mb="sm">
                The command <code>bypass</code>, CloudStack&apos;s clients and scripts of yours call with an
                API key and a secret key. New ones end those that were there.
              </Text>
              <div>
                <NewKeys user={user} />
              </div>
            </Card>
          </SimpleGrid>
        </Stack>
      )}
    </>
  );
}

function About({ user, account }: { readonly user: User; readonly account: Account }): ReactNode {
  return (
    <Card withBorder>
      <Facts
        of={{
          User: user.username,
          Account: account.name,
          Role: roleOf(account),
          'Templates and ISOs':
            account.templatelimit === 'Unlimited'
              ? account.templatetotal
              : `${account.templatetotal} of ${account.templatelimit}`,
        }}
      />
    </Card>
  );
}
