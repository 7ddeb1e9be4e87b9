/** The list of storage pools, with their space and hosts. */
import { Card, Group, SimpleGrid, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { LIVE, useList } from '../api/queries.ts';
import type { Deployment, StoragePool } from '../../model/api-answers.ts';
import { activityOf } from '../deployments/activity.ts';
import { useUnderWay } from '../deployments/under-way.ts';
import { Empty } from '../elements/empty.tsx';
import { Facts } from '../elements/facts.tsx';
import { FilterSelect, SearchField, useFilters } from '../elements/filters.tsx';
import { PAGE_SIZE, Paging, usePage } from '../elements/paging.tsx';
import { PoolLink } from '../elements/name-link.tsx';
import { StateBadge } from '../elements/state-badge.tsx';
import { Time } from '../elements/time.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { HostsOfPool } from './hosts-of-pool.tsx';
import { PoolActions } from './pool-actions.tsx';
import { poolState } from './pool-state.ts';
import { SpaceBar } from './space-bar.tsx';

/** Filters by label, with the parameters of the API. */
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
  const { data, error, isLoading } = useList<StoragePool>(
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

function PoolCard({
  pool,
  running,
}: {
  readonly pool: StoragePool;
  readonly running: readonly Deployment[];
}): ReactNode {
  const { mood, word } = poolState(pool);
  return (
    <Card withBorder component="article" aria-label={pool.name}>
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4" className="long">
          <PoolLink id={pool.id}>{pool.name}</PoolLink>
        </Title>
        <Group gap="xs">
          <StateBadge mood={mood}>{word}</StateBadge>
          <PoolActions pool={pool} />
        </Group>
      </Group>
      <SpaceBar of={pool} />
      <Facts
        of={{
          Now: activityOf(running),
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
