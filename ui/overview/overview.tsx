/** What a person needs first. */
import { Alert, Anchor, Card, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { call } from '../api/client.ts';
import { LIVE, useList } from '../api/queries.ts';
import { useSession } from '../api/session.ts';
import type { Deployment, Host, Pool } from '../api/shapes.ts';
import { isExpiring, leftOf } from '../certificates/expiry.ts';
import { useCertificates } from '../certificates/list.ts';
import { DeploymentTable } from '../deployments/deployment-table.tsx';
import { Empty } from '../elements/empty.tsx';
import { rate } from '../elements/quantities.ts';
import { Time } from '../elements/time.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { isFilling, SpaceBar } from '../pools/space-bar.tsx';
import { type Sample, ThroughputChart } from './throughput-chart.tsx';

interface Summary {
  readonly running: number;
  readonly waiting: number;
  readonly failedlastday: number;
  readonly ready: number;
  readonly rate: number;
  readonly throughput: readonly Sample[];
}

export default function Overview(): ReactNode {
  const session = useSession();
  const { data, error } = useQuery({
    queryKey: ['getTemplateDeploymentSummary'],
    refetchInterval: LIVE,
    queryFn: ({ signal }) =>
      call<{ readonly templatedeploymentsummary: Summary }>(
        'getTemplateDeploymentSummary',
        { maxage: 1 },
        signal,
      ),
  });
  const summary = data?.templatedeploymentsummary;
  return (
    <>
      <ViewHead title="Overview" />
      <Trouble error={error} />
      <Stack>
        {session?.isAdmin === true && <Warnings />}
        {summary !== undefined && <Numbers of={summary} />}
        <UnderWay />
      </Stack>
    </>
  );
}

function Numbers({ of }: { readonly of: Summary }): ReactNode {
  return (
    <>
      <SimpleGrid cols={{ base: 2, md: 4 }}>
        <Figure label="Under way" href="/deployments?state=Creating">
          {of.running}
        </Figure>
        <Figure label="Waiting" href="/deployments?state=Creating">
          {of.waiting}
        </Figure>
        <Figure label="Failed in the last day" href="/deployments?state=Failed">
          {of.failedlastday}
        </Figure>
        <Figure label="Ready" href="/deployments?state=Ready">
          {of.ready}
        </Figure>
      </SimpleGrid>
      <Card withBorder>
        <Title order={2} size="h4" mb="sm">
          Throughput: {rate(of.rate)} now
        </Title>
        <ThroughputChart samples={of.throughput} />
      </Card>
    </>
  );
}

function Figure({
  label,
  href,
  children,
}: {
  readonly label: string;
  readonly href: string;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <Card withBorder component={Link} href={href} className="figure-card">
      <Text c="dimmed" size="sm">
        {label}
      </Text>
      <Text size="xl" fw={700} className="figure">
        {children}
      </Text>
    </Card>
  );
}

/** What somebody has to do something about. */
function Warnings(): ReactNode {
  const hosts = useList<Host>('listHosts', 'host').data?.rows ?? [];
  const pools = useList<Pool>('listStoragePools', 'storagepool').data?.rows ?? [];
  const down = hosts.filter(
    ({ state, resourcestate }) => state === 'Down' && resourcestate !== 'Maintenance',
  );
  const unapproved = hosts.filter(({ resourcestate }) => resourcestate === 'Disabled');
  const filling = pools.filter(isFilling);
  const expiring = (useCertificates().data?.rows ?? []).filter(isExpiring);
  return (
    <>
      {down.length > 0 && (
        <Alert
          color="red"
          variant="light"
          title={down.length === 1 ? 'A host is down' : `${down.length} hosts are down`}
        >
          {down.map(({ id, name, lastpinged }) => (
            <div key={id}>
              <Anchor component={Link} href={`/hosts/${id}`}>
                {name}
              </Anchor>
              , heard of last <Time of={lastpinged} />
            </div>
          ))}
        </Alert>
      )}
      {unapproved.length > 0 && (
        <Alert color="orange" variant="light" title="Not approved">
          {unapproved.map(({ id, name }) => (
            <div key={id}>
              <Anchor component={Link} href={`/hosts/${id}`}>
                {name}
              </Anchor>{' '}
              gets no work until it is approved.
            </div>
          ))}
        </Alert>
      )}
      {filling.length > 0 && (
        <Alert color="orange" variant="light" title="Pools that fill up">
          {filling.map((pool) => (
            <div key={pool.id}>
              <Anchor component={Link} href="/pools">
                {pool.name}
              </Anchor>
              <SpaceBar of={pool} />
            </div>
          ))}
        </Alert>
      )}
      {expiring.length > 0 && (
        <Alert color="orange" variant="light" title="Certificates that expire">
          {expiring.map(({ id, alias, daysleft }) => (
            <div key={id}>
              <Anchor component={Link} href="/certificates">
                {alias}
              </Anchor>
              : {leftOf(daysleft)}
            </div>
          ))}
        </Alert>
      )}
    </>
  );
}

function UnderWay(): ReactNode {
  const { data } = useList<Deployment>(
    'listTemplateDeployments',
    'templatedeployment',
    { orderby: 'activity', page: 1, pagesize: 8 },
    { every: LIVE },
  );
  if (data === undefined) return null;
  return (
    <section>
      <Title order={2} size="h4" mb="sm">
        Deployments
      </Title>
      {data.rows.length === 0 ? (
        <Empty title="Nothing was deployed yet">
          Register a template under{' '}
          <Anchor component={Link} href="/templates">
            Templates
          </Anchor>
          , then deploy it to a storage pool.
        </Empty>
      ) : (
        <DeploymentTable rows={data.rows} />
      )}
    </section>
  );
}
