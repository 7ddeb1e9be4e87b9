/** The source of a template: its address, its mirrors, and the findings of the probe. */
import { Card, Table, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Mirror, Template } from '../../model/api-answers.ts';
import { Facts } from '../elements/facts.tsx';
import { InspectionFacts } from '../elements/inspection.tsx';
import { bytes } from '../elements/quantities.ts';
import { StateBadge } from '../elements/state-badge.tsx';

export function Source({ template }: { readonly template: Template }): ReactNode {
  const { url, mirror = [], details = {} } = template;
  const inspected = mirror.find(({ reachable, inspection }) => reachable && inspection !== undefined);
  if (url === undefined) return null;
  return (
    <Card withBorder>
      <Title order={2} size="h4" mb="sm">
        Source
      </Title>
      <Text className="long" mb="sm">
        <code>{url}</code>
      </Text>
      {mirror.length > 0 && <Mirrors of={mirror} />}
      {inspected?.inspection !== undefined && (
        <>
          <Title order={3} size="h5" mt="md">
            What was found there
          </Title>
          <InspectionFacts of={inspected.inspection} />
        </>
      )}
      {Object.keys(details).length > 0 && <Facts of={details} />}
    </Card>
  );
}

function Mirrors({ of }: { readonly of: readonly Mirror[] }): ReactNode {
  return (
    <Table className="cards" layout="fixed">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Mirror</Table.Th>
          <Table.Th w="10%">Priority</Table.Th>
          <Table.Th w="34%">Verdict</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {of.map(({ url, priority, location, reachable, reason, size, ranges }) => (
          <Table.Tr key={url}>
            <Table.Td data-label="Mirror" className="long">
              {url}
            </Table.Td>
            <Table.Td data-label="Priority">
              {priority}
              {location === undefined ? '' : ` (${location})`}
            </Table.Td>
            <Table.Td data-label="Verdict">
              <div>
                <StateBadge mood={reachable ? 'good' : 'bad'}>
                  {reachable ? 'Reachable' : 'Not reachable'}
                </StateBadge>
                <Text size="sm" className="long">
                  {reachable
                    ? `${size > 0 ? bytes(size) : 'size unknown'}, ${ranges ? 'can be resumed' : 'cannot be resumed'}`
                    : reason}
                </Text>
              </div>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
