/** The table of events. */
import { Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { RecordedEvent } from '../../model/api-answers.ts';
import { readable } from '../elements/sentence.ts';
import type { Mood } from '../elements/mood.ts';
import { StateBadge } from '../elements/state-badge.tsx';
import { Time } from '../elements/time.tsx';
import { WorkflowLink } from '../elements/workflow-link.tsx';

const LEVELS = {
  INFO: { mood: 'idle', word: 'info' },
  WARN: { mood: 'waiting', word: 'warning' },
  ERROR: { mood: 'bad', word: 'error' },
} as const satisfies Record<string, { readonly mood: Mood; readonly word: string }>;

export function EventTable({ rows }: { readonly rows: readonly RecordedEvent[] }): ReactNode {
  return (
    <Table verticalSpacing="sm" className="cards" layout="fixed">
      <Table.Thead>
        <Table.Tr>
          <Table.Th w="14%">When</Table.Th>
          <Table.Th w="14%">Level</Table.Th>
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
              <StateBadge mood={LEVELS[event.level].mood}>{LEVELS[event.level].word}</StateBadge>
            </Table.Td>
            <Table.Td data-label="What" className="long">
              <div>
                {readable(event.description)}
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
