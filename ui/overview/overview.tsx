/** The overview: warnings first, then counts of what there is. */
import { Alert, Anchor, Card, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { type Listing, LIVE, useList, useOne } from '../api/queries.ts';
import { useIsAdmin } from '../api/session.ts';
import type { Deployment, Host, StoragePool } from '../../model/api-answers.ts';
import { isExpiring, leftOf } from '../certificates/expiry.ts';
import { useCertificates } from '../certificates/list.ts';
import type { Certificate } from '../../model/api-answers.ts';
import { DeploymentTable } from '../deployments/deployment-table.tsx';
import { Empty } from '../elements/empty.tsx';
import { HostLink, PoolLink } from '../elements/name-link.tsx';
import { rate } from '../elements/quantities.ts';
import { Time } from '../elements/time.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { SpaceBar } from '../pools/space-bar.tsx';
import { type Sample, ThroughputChart } from './throughput-chart.tsx';

interface Summary {
  readonly running: number;
  readonly waiting: number;
  readonly failed: number;
  readonly failedlastday: number;
  readonly ready: number;
  readonly rate: number;
  readonly throughput: readonly Sample[];
}

export default function Overview(): ReactNode {
  const isAdmin = useIsAdmin();
  const summary = useOne<Summary>(
    'getTemplateDeploymentSummary',
    'templatedeploymentsummary',
    {},
    { every: LIVE },
  );
  const latest = useList<Deployment>(
    'listTemplateDeployments',
    'templatedeployment',
    { orderby: 'activity', page: 1, pagesize: 8 },
    { every: LIVE },
  );
  const warnings = useWarnings(isAdmin);
  const numbers = summary.data?.found;
  return (
    <>
      <ViewHead title="Overview" />
      <Trouble error={summary.error} />
      {/* Shown together: a part that came later would move the text that somebody is reading. */}
      {summary.isLoading || latest.isLoading || warnings.isLoading ? (
        <Waiting />
      ) : (
        <Stack>
          <Warnings of={warnings} />
          {numbers !== undefined && <Numbers of={numbers} />}
          {latest.data !== undefined && <Latest rows={latest.data.rows} />}
        </Stack>
      )}
    </>
  );
}

function Numbers({ of }: { readonly of: Summary }): ReactNode {
  return (
    <>
      <SimpleGrid cols={3} spacing="sm">
        <Figure
          label="Under way"
          href="/deployments?state=Creating"
          besides={
            of.waiting === 0 ? undefined : `${of.waiting} of them ${of.waiting === 1 ? 'waits' : 'wait'}`
          }
        >
          {of.running + of.waiting}
        </Figure>
        <Figure
          label="Failed"
          href="/deployments?state=Failed"
          besides={of.failed === 0 ? undefined : `${of.failedlastday} in the last day`}
        >
          {of.failed}
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

/** A count, linked to the list of the counted things. */
function Figure({
  label,
  href,
  besides,
  children,
}: {
  readonly label: string;
  readonly href: string;
  readonly besides?: string | undefined;
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
      {besides !== undefined && (
        <Text c="dimmed" size="sm">
          {besides}
        </Text>
      )}
    </Card>
  );
}

/** Maximum number of things that a warning names; it counts the rest. */
const NAMED = { page: 1, pagesize: 5 } as const;

interface WarningsAsked {
  readonly down: Listing<Host>;
  readonly unapproved: Listing<Host>;
  readonly filling: Listing<StoragePool>;
  readonly expiring: readonly Certificate[];
  readonly isLoading: boolean;
}

function useWarnings(enabled: boolean): WarningsAsked {
  const down = useList<Host>('listHosts', 'host', { ...DOWN, ...NAMED }, { enabled });
  const unapproved = useList<Host>('listHosts', 'host', { ...UNAPPROVED, ...NAMED }, { enabled });
  const filling = useList<StoragePool>(
    'listStoragePools',
    'storagepool',
    { almostfull: true, ...NAMED },
    { enabled },
  );
  const certificates = useCertificates({}, { enabled });
  return {
    down: down.data ?? NONE,
    unapproved: unapproved.data ?? NONE,
    filling: filling.data ?? NONE,
    expiring: (certificates.data?.rows ?? []).filter(isExpiring),
    isLoading: [down, unapproved, filling, certificates].some(({ isLoading }) => isLoading),
  };
}

const DOWN = { state: 'Down', resourcestate: 'Enabled' } as const;
const UNAPPROVED = { resourcestate: 'Disabled' } as const;
const NONE = { count: 0, rows: [] } as const;

/** A warning that needs somebody's action. */
function Warnings({ of }: { readonly of: WarningsAsked }): ReactNode {
  const { down, unapproved, filling, expiring } = of;
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
            <HostLink id={id}>{name}</HostLink>, heard of last <Time of={lastpinged} />
          </div>
        ))}
      </Warning>
      <Warning title="Not approved" count={unapproved.count} all="/hosts?state=unapproved">
        {unapproved.rows.map(({ id, name }) => (
          <div key={id} className="long">
            <HostLink id={id}>{name}</HostLink> gets no work until it is approved.
          </div>
        ))}
      </Warning>
      <Warning title="Pools that fill up" count={filling.count} all="/pools?state=full">
        {filling.rows.map((pool) => (
          <div key={pool.id} className="long">
            <PoolLink id={pool.id}>{pool.name}</PoolLink>
            <SpaceBar of={pool} />
          </div>
        ))}
      </Warning>
      <Warning title="Certificates that expire soon" count={expiring.length} all="/certificates">
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
  /** Number of all things, of which the first are named. */
  readonly count: number;
  /** Address of the list of all. */
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

function Latest({ rows }: { readonly rows: readonly Deployment[] }): ReactNode {
  const isAdmin = useIsAdmin();
  return (
    <section>
      <Title order={2} size="h4" mb="sm">
        Deployments
      </Title>
      {rows.length === 0 ? (
        <Empty title="Nothing was deployed yet">
          Register a template under{' '}
          <Anchor component={Link} href="/templates">
            Templates
          </Anchor>
          {isAdmin
            ? ', then deploy it to a storage pool.'
            : '; an administrator deploys it to storage pools.'}
        </Empty>
      ) : (
        <DeploymentTable rows={rows} />
      )}
    </section>
  );
}
