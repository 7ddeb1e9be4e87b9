/** The events: user, action, time and result. */
import { Anchor, Group, SegmentedControl, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link, useSearchParams } from 'wouter';
import { LIVE, useList } from '../api/queries.ts';
import type { RecordedEvent } from '../../model/api-answers.ts';
import { Empty } from '../elements/empty.tsx';
import { SearchField, useFilters } from '../elements/filters.tsx';
import { PAGE_SIZE, Paging, usePage } from '../elements/paging.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { EventTable } from './event-table.tsx';

const LEVELS = [
  { label: 'All', value: '' },
  { label: 'Info', value: 'INFO' },
  { label: 'Warnings', value: 'WARN' },
  { label: 'Errors', value: 'ERROR' },
] as const;

export default function Events(): ReactNode {
  const { keyword, chosen, choose } = useFilters();
  const [search] = useSearchParams();
  const [page] = usePage();
  const level = chosen('level', LEVELS);
  const resourceid = search.get('resource') ?? '';
  const { data, error, isLoading } = useList<RecordedEvent>(
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
  return <Empty title="Nothing has happened yet">Events say who did what, when, and how it ended.</Empty>;
}
