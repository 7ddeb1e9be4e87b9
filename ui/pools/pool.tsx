/** One storage pool: its space, hosts, deployments in progress and images. */
import { Card, Group, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useParams } from 'wouter';
import { LIVE, useList } from '../api/queries.ts';
import type { Deployment, StoragePool } from '../../model/api-answers.ts';
import { DEPLOYMENT_COLUMNS, DeploymentTable } from '../deployments/deployment-table.tsx';
import { activityOf } from '../deployments/activity.ts';
import { SteerSelected } from '../deployments/steering-buttons.tsx';
import { useUnderWay } from '../deployments/under-way.ts';
import { Empty } from '../elements/empty.tsx';
import { Facts } from '../elements/facts.tsx';
import { Missing } from '../elements/missing.tsx';
import { PAGE_SIZE, Paging, usePage } from '../elements/paging.tsx';
import { bytes } from '../elements/quantities.ts';
import { useSorting } from '../elements/sorting.tsx';
import { StateBadge } from '../elements/state-badge.tsx';
import { Time } from '../elements/time.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { HostsOfPool } from './hosts-of-pool.tsx';
import { PoolActions } from './pool-actions.tsx';
import { poolState } from './pool-state.ts';
import { SpaceBar } from './space-bar.tsx';
import { UnknownFiles } from './unknown-files.tsx';

export default function PoolView(): ReactNode {
  const { id } = useParams<{ id: string }>();
  const { data, error, isLoading } = useList<StoragePool>(
    'listStoragePools',
    'storagepool',
    { id },
    { every: LIVE * 2 },
  );
  const pool = data?.rows[0];
  if (isLoading) return <Waiting />;
  if (pool === undefined) return <Missing error={error} />;
  return (
    <>
      <ViewHead title={pool.name}>
        <PoolActions pool={pool} />
      </ViewHead>
      <Stack>
        <About pool={pool} />
        <Copies pool={pool} />
        <UnknownFiles pool={pool} />
      </Stack>
    </>
  );
}

function About({ pool }: { readonly pool: StoragePool }): ReactNode {
  const running = useUnderWay().rows.filter(({ storageid }) => storageid === pool.id);
  const { mood, word } = poolState(pool);
  return (
    <Card withBorder>
      <Group mb="sm">
        <StateBadge mood={mood}>{word}</StateBadge>
      </Group>
      <SpaceBar of={pool} />
      <Facts
        of={{
          Now: activityOf(running),
          'Reserved for downloads': bytes(pool.disksizeallocated),
          Type: pool.type,
          Scope: pool.scope.toLowerCase(),
          Zone: pool.zonename,
          Cluster: pool.clustername,
          Tags: pool.tags,
          Folder: pool.path === undefined ? undefined : <code>{pool.path}</code>,
          Reported: <Time of={pool.reported} />,
          'Last cleanup': <Time of={pool.lastcleanup} />,
          Id: <code>{pool.id}</code>,
          Hosts: <HostsOfPool hosts={pool.host} />,
        }}
      />
    </Card>
  );
}

function Copies({ pool: { id } }: { readonly pool: StoragePool }): ReactNode {
  const [page] = usePage();
  const sorting = useSorting(DEPLOYMENT_COLUMNS);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const { data, error } = useList<Deployment>(
    'listTemplateDeployments',
    'templatedeployment',
    { storageid: id, ...sorting.values, page, pagesize: PAGE_SIZE },
    { every: LIVE },
  );
  const rows = data?.rows ?? [];
  return (
    <section>
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4">
          Templates and ISOs on it
        </Title>
        {rows.length > 0 && (
          <Group gap="xs">
            <SteerSelected picked={rows.filter((row) => chosen.has(row.id))} />
          </Group>
        )}
      </Group>
      <Trouble error={error} />
      {data === undefined ? (
        error === null && <Waiting />
      ) : rows.length === 0 ? (
        <Empty title="Nothing is on it">
          <Text>Open a template and press Deploy to bring it here.</Text>
        </Empty>
      ) : (
        <DeploymentTable rows={rows} within="pool" sorting={sorting} chosen={chosen} onChoose={setChosen} />
      )}
      <Paging count={data?.count ?? 0} />
    </section>
  );
}
