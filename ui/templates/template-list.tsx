/** The list of templates or ISOs, with their copies and the progress of deployments. */
import { Anchor, Button, Group, Progress, Table, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { LIVE, useList } from '../api/queries.ts';
import { useIsAdmin } from '../api/session.ts';
import type { Deployment, Template } from '../../model/api-answers.ts';
import { useUnderWay } from '../deployments/under-way.ts';
import { Empty } from '../elements/empty.tsx';
import { FilterSelect, SearchField, useFilters } from '../elements/filters.tsx';
import { PAGE_SIZE, Paging, usePage } from '../elements/paging.tsx';
import { bytes, rate } from '../elements/quantities.ts';
import { SortableTh, type Sorting, useSorting } from '../elements/sorting.tsx';
import { StateBadge } from '../elements/state-badge.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import type { Kind } from './kind.ts';
import { poolsOf } from './pools-of.ts';
import { templateState } from './template-state.ts';

const FILTERS = [
  { value: 'all', label: 'All', adminOnly: true },
  { value: 'executable', label: 'All that I may use', adminOnly: false },
  { value: 'self', label: 'Mine', adminOnly: false },
  { value: 'featured', label: 'Featured', adminOnly: false },
  { value: 'community', label: 'Community', adminOnly: false },
] as const;

/** State by the copies, since the list has deployable templates only. */
const STATES = [
  { value: '', label: 'Any state' },
  { value: 'Creating', label: 'On its way to a pool' },
  { value: 'Failed', label: 'Failed on a pool' },
  { value: 'Ready', label: 'Ready on a pool' },
] as const;

const FORMATS = [
  { value: '', label: 'Any format' },
  { value: 'QCOW2', label: 'QCOW2' },
  { value: 'RAW', label: 'RAW' },
] as const;

const COLUMNS = ['created', 'name', 'format', 'size', 'account'] as const;

export function TemplateList({ kind }: { readonly kind: Kind }): ReactNode {
  const isAdmin = useIsAdmin();
  const { keyword, chosen } = useFilters();
  const [page] = usePage();
  const sorting = useSorting(COLUMNS);
  const filters = FILTERS.filter(({ adminOnly }) => isAdmin || !adminOnly);
  const filter = chosen('filter', filters);
  const state = chosen('state', STATES);
  const format = kind.iso ? '' : chosen('format', FORMATS);
  const { data, error, isLoading } = useList<Template>(
    kind.list,
    kind.key,
    {
      [kind.filter]: filter,
      keyword,
      deploymentstate: state,
      format,
      ...sorting.values,
      showunique: true,
      page,
      pagesize: PAGE_SIZE,
    },
    { every: LIVE },
  );
  const running = useUnderWay().rows;
  const rows = data?.rows ?? [];
  return (
    <>
      <ViewHead title={kind.title}>
        <Button
          component={Link}
          href={`${kind.path}/register`}
          leftSection={<IconPlus size={16} aria-hidden />}
        >
          Register {kind.iso ? 'an ISO' : 'a template'}
        </Button>
      </ViewHead>
      <Group mb="md" gap="sm" className="filters">
        <SearchField label="Search by name" placeholder="Part of a name" />
        <FilterSelect label={`Which ${kind.title}`} name="filter" choices={filters} />
        <FilterSelect label="State" name="state" choices={STATES} />
        {!kind.iso && <FilterSelect label="Format" name="format" choices={FORMATS} />}
      </Group>
      <Trouble error={error} />
      {isLoading ? (
        <Waiting />
      ) : rows.length === 0 ? (
        <Nothing kind={kind} filtered={keyword + state + format !== '' || filter !== filters[0]?.value} />
      ) : (
        <Rows kind={kind} rows={rows} running={running} sorting={sorting} />
      )}
      <Paging count={data?.count ?? 0} />
    </>
  );
}

function Nothing({ kind, filtered }: { readonly kind: Kind; readonly filtered: boolean }): ReactNode {
  if (filtered) return <Empty title={`No ${kind.one} is like that`}>Choose another filter.</Empty>;
  return (
    <Empty title={`No ${kind.one} yet`}>
      Register one by its URL: a host checks it, and it can be deployed to the storage pools at once. Nothing
      is copied to secondary storage, there is none.
    </Empty>
  );
}

interface RowsProps {
  readonly kind: Kind;
  readonly rows: readonly Template[];
  readonly running: readonly Deployment[];
  readonly sorting: Sorting;
}

function Rows({ kind, rows, running, sorting }: RowsProps): ReactNode {
  return (
    <Table verticalSpacing="sm" className="cards" layout="fixed">
      <Table.Thead>
        <Table.Tr>
          <SortableTh w="24%" column="name" sorting={sorting}>
            Name
          </SortableTh>
          <Table.Th w="19%">State</Table.Th>
          <SortableTh w="11%" column="format" sorting={sorting}>
            Format
          </SortableTh>
          <SortableTh w="11%" column="size" sorting={sorting}>
            Size
          </SortableTh>
          <Table.Th>Pools</Table.Th>
          <SortableTh w="12%" column="account" sorting={sorting}>
            Account
          </SortableTh>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((row) => (
          <Row
            key={row.id}
            kind={kind}
            row={row}
            running={running.filter(({ templateid }) => templateid === row.id)}
          />
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Row({
  kind,
  row,
  running,
}: {
  readonly kind: Kind;
  readonly row: Template;
  readonly running: readonly Deployment[];
}): ReactNode {
  const { mood, word } = templateState(row);
  return (
    <Table.Tr>
      <Table.Td data-label="Name">
        <div>
          <Anchor component={Link} href={`${kind.path}/${row.id}`} className="long">
            {row.name}
          </Anchor>
          {row.displaytext !== row.name && (
            <Text size="sm" c="dimmed" className="long" lineClamp={2}>
              {row.displaytext}
            </Text>
          )}
        </div>
      </Table.Td>
      <Table.Td data-label="State">
        <StateBadge mood={mood}>{word}</StateBadge>
      </Table.Td>
      <Table.Td data-label="Format">{row.format}</Table.Td>
      <Table.Td data-label="Size">{bytes(row.size)}</Table.Td>
      <Table.Td data-label="Pools">
        <Places of={row} running={running} />
      </Table.Td>
      <Table.Td data-label="Account">{row.account}</Table.Td>
    </Table.Tr>
  );
}

/** Number of pools that have the template, of those it is deployed to, and the common progress. */
function Places({
  of,
  running,
}: {
  readonly of: Template;
  readonly running: readonly Deployment[];
}): ReactNode {
  if (of.downloaddetails === undefined || of.downloaddetails.length === 0) {
    return <Text size="sm">On no pool yet</Text>;
  }
  const done = running.reduce((sum, one) => sum + one.bytes, 0);
  const total = running.reduce((sum, one) => sum + one.total, 0);
  const speed = running.reduce((sum, one) => sum + (one.rate ?? 0), 0);
  return (
    <div>
      <Text size="sm">{poolsOf(of.downloaddetails)}</Text>
      {running.length > 0 && (
        <>
          <Progress
            my={4}
            color="var(--bar-busy)"
            value={total === 0 ? 0 : (100 * done) / total}
            aria-label={`Downloads of ${of.name}`}
          />
          <Text size="sm" c="dimmed">
            {bytes(done)} of {bytes(total)}
            {speed > 0 ? ` · ${rate(speed)}` : ''}
          </Text>
        </>
      )}
    </div>
  );
}
