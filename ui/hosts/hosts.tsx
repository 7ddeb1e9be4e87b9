/** The KVM hosts: which are there, what each does now, and what is wrong with them. */
import { Anchor, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { LIVE, useList } from '../api/queries.ts';
import type { Deployment, Host } from '../api/shapes.ts';
import { situationOf } from '../deployments/situation.ts';
import { Empty } from '../elements/empty.tsx';
import { PAGE_SIZE, Paging, usePage } from '../elements/paging.tsx';
import { rate } from '../elements/quantities.ts';
import { StateBadge } from '../elements/state-badge.tsx';
import { Time } from '../elements/time.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { HostActions } from './host-actions.tsx';
import { useUnderWay } from '../deployments/under-way.ts';
import { limitsInForce } from './limits.tsx';
import { conditionOf } from './condition.ts';

export default function Hosts(): ReactNode {
  const [page] = usePage();
  const { data, error, isLoading } = useList<Host>(
    'listHosts',
    'host',
    { page, pagesize: PAGE_SIZE },
    { every: LIVE * 2 },
  );
  const running = useUnderWay();
  const rows = data?.rows ?? [];
  return (
    <>
      <ViewHead title="Hosts" />
      <Trouble error={error} />
      {isLoading ? (
        <Waiting />
      ) : rows.length === 0 ? (
        <Empty title="No host yet">
          Make a token with <code>bypass host invite</code>, and start the host worker with it on a KVM host.
        </Empty>
      ) : (
        <Table verticalSpacing="sm" className="cards" layout="fixed">
          <Table.Thead>
            <Table.Tr>
              <Table.Th w="18%">Host</Table.Th>
              <Table.Th w="22%">State</Table.Th>
              <Table.Th>Now</Table.Th>
              <Table.Th w="12%">Cluster</Table.Th>
              <Table.Th w="10%">Version</Table.Th>
              <Table.Th w="19%">Actions</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((host) => (
              <HostRow
                key={host.id}
                host={host}
                running={running.filter(({ hostid }) => hostid === host.id)}
              />
            ))}
          </Table.Tbody>
        </Table>
      )}
      <Paging count={data?.count ?? 0} />
    </>
  );
}

function HostRow({
  host,
  running,
}: {
  readonly host: Host;
  readonly running: readonly Deployment[];
}): ReactNode {
  const { mood, word } = conditionOf(host);
  return (
    <Table.Tr>
      <Table.Td data-label="Host">
        <div>
          <Anchor component={Link} href={`/hosts/${host.id}`} className="long">
            {host.name}
          </Anchor>
          <Text size="sm" c="dimmed">
            {host.ipaddress}
          </Text>
        </div>
      </Table.Td>
      <Table.Td data-label="State">
        <div>
          <StateBadge mood={mood}>{word}</StateBadge>
          {host.state === 'Down' && (
            <Text size="sm" mt={4}>
              heard of last <Time of={host.lastpinged} />
            </Text>
          )}
          {host.problem?.map((problem) => (
            <Text key={problem} size="sm" mt={4} className="long">
              {problem}
            </Text>
          ))}
        </div>
      </Table.Td>
      <Table.Td data-label="Now">
        <div>
          {nowOf(running)}
          <Text size="sm" c="dimmed">
            {limitsInForce(host)}
          </Text>
        </div>
      </Table.Td>
      <Table.Td data-label="Cluster">{host.clustername}</Table.Td>
      <Table.Td data-label="Version">{host.version}</Table.Td>
      <Table.Td data-label="Actions">
        <HostActions host={host} />
      </Table.Td>
    </Table.Tr>
  );
}

function nowOf(running: readonly Deployment[]): string {
  const queued = running.filter(({ phase }) => phase === 'waiting').length;
  const working = running.filter((one) => situationOf(one).mood === 'busy');
  const sum = working.reduce((total, one) => total + (one.rate ?? 0), 0);
  if (running.length === 0) return 'Nothing';
  return [
    `${working.length} ${working.length === 1 ? 'download' : 'downloads'}`,
    ...(sum > 0 ? [rate(sum)] : []),
    ...(queued > 0 ? [`${queued} queued`] : []),
  ].join(', ');
}
