/** The list of accounts, with their users and number of templates. */
import { Group, Table, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useList } from '../api/queries.ts';
import type { Account } from '../../model/api-answers.ts';
import { Dialog } from '../elements/dialog.tsx';
import { Empty } from '../elements/empty.tsx';
import { SearchField, useFilters } from '../elements/filters.tsx';
import { AccountLink } from '../elements/name-link.tsx';
import { PAGE_SIZE, Paging, usePage } from '../elements/paging.tsx';
import { SortableTh, type Sorting, useSorting } from '../elements/sorting.tsx';
import { StateBadge } from '../elements/state-badge.tsx';
import { Time } from '../elements/time.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { AccountForm } from './account-form.tsx';
import { accessOf, roleOf } from './access.ts';

const COLUMNS = ['created', 'name', 'state', 'role'] as const;

export default function Accounts(): ReactNode {
  const { keyword } = useFilters();
  const [page] = usePage();
  const sorting = useSorting(COLUMNS);
  const { data, error, isLoading } = useList<Account>('listAccounts', 'account', {
    listall: true,
    keyword,
    ...sorting.values,
    page,
    pagesize: PAGE_SIZE,
  });
  const rows = data?.rows ?? [];
  return (
    <>
      <ViewHead title="Accounts">
        <Dialog
          label="Create an account"
          title="Create an account"
          leftSection={<IconPlus size={16} aria-hidden />}
        >
          {(close) => <AccountForm onDone={close} />}
        </Dialog>
      </ViewHead>
      <Group mb="md" gap="sm" className="filters">
        <SearchField label="Search by name" placeholder="Part of a name" />
      </Group>
      <Trouble error={error} />
      {isLoading ? (
        <Waiting />
      ) : rows.length === 0 ? (
        <Empty title="No account is like that">Choose another filter.</Empty>
      ) : (
        <AccountTable rows={rows} sorting={sorting} />
      )}
      <Paging count={data?.count ?? 0} />
    </>
  );
}

function AccountTable({
  rows,
  sorting,
}: {
  readonly rows: readonly Account[];
  readonly sorting: Sorting;
}): ReactNode {
  return (
    <Table verticalSpacing="sm" className="cards" layout="fixed">
      <Table.Thead>
        <Table.Tr>
          <SortableTh column="name" sorting={sorting}>
            Account
          </SortableTh>
          <SortableTh w="14%" column="state" sorting={sorting}>
            State
          </SortableTh>
          <SortableTh w="14%" column="role" sorting={sorting}>
            Role
          </SortableTh>
          <Table.Th w="22%">Users</Table.Th>
          <Table.Th w="14%">Templates</Table.Th>
          <SortableTh w="16%" column="created" sorting={sorting}>
            Created
          </SortableTh>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((row) => {
          const { mood, word } = accessOf(row);
          return (
            <Table.Tr key={row.id}>
              <Table.Td data-label="Account" className="long">
                <AccountLink id={row.id}>{row.name}</AccountLink>
              </Table.Td>
              <Table.Td data-label="State">
                <StateBadge mood={mood}>{word}</StateBadge>
              </Table.Td>
              <Table.Td data-label="Role">{roleOf(row)}</Table.Td>
              <Table.Td data-label="Users" className="long">
                {(row.user ?? []).map(({ username }) => username).join(', ')}
              </Table.Td>
              <Table.Td data-label="Templates">
                <Text span>
                  {row.templatetotal}
                  {row.templatelimit === 'Unlimited' ? '' : ` of ${row.templatelimit}`}
                </Text>
              </Table.Td>
              <Table.Td data-label="Created">
                <Time of={row.created} />
              </Table.Td>
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}
