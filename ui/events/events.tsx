/** Who did what, when, and how it ended. */
import { Anchor, Group, SegmentedControl, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link, useSearchParams } from 'wouter';
import { LIVE, useList } from '../api/queries.ts';
import type { BypassEvent } from '../api/shapes.ts';
import { Empty } from '../elements/empty.tsx';
import { SearchField, useFilters } from '../elements/filters.tsx';
import { PAGE_SIZE, Paging, usePage } from '../elements/paging.tsx';
import { type Mood, StateBadge } from '../elements/state-badge.tsx';
import { Time } from '../elements/time.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { WorkflowLink } from '../elements/workflow-link.tsx';

const LEVELS = [
  { label: 'All', value: '' },
  { label: 'Info', value: 'INFO' },
  { label: 'Warnings', value: 'WARN' },
  { label: 'Errors', value: 'ERROR' },
] as const;

const MOODS = { INFO: 'idle', WARN: 'waiting', ERROR: 'bad' } as const satisfies Record<string, Mood>;

export default function Events(): ReactNode {
  const { keyword, chosen, choose } = useFilters();
  const [search] = useSearchParams();
  const [page] = usePage();
  const level = chosen('level', LEVELS);
  const resourceid = search.get('resource') ?? '';
  const { data, error, isLoading } = useList<BypassEvent>(
    'listEvents',
    'event',
    { level, keyword, resourceid, page, pagesize: PAGE_SIZE },
    { every: LIVE * 2 },
  );
  const rows = data?.rows ?? [];
  return (
    <>
      <ViewHead title="Events" />
      <Group mb="md" gap="sm" className="filters">
        <SearchField label="Search in the sentences" placeholder="Part of a sentence" />
        <SegmentedControl
          aria-label="Which events"
          data={[...LEVELS]}
          value={level}
          onChange={(value) => choose('level', value)}
        />
        {resourceid !== '' && (
          <Text size="sm">
            Of one thing only.{' '}
            <Anchor component={Link} href="/events">
              Show all
            </Anchor>
          </Text>
        )}
      </Group>
      <Trouble error={error} />
      {isLoading ? (
        <Waiting />
      ) : rows.length === 0 ? (
        <NoEvents filtered={keyword !== '' || level !== ''} />
      ) : (
        <EventTable rows={rows} />
      )}
      <Paging count={data?.count ?? 0} />
    </>
  );
}

function NoEvents({ filtered }: { readonly filtered: boolean }): ReactNode {
  if (filtered) return <Empty title="No event is like that">Choose another filter.</Empty>;
  return <Empty title="Nothing has happened yet">Whatever is done, and how it ended, is told here.</Empty>;
}

export function EventTable({ rows }: { readonly rows: readonly BypassEvent[] }): ReactNode {
  return (
    <Table verticalSpacing="sm" className="cards" layout="fixed">
      <Table.Thead>
        <Table.Tr>
          <Table.Th w="14%">When</Table.Th>
          <Table.Th w="12%">Level</Table.Th>
          <Table.Th>What</Table.Th>
          <Table.Th w="12%">Who</Table.Th>
          <Table.Th w="12%">Workflow</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((event) => (
          <Table.Tr key={event.id}>
            <Table.Td data-label="When">
              <Time of={event.created} />
            </Table.Td>
            <Table.Td data-label="Level">
              <StateBadge mood={MOODS[event.level]}>{event.level.toLowerCase()}</StateBadge>
            </Table.Td>
            <Table.Td data-label="What" className="long">
              <div>
                {event.description}
                <Text size="sm" c="dimmed">
                  {event.type}
                </Text>
              </div>
            </Table.Td>
            <Table.Td data-label="Who">{event.username ?? event.account ?? 'Bypass'}</Table.Td>
            <Table.Td data-label="Workflow" className="long">
              {event.workflowid === undefined ? null : <WorkflowLink id={event.workflowid} short />}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
