/** Deployments as rows, live. */
import { Anchor, Checkbox, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { Deployment } from '../api/shapes.ts';
import { StateBadge } from '../elements/state-badge.tsx';
import { Time } from '../elements/time.tsx';
import { ProgressBar } from './progress-bar.tsx';
import { situationOf } from './situation.ts';

export interface DeploymentTableProps {
  readonly rows: readonly Deployment[];
  /** Left out on the page of one template. */
  readonly showTemplate?: boolean;
  readonly chosen?: ReadonlySet<string>;
  readonly onChoose?: (chosen: ReadonlySet<string>) => void;
}

export const deploymentPath = ({ id }: Pick<Deployment, 'id'>): string => `/deployments/${id}`;

export function DeploymentTable(props: DeploymentTableProps): ReactNode {
  const { rows, showTemplate = true, chosen = new Set<string>(), onChoose } = props;
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
          {showTemplate && <Table.Th w="14%">Template</Table.Th>}
          <Table.Th w="11%">Pool</Table.Th>
          <Table.Th>State</Table.Th>
          <Table.Th w="20%">Progress</Table.Th>
          <Table.Th w="8%">Host</Table.Th>
          <Table.Th w={showTemplate ? '14%' : '22%'}>Source</Table.Th>
          <Table.Th w="12.5%">Attempt</Table.Th>
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
            <Cells row={row} showTemplate={showTemplate} />
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Cells({
  row,
  showTemplate,
}: {
  readonly row: Deployment;
  readonly showTemplate: boolean;
}): ReactNode {
  const { mood, word } = situationOf(row);
  const link = (text: string): ReactNode => (
    <Anchor component={Link} href={deploymentPath(row)} className="long">
      {text}
    </Anchor>
  );
  return (
    <>
      {showTemplate && <Table.Td data-label="Template">{link(row.templatename)}</Table.Td>}
      <Table.Td data-label="Pool" className="long">
        {showTemplate ? row.storagename : link(row.storagename)}
      </Table.Td>
      <Table.Td data-label="State">
        <div>
          <StateBadge mood={mood}>{word}</StateBadge>
          <Why of={row} lines={4} />
        </div>
      </Table.Td>
      <Table.Td data-label="Progress">
        <ProgressBar of={row} />
      </Table.Td>
      <Table.Td data-label="Host" className="long">
        {row.hostname}
      </Table.Td>
      <Table.Td data-label="Source" className="long">
        {row.source !== undefined && (
          <Text size="sm" lineClamp={4} title={row.source}>
            {shortSource(row.source)}
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

/** Where it comes from and which file: what lies between is told by the page of the deployment. */
function shortSource(source: string): string {
  if (!URL.canParse(source)) return source;
  const { host, pathname } = new URL(source);
  const parts = pathname.split('/').filter((part) => part !== '');
  return [host, ...(parts.length > 1 ? ['…'] : []), ...parts.slice(-1)].join('/');
}

/** In few lines the reason counts, and not the address of a file that the row names already. */
const withoutAddress = (reason: string): string => reason.replace(/^[a-z]+:\/\/\S+: /, '');

/** Why it waits and until when, why it failed, or who stopped it. */
export function Why({ of, lines }: { readonly of: Deployment; readonly lines?: number }): ReactNode {
  const { state, waitreason, nexttry, error, cancelledby, ahead } = of;
  if (state === 'Ready') return null;
  const reason =
    waitreason ??
    (ahead === undefined ? undefined : `${ahead} before it`) ??
    (state === 'Failed' ? error : undefined) ??
    (cancelledby === undefined ? undefined : `by ${cancelledby}`);
  if (reason === undefined) return null;
  return (
    <>
      <Text
        size="sm"
        mt={4}
        className="long"
        {...(lines === undefined ? {} : { lineClamp: lines, title: reason })}
      >
        {lines === undefined ? reason : withoutAddress(reason)}
      </Text>
      {nexttry !== undefined && (
        <Text size="sm" c="dimmed">
          next try <Time of={nexttry} />
        </Text>
      )}
    </>
  );
}

function toggled(chosen: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(chosen);
  if (!next.delete(id)) next.add(id);
  return next;
}
