/** The storage pools: how full they are, and which hosts have them. */
import { Card, Group, SimpleGrid, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { LIVE, useList } from '../api/queries.ts';
import type { HostOfPool, Pool } from '../api/shapes.ts';
import { Empty } from '../elements/empty.tsx';
import { Facts } from '../elements/facts.tsx';
import { PAGE_SIZE, Paging, usePage } from '../elements/paging.tsx';
import { StateBadge } from '../elements/state-badge.tsx';
import { Time } from '../elements/time.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { PoolActions } from './pool-actions.tsx';
import { SpaceBar } from './space-bar.tsx';

export default function Pools(): ReactNode {
  const [page] = usePage();
  const { data, error, isLoading } = useList<Pool>(
    'listStoragePools',
    'storagepool',
    { page, pagesize: PAGE_SIZE },
    { every: LIVE * 2 },
  );
  const rows = data?.rows ?? [];
  return (
    <>
      <ViewHead title="Storage pools" />
      <Trouble error={error} />
      {isLoading ? (
        <Waiting />
      ) : rows.length === 0 ? (
        <Empty title="No storage pool yet">Pools come with the hosts that mount them.</Empty>
      ) : (
        <SimpleGrid cols={{ base: 1, lg: 2 }}>
          {rows.map((pool) => (
            <PoolCard key={pool.id} pool={pool} />
          ))}
        </SimpleGrid>
      )}
      <Paging count={data?.count ?? 0} />
    </>
  );
}

function PoolCard({ pool }: { readonly pool: Pool }): ReactNode {
  return (
    <Card withBorder component="article">
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
          Type: pool.type,
          Scope: pool.scope.toLowerCase(),
          Zone: pool.zonename,
          Folder: pool.path === undefined ? undefined : <code>{pool.path}</code>,
          Reported: <Time of={pool.reported} />,
          Hosts: pool.host.map((host) => (
            <Text key={host.id} size="sm">
              {host.name}: {stateOf(host)}
            </Text>
          )),
        }}
      />
    </Card>
  );
}

function stateOf({ state, mounted, problem }: HostOfPool): string {
  if (state === 'Down') return 'down';
  return mounted ? 'up, mounted' : `not mounted${problem === undefined ? '' : ` (${problem})`}`;
}
