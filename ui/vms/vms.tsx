/** The list of virtual machines, updated live. */
import { Anchor, Button, Group, Table, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link, useSearchParams } from 'wouter';
import { LIVE, useList } from '../api/queries.ts';
import { useIsAdmin } from '../api/session.ts';
import type { VirtualMachine } from '../../model/api-answers.ts';
import { Empty } from '../elements/empty.tsx';
import { FilterSelect, SearchField, useFilters } from '../elements/filters.tsx';
import { HostLink } from '../elements/name-link.tsx';
import { PAGE_SIZE, Paging, usePage } from '../elements/paging.tsx';
import { SortableTh, type Sorting, useSorting } from '../elements/sorting.tsx';
import { StateBadge } from '../elements/state-badge.tsx';
import { Time } from '../elements/time.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { ImageLink, vmPath } from './vm-link.tsx';
import { VmProgress } from './vm-progress.tsx';
import { situationOfVm, sizeOfVm } from './vm-state.ts';

const STATES = [
  { value: '', label: 'Any state' },
  { value: 'Starting', label: 'Starting' },
  { value: 'Running', label: 'Running' },
  { value: 'Stopped', label: 'Stopped' },
  { value: 'Error', label: 'Error' },
  { value: 'Destroyed', label: 'Destroyed' },
] as const;

/** Columns that the api can sort by; the first is the default order. */
const COLUMNS = ['created', 'name', 'state'] as const;

export function Vms(): ReactNode {
  const { keyword, chosen } = useFilters();
  const [search] = useSearchParams();
  const [page] = usePage();
  const sorting = useSorting(COLUMNS);
  const state = chosen('state', STATES);
  const of = { templateid: search.get('template') ?? '', hostid: search.get('host') ?? '' };
  const { data, error, isLoading } = useList<VirtualMachine>(
    'listVirtualMachines',
    'virtualmachine',
    { listall: true, keyword, state, ...of, ...sorting.values, page, pagesize: PAGE_SIZE },
    { every: LIVE },
  );
  const isOfOne = of.templateid + of.hostid !== '';
  const rows = data?.rows ?? [];
  return (
    <>
      <ViewHead title="Instances">
        <Button component={Link} href="/instances/deploy" leftSection={<IconPlus size={16} aria-hidden />}>
          Deploy an instance
        </Button>
      </ViewHead>
      <Group mb="md" gap="sm" className="filters">
        <SearchField label="Search by name" placeholder="Part of a name" />
        <FilterSelect label="State" name="state" choices={STATES} />
        {isOfOne && (
          <Text size="sm">
            Of one {of.hostid === '' ? 'template' : 'host'} only.{' '}
            <Anchor component={Link} href="/instances">
              Show all
            </Anchor>
          </Text>
        )}
      </Group>
      <Trouble error={error} />
      {isLoading ? (
        <Waiting />
      ) : rows.length === 0 ? (
        <NoVms filtered={isOfOne || keyword + state !== ''} />
      ) : (
        <Rows rows={rows} sorting={sorting} />
      )}
      <Paging count={data?.count ?? 0} />
    </>
  );
}

function NoVms({ filtered }: { readonly filtered: boolean }): ReactNode {
  if (filtered) return <Empty title="No instance is like that">Choose another filter.</Empty>;
  return (
    <Empty title="No instance yet">
      Open a template under{' '}
      <Anchor component={Link} href="/templates">
        Templates
      </Anchor>{' '}
      and press Deploy VM: the host that is chosen downloads the image itself, and starts the machine.
    </Empty>
  );
}

function Rows({
  rows,
  sorting,
}: {
  readonly rows: readonly VirtualMachine[];
  readonly sorting: Sorting;
}): ReactNode {
  const isAdmin = useIsAdmin();
  return (
    <Table verticalSpacing="sm" className="cards" layout="fixed">
      <Table.Thead>
        <Table.Tr>
          <SortableTh column="name" sorting={sorting} w="16%">
            Name
          </SortableTh>
          <SortableTh column="state" sorting={sorting}>
            State
          </SortableTh>
          <Table.Th w="15%">Image</Table.Th>
          <Table.Th w="11%">Address</Table.Th>
          <Table.Th w="10%">Size</Table.Th>
          {isAdmin && <Table.Th w="10%">Host</Table.Th>}
          <SortableTh column="created" sorting={sorting} w="11%">
            Created
          </SortableTh>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((row) => (
          <Row key={row.id} row={row} isAdmin={isAdmin} />
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Row({ row, isAdmin }: { readonly row: VirtualMachine; readonly isAdmin: boolean }): ReactNode {
  const { mood, word } = situationOfVm(row);
  const addresses = row.nic.flatMap(({ ipaddress, ip6address }) => ipaddress ?? ip6address ?? []);
  return (
    <Table.Tr>
      <Table.Td data-label="Name">
        <div>
          <Anchor component={Link} href={vmPath(row)} className="long">
            {row.name}
          </Anchor>
          {row.displayname !== row.name && (
            <Text size="sm" c="dimmed" className="long" lineClamp={2}>
              {row.displayname}
            </Text>
          )}
        </div>
      </Table.Td>
      <Table.Td data-label="State">
        <div>
          <StateBadge mood={mood}>{word}</StateBadge>
          <VmProgress of={row} lines={3} />
        </div>
      </Table.Td>
      <Table.Td data-label="Image">
        <ImageLink of={row} />
      </Table.Td>
      <Table.Td data-label="Address" className="long">
        {addresses.join(', ')}
      </Table.Td>
      <Table.Td data-label="Size">{sizeOfVm(row)}</Table.Td>
      {isAdmin && (
        <Table.Td data-label="Host" className="long">
          {row.hostname !== undefined && <HostLink id={row.hostid}>{row.hostname}</HostLink>}
        </Table.Td>
      )}
      <Table.Td data-label="Created">
        <div>
          <Time of={row.created} />
          {isAdmin && (
            <Text size="sm" c="dimmed">
              {row.account}
            </Text>
          )}
        </div>
      </Table.Td>
    </Table.Tr>
  );
}
