/** The copies of a template, and deployments in progress. */
import { Group, Title } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { LIVE, useList } from '../api/queries.ts';
import { useIsAdmin } from '../api/session.ts';
import type { Deployment, Template } from '../../model/api-answers.ts';
import { DeploymentTable } from '../deployments/deployment-table.tsx';
import { SteerSelected } from '../deployments/steering-buttons.tsx';
import { Empty } from '../elements/empty.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { poolsOf } from './pools-of.ts';
import { SpreadTree } from './spread-tree.tsx';

/** @param templateid id of a template or ISO */
export const useCopies = (templateid: string) =>
  useList<Deployment>('listTemplateDeployments', 'templatedeployment', { templateid }, { every: LIVE });

export function Copies({ of }: { readonly of: Template }): ReactNode {
  const { data } = useCopies(of.id);
  const isAdmin = useIsAdmin();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const rows = data?.rows ?? [];
  return (
    <section>
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4">
          On storage pools
        </Title>
        {isAdmin && rows.length > 0 && (
          <Group gap="xs">
            <SteerSelected picked={rows.filter((row) => chosen.has(row.id))} />
          </Group>
        )}
      </Group>
      {data === undefined ? (
        <Waiting />
      ) : rows.length === 0 ? (
        <NoCopies of={of} />
      ) : (
        <DeploymentTable
          rows={rows}
          within="template"
          {...(isAdmin ? { chosen, onChoose: setChosen } : {})}
        />
      )}
      <SpreadTree of={rows} />
    </section>
  );
}

/** The API lists the deployments of a template to its owner and to administrators only; it counts them for everybody. */
function NoCopies({ of: { account, downloaddetails } }: { readonly of: Template }): ReactNode {
  const isAdmin = useIsAdmin();
  if (downloaddetails.length > 0) {
    return (
      <Empty title={`On ${poolsOf(downloaddetails)}`}>
        Account {account} and administrators see each of its deployments.
      </Empty>
    );
  }
  return (
    <Empty title="On no pool yet">
      {isAdmin ? 'Press Deploy to choose its pools.' : 'An administrator deploys it to storage pools.'}
    </Empty>
  );
}
