/** The newest events of one thing. */
import { Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { LIVE, useList } from '../api/queries.ts';
import type { RecordedEvent } from '../../model/api-answers.ts';
import { EventTable } from './event-table.tsx';

/** @param id of the thing that the events are about */
export function Happened({ id }: { readonly id: string }): ReactNode {
  const { data } = useList<RecordedEvent>(
    'listEvents',
    'event',
    { resourceid: id, page: 1, pagesize: 10 },
    { every: LIVE * 2 },
  );
  if (data === undefined || data.rows.length === 0) return null;
  return (
    <section>
      <Title order={2} size="h4" mb="sm">
        What happened
      </Title>
      <EventTable rows={data.rows} />
    </section>
  );
}
