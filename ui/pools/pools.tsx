/** The storage pools: how full they are, and which hosts have them. */
import { Card, Group, SimpleGrid, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { LIVE, useList } from '../api/queries.ts';
import type { Deployment, HostOfPool, Pool } from '../api/shapes.ts';
import { nowOf } from '../deployments/now.ts';
import { useUnderWay } from '../deployments/under-way.ts';
import { Empty } from '../elements/empty.tsx';
import { Facts } from '../elements/facts.tsx';
import { FilterSelect, SearchField, useFilters } from '../elements/filters.tsx';
import { PAGE_SIZE, Paging, usePage } from '../elements/paging.tsx';
import { StateBadge } from '../elements/state-badge.tsx';
import { Time } from '../elements/time.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { PoolActions } from './pool-actions.tsx';
import { SpaceBar } from './space-bar.tsx';

/** What the filter is called, and how the API is asked for it. */
const FILTERS = [
  { label: 'Any state', value: '', values: {} },
  { label: 'Almost full', value: 'full', values: { almostfull: true } },
  { label: 'Maintenance', value: 'maintenance', values: { state: 'Maintenance' } },
] as const;

export default function Pools(): ReactNode {
  const [page] = usePage();
  const { keyword, chosen } = useFilters();
  const state = chosen('state', FILTERS);
  const asked = FILTERS.find(({ value }) => value === state)?.values;
  const { data, error, isLoading } = useList<Pool>(
    'listStoragePools',
    'storagepool',
    { ...asked, keyword, page, pagesize: PAGE_SIZE },
    { every: LIVE * 2 },
  );
  const running = useUnderWay().rows;
  const rows = data?.rows ?? [];
  return (
    <>
      <ViewHead title="Storage pools" />
      <Group mb="md" gap="sm" className="filters">
        <SearchField label="Search by name" placeholder="Part of a name" />
        <FilterSelect label="State" name="state" choices={FILTERS} />
      </Group>
      <Trouble error={error} />
      {isLoading ? (
        <Waiting />
      ) : rows.length === 0 ? (
        <NoPool filtered={state !== '' || keyword !== ''} />
      ) : (
        <SimpleGrid cols={{ base: 1, lg: 2 }}>
          {rows.map((pool) => (
            <PoolCard
              key={pool.id}
              pool={pool}
              running={running.filter(({ storageid }) => storageid === pool.id)}
            />
          ))}
        </SimpleGrid>
      )}
      <Paging count={data?.count ?? 0} />
    </>
  );
}

function NoPool({ filtered }: { readonly filtered: boolean }): ReactNode {
  if (filtered) return <Empty title="No storage pool is like that">Choose another filter.</Empty>;
  return <Empty title="No storage pool yet">Pools come with the hosts that mount them.</Empty>;
}

/** Hosts of a pool that are named; of a shared one there may be a thousand. */
const NAMED = 8;

function PoolCard({
  pool,
  running,
}: {
  readonly pool: Pool;
  readonly running: readonly Deployment[];
}): ReactNode {
  return (
    <Card withBorder component="article" aria-label={pool.name}>
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4" className="long">
          {pool.name}
        </Title>
        <Group gap="xs">
          <StateBadge mood={pool.state === 'Up' ? 'good' : 'idle'}>{pool.state}</StateBadge>
          <PoolActions pool={pool} />
        </Group>
      </Group>
      <SpaceBar of={pool} />
      <Facts
        of={{
          Now: nowOf(running),
          Type: pool.type,
          Scope: pool.scope.toLowerCase(),
          Zone: pool.zonename,
          Folder: pool.path === undefined ? undefined : <code>{pool.path}</code>,
          Reported: <Time of={pool.reported} />,
          Hosts: <HostsOfPool hosts={pool.host} />,
        }}
      />
    </Card>
  );
}

const isFine = ({ state, mounted }: HostOfPool): boolean => state === 'Up' && mounted;

/** Those that cannot use it come first. */
function HostsOfPool({ hosts }: { readonly hosts: readonly HostOfPool[] }): ReactNode {
  const sorted = hosts.toSorted((one, other) => Number(isFine(one)) - Number(isFine(other)));
  const rest = sorted.slice(NAMED);
  return (
    <>
      {sorted.slice(0, NAMED).map((host) => (
        <Text key={host.id} size="sm">
          {host.name}: {stateOf(host)}
        </Text>
      ))}
      {rest.length > 0 && (
        <Text size="sm" c="dimmed">
          and {rest.length} more, {rest.filter(isFine).length} of them up, mounted
        </Text>
      )}
    </>
  );
}

function stateOf({ state, mounted, problem }: HostOfPool): string {
  if (state === 'Down') return 'down';
  return mounted ? 'up, mounted' : `not mounted${problem === undefined ? '' : ` (${problem})`}`;
}
