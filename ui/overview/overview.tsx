/** What a person needs first. */
import { Alert, Anchor, Card, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { call, type Values } from '../api/client.ts';
import { type Listing, LIVE, maxAge, useList } from '../api/queries.ts';
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
import { SpaceBar } from '../pools/space-bar.tsx';
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
        { maxage: maxAge() },
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

/** Things that are named in a warning; how many there are besides is told. */
const NAMED = { page: 1, pagesize: 5 } as const;

const useHosts = (values: Values): Listing<Host> =>
  useList<Host>('listHosts', 'host', { ...values, ...NAMED }).data ?? { count: 0, rows: [] };

/** What somebody has to do something about. */
function Warnings(): ReactNode {
  const down = useHosts({ state: 'Down', resourcestate: 'Enabled' });
  const unapproved = useHosts({ resourcestate: 'Disabled' });
  const filling = useList<Pool>('listStoragePools', 'storagepool', { almostfull: true, ...NAMED }).data;
  const expiring = (useCertificates().data?.rows ?? []).filter(isExpiring);
  return (
    <>
      <Warning
        color="red"
        title={down.count === 1 ? 'A host is down' : `${down.count} hosts are down`}
        count={down.count}
        all="/hosts?state=down"
      >
        {down.rows.map(({ id, name, lastpinged }) => (
          <div key={id} className="long">
            <Anchor component={Link} href={`/hosts/${id}`}>
              {name}
            </Anchor>
            , heard of last <Time of={lastpinged} />
          </div>
        ))}
      </Warning>
      <Warning title="Not approved" count={unapproved.count} all="/hosts?state=unapproved">
        {unapproved.rows.map(({ id, name }) => (
          <div key={id} className="long">
            <Anchor component={Link} href={`/hosts/${id}`}>
              {name}
            </Anchor>{' '}
            gets no work until it is approved.
          </div>
        ))}
      </Warning>
      <Warning title="Pools that fill up" count={filling?.count ?? 0} all="/pools?state=full">
        {filling?.rows.map((pool) => (
          <div key={pool.id} className="long">
            <Anchor component={Link} href={`/pools?keyword=${encodeURIComponent(pool.name)}`}>
              {pool.name}
            </Anchor>
            <SpaceBar of={pool} />
          </div>
        ))}
      </Warning>
      <Warning title="Certificates that expire" count={expiring.length} all="/certificates">
        {expiring.slice(0, NAMED.pagesize).map(({ id, alias, daysleft }) => (
          <div key={id} className="long">
            <Anchor component={Link} href="/certificates">
              {alias}
            </Anchor>
            : {leftOf(daysleft)}
          </div>
        ))}
      </Warning>
    </>
  );
}

function Warning({
  color = 'orange',
  title,
  count,
  all,
  children,
}: {
  readonly color?: 'orange' | 'red';
  readonly title: string;
  /** Of all, of which the first are named. */
  readonly count: number;
  /** Where all are. */
  readonly all: string;
  readonly children: ReactNode;
}): ReactNode {
  if (count === 0) return null;
  return (
    <Alert color={color} variant="light" title={title}>
      {children}
      {count > NAMED.pagesize && (
        <Anchor component={Link} href={all}>
          and {count - NAMED.pagesize} more
        </Anchor>
      )}
    </Alert>
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
