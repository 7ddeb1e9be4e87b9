/** All deployments: those that run, wait or failed first. */
import { Anchor, Group, SegmentedControl, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { Values } from '../api/client.ts';
import { LIVE, useList } from '../api/queries.ts';
import { useIsAdmin } from '../api/session.ts';
import type { Deployment } from '../../model/api-answers.ts';
import { Empty } from '../elements/empty.tsx';
import { SearchField, useFilters } from '../elements/filters.tsx';
import { PAGE_SIZE, Paging, usePage } from '../elements/paging.tsx';
import { useSorting } from '../elements/sorting.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { DEPLOYMENT_COLUMNS, DeploymentTable } from './deployment-table.tsx';
import { everyDeployment } from './every-deployment.ts';
import { SteerSelected } from './steering-buttons.tsx';

/** Filters by label, with the states of the API. */
const FILTERS = [
  { label: 'All', value: '' },
  { label: 'Under way', value: 'Creating' },
  { label: 'Failed', value: 'Failed' },
  { label: 'Cancelled', value: 'Allocated' },
  { label: 'Ready', value: 'Ready' },
] as const;

export default function Deployments(): ReactNode {
  const isAdmin = useIsAdmin();
  const { keyword, chosen: choiceOf, choose } = useFilters();
  const [page] = usePage();
  const state = choiceOf('state', FILTERS);
  const sorting = useSorting(DEPLOYMENT_COLUMNS);
  const filter = { state, keyword, ...sorting.values };
  const { data, error, isLoading } = useList<Deployment>(
    'listTemplateDeployments',
    'templatedeployment',
    { ...filter, page, pagesize: PAGE_SIZE },
    { every: LIVE },
  );
  const rows = data?.rows ?? [];
  const { picked, chosen, choose: pick, chooseAlso, chooseNone } = useChosen(rows);
  return (
    <>
      <ViewHead title="Deployments">{isAdmin && <SteerSelected picked={picked} />}</ViewHead>
      <Group mb="md" gap="sm" className="filters">
        <SearchField label="Search by template or pool" placeholder="Template or pool" />
        <SegmentedControl
          aria-label="Which deployments"
          data={[...FILTERS]}
          value={state}
          onChange={(value) => choose('state', value)}
        />
      </Group>
      <Trouble error={error} />
      {isLoading ? (
        <Waiting />
      ) : rows.length === 0 ? (
        <NoDeployments filtered={state !== '' || keyword !== ''} />
      ) : (
        <>
          {isAdmin && picked.length > 0 && (
            <Chosen
              count={picked.length}
              of={data?.count ?? 0}
              filter={filter}
              onFound={chooseAlso}
              onNone={chooseNone}
            />
          )}
          <DeploymentTable rows={rows} sorting={sorting} {...(isAdmin ? { chosen, onChoose: pick } : {})} />
        </>
      )}
      <Paging count={data?.count ?? 0} />
    </>
  );
}

/** Keeps the selection across pages of the list, with the newest known state of each deployment. */
function useChosen(rows: readonly Deployment[]) {
  const [known, setKnown] = useState<ReadonlyMap<string, Deployment>>(new Map());
  const shown = new Map(rows.map((row) => [row.id, row]));
  const chooseAlso = (more: readonly Deployment[]): void =>
    setKnown((before) => new Map([...before, ...more.map((row) => [row.id, row] as const)]));
  return {
    picked: [...known].map(([id, row]) => shown.get(id) ?? row),
    chosen: new Set(known.keys()),
    chooseAlso,
    chooseNone: () => setKnown(new Map()),
    choose: (ids: ReadonlySet<string>): void =>
      setKnown(
        (before) =>
          new Map(
            [...new Map([...before, ...shown])].filter(([id]) =>
              // The table knows only the rows that it shows.
              shown.has(id) ? ids.has(id) : before.has(id),
            ),
          ),
      ),
  };
}

/** The number of selected deployments, and a button that selects all that match the filter, on all pages. */
function Chosen({
  count,
  of,
  filter,
  onFound,
  onNone,
}: {
  readonly count: number;
  readonly of: number;
  readonly filter: Values;
  readonly onFound: (all: readonly Deployment[]) => void;
  readonly onNone: () => void;
}): ReactNode {
  const all = useMutation({ mutationFn: () => everyDeployment(filter), onSuccess: onFound });
  return (
    <Group mb="sm" gap="xs">
      <Text size="sm">{count} chosen.</Text>
      {count < of && (
        <Anchor
          component="button"
          type="button"
          size="sm"
          disabled={all.isPending}
          onClick={() => all.mutate()}
        >
          Choose all {of} that are like that
        </Anchor>
      )}
      <Anchor component="button" type="button" size="sm" onClick={onNone}>
        Choose none
      </Anchor>
      <Trouble error={all.error} />
    </Group>
  );
}

function NoDeployments({ filtered }: { readonly filtered: boolean }): ReactNode {
  const isAdmin = useIsAdmin();
  if (filtered) return <Empty title="No deployment is like that">Choose another filter.</Empty>;
  return (
    <Empty title="Nothing was deployed yet">
      <Text>
        A deployment brings a template onto a storage pool.{' '}
        {isAdmin
          ? 'Open a template and press Deploy, or call prepareTemplate.'
          : 'An administrator deploys the templates that you register.'}
      </Text>
    </Empty>
  );
}
