/** The table of deployments, updated live. */
import { Anchor, Checkbox, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { Deployment } from '../../model/api-answers.ts';
import { HostLink, PoolLink } from '../elements/name-link.tsx';
import { SortableTh, type Sorting } from '../elements/sorting.tsx';
import { StateBadge } from '../elements/state-badge.tsx';
import { Time } from '../elements/time.tsx';
import { ProgressBar } from './progress-bar.tsx';
import { situationOf } from './situation.ts';
import { Reason } from './reason.tsx';

export interface DeploymentTableProps {
  readonly rows: readonly Deployment[];
  /** The subject of the page, which the rows do not repeat. */
  readonly within?: 'template' | 'pool' | undefined;
  /** Absent: the columns cannot be sorted. */
  readonly sorting?: Sorting;
  readonly chosen?: ReadonlySet<string>;
  readonly onChoose?: (chosen: ReadonlySet<string>) => void;
}

/** Columns that the api can sort deployments by. */
export const DEPLOYMENT_COLUMNS = ['activity', 'template', 'pool', 'state', 'changed'] as const;

const deploymentPath = ({ id }: Pick<Deployment, 'id'>): string => `/deployments/${id}`;

export function DeploymentTable(props: DeploymentTableProps): ReactNode {
  const { rows, within, sorting, chosen = new Set<string>(), onChoose } = props;
  const head = (title: string, column: string, w?: string): ReactNode => {
    const width = w === undefined ? {} : { w };
    if (sorting === undefined) return <Table.Th {...width}>{title}</Table.Th>;
    return (
      <SortableTh column={column} sorting={sorting} {...width}>
        {title}
      </SortableTh>
    );
  };
  const toggle = (id: string): void => onChoose?.(toggled(chosen, id));
  return (
    <Table verticalSpacing="sm" className="cards" layout="fixed">
      <Table.Thead>
        <Table.Tr>
          {onChoose !== undefined && (
            <Table.Th w={40}>
              <Checkbox
                aria-label="Choose all"
                checked={rows.length > 0 && rows.every(({ id }) => chosen.has(id))}
                onChange={(event) =>
                  onChoose(new Set(event.currentTarget.checked ? rows.map(({ id }) => id) : []))
                }
              />
            </Table.Th>
          )}
          {within !== 'template' && head('Template', 'template', '14%')}
          {within !== 'pool' && head('Pool', 'pool', '11%')}
          {head('State', 'state')}
          <Table.Th w="18%">Progress</Table.Th>
          <Table.Th w="11%">Host</Table.Th>
          <Table.Th w="12%">Source</Table.Th>
          {head('Attempt', 'changed', '11.5%')}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((row) => (
          <Table.Tr key={row.id}>
            {onChoose !== undefined && (
              <Table.Td data-label="Choose">
                <Checkbox
                  aria-label={`Choose ${row.templatename} on ${row.storagename}`}
                  checked={chosen.has(row.id)}
                  onChange={() => toggle(row.id)}
                />
              </Table.Td>
            )}
            <Cells row={row} within={within} />
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Cells({
  row,
  within,
}: { readonly row: Deployment } & Pick<DeploymentTableProps, 'within'>): ReactNode {
  const { mood, word } = situationOf(row);
  /** The first name of a row links to the deployment, further names to the named things. */
  const link = (text: string): ReactNode => (
    <Anchor component={Link} href={deploymentPath(row)} className="long">
      {text}
    </Anchor>
  );
  return (
    <>
      {within !== 'template' && <Table.Td data-label="Template">{link(row.templatename)}</Table.Td>}
      {within !== 'pool' && (
        <Table.Td data-label="Pool" className="long">
          {within === 'template' ? (
            link(row.storagename)
          ) : (
            <PoolLink id={row.storageid}>{row.storagename}</PoolLink>
          )}
        </Table.Td>
      )}
      <Table.Td data-label="State">
        <div>
          <StateBadge mood={mood}>{word}</StateBadge>
          <Reason of={row} lines={4} />
        </div>
      </Table.Td>
      <Table.Td data-label="Progress">
        <ProgressBar of={row} />
      </Table.Td>
      <Table.Td data-label="Host" className="long">
        <HostLink id={row.hostid}>{row.hostname}</HostLink>
      </Table.Td>
      <Table.Td data-label="Source" className="long">
        {row.source !== undefined && (
          <Text size="sm" title={row.source}>
            {serverOf(row.source)}
          </Text>
        )}
      </Table.Td>
      <Table.Td data-label="Attempt">
        <div>
          {row.attemptcount === 0 ? 'none yet' : row.attemptcount}
          <Text size="sm" c="dimmed">
            <Time of={row.lastupdated} />
          </Text>
        </div>
      </Table.Td>
    </>
  );
}

/** The source, shortened; the page of the deployment shows the whole address. */
const serverOf = (source: string): string => (URL.canParse(source) ? new URL(source).host : source);

function toggled(chosen: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(chosen);
  if (!next.delete(id)) next.add(id);
  return next;
}
