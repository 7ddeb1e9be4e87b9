/** All deployments: those that run, wait or failed first. */
import { Anchor, Group, SegmentedControl, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { Values } from '../api/client.ts';
import { LIVE, useList } from '../api/queries.ts';
import { useSession } from '../api/session.ts';
import type { Deployment } from '../api/shapes.ts';
import { Empty } from '../elements/empty.tsx';
import { SearchField, useFilters } from '../elements/filters.tsx';
import { PAGE_SIZE, Paging, usePage } from '../elements/paging.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { DeploymentTable } from './deployment-table.tsx';
import { everyDeployment } from './every-deployment.ts';
import { RetryAndCancel } from './retry-and-cancel.tsx';

/** What the filter is called, and the state that the API knows it by. */
const FILTERS = [
  { label: 'All', value: '' },
  { label: 'Under way', value: 'Creating' },
  { label: 'Failed', value: 'Failed' },
  { label: 'Ready', value: 'Ready' },
] as const;

export default function Deployments(): ReactNode {
  const isAdmin = useSession()?.isAdmin === true;
  const { keyword, chosen: choiceOf, choose } = useFilters();
  const [page] = usePage();
  const state = choiceOf('state', FILTERS);
  const filter = { state, keyword, orderby: 'activity' };
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
      <ViewHead title="Deployments">{isAdmin && <RetryAndCancel picked={picked} />}</ViewHead>
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
          <DeploymentTable rows={rows} {...(isAdmin ? { chosen, onChoose: pick } : {})} />
        </>
      )}
      <Paging count={data?.count ?? 0} />
    </>
  );
}

/** What was chosen stays chosen on other pages of the list; of what is shown, the newest is known. */
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
              // The table knows only of what it shows.
              shown.has(id) ? ids.has(id) : before.has(id),
            ),
          ),
      ),
  };
}

/** How many are chosen, and the way to all that are like that, on whichever page. */
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
  if (filtered) return <Empty title="No deployment is like that">Choose another filter.</Empty>;
  return (
    <Empty title="Nothing was deployed yet">
      <Text>
        A deployment brings a template onto a storage pool. Open a template and press Deploy, or call
        prepareTemplate.
      </Text>
    </Empty>
  );
}
