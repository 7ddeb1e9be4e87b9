/** The list of KVM hosts, with the activity and problems of each. */
import { Anchor, Group, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { LIVE, useList } from '../api/queries.ts';
import type { Deployment, Host } from '../../model/api-answers.ts';
import { activityOf } from '../deployments/activity.ts';
import { Empty } from '../elements/empty.tsx';
import { FilterSelect, SearchField, useFilters } from '../elements/filters.tsx';
import { PAGE_SIZE, Paging, usePage } from '../elements/paging.tsx';
import { SortableTh, useSorting } from '../elements/sorting.tsx';
import { StateBadge } from '../elements/state-badge.tsx';
import { Time } from '../elements/time.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { HostActions } from './host-actions.tsx';
import { useUnderWay } from '../deployments/under-way.ts';
import { InviteHost } from './invite.tsx';
import { limitsInForce } from './limits.tsx';
import { conditionOf } from './condition.ts';

/** Filters by label, with the parameters of the API. */
const FILTERS = [
  { label: 'Any state', value: '', values: {} },
  { label: 'Up', value: 'up', values: { state: 'Up' } },
  { label: 'Down', value: 'down', values: { state: 'Down' } },
  { label: 'Not approved', value: 'unapproved', values: { resourcestate: 'Disabled' } },
  { label: 'Maintenance', value: 'maintenance', values: { resourcestate: 'Maintenance' } },
] as const;

const COLUMNS = ['name', 'state', 'cluster', 'version'] as const;

export default function Hosts(): ReactNode {
  const [page] = usePage();
  const sorting = useSorting(COLUMNS);
  const { keyword, chosen } = useFilters();
  const state = chosen('state', FILTERS);
  const asked = FILTERS.find(({ value }) => value === state)?.values;
  const { data, error, isLoading } = useList<Host>(
    'listHosts',
    'host',
    { ...asked, keyword, ...sorting.values, page, pagesize: PAGE_SIZE },
    { every: LIVE * 2 },
  );
  const { rows: running, count } = useUnderWay();
  const rows = data?.rows ?? [];
  return (
    <>
      <ViewHead title="Hosts">
        <InviteHost />
      </ViewHead>
      <Group mb="md" gap="sm" className="filters">
        <SearchField label="Search by name" placeholder="Part of a name" />
        <FilterSelect label="State" name="state" choices={FILTERS} />
      </Group>
      <Trouble error={error} />
      {running.length < count && (
        <Text size="sm" mb="sm">
          Of {count} deployments that are under way, {running.length} are counted here.
        </Text>
      )}
      {isLoading ? (
        <Waiting />
      ) : rows.length === 0 ? (
        <NoHost filtered={state !== '' || keyword !== ''} />
      ) : (
        <Table verticalSpacing="sm" className="cards" layout="fixed">
          <Table.Thead>
            <Table.Tr>
              <SortableTh w="18%" column="name" sorting={sorting}>
                Host
              </SortableTh>
              <SortableTh w="22%" column="state" sorting={sorting}>
                State
              </SortableTh>
              <Table.Th>Now</Table.Th>
              <SortableTh w="12%" column="cluster" sorting={sorting}>
                Cluster
              </SortableTh>
              <SortableTh w="11%" column="version" sorting={sorting}>
                Version
              </SortableTh>
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

function NoHost({ filtered }: { readonly filtered: boolean }): ReactNode {
  if (filtered) return <Empty title="No host is like that">Choose another filter.</Empty>;
  return (
    <Empty title="No host yet">
      Press Invite a host for a token, and start the host worker with it on a KVM host.
    </Empty>
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
          {missingOf(host).length > 0 && (
            <Text size="sm" mt={4}>
              without {missingOf(host).join(', ')}
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
          {activityOf(running)}
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

/** Programs that the host lacks. */
const missingOf = ({ program = [] }: Host): readonly string[] =>
  program.flatMap(({ name, version }) => (version === undefined ? [name] : []));
