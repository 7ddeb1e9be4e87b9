/** All deployments: those that run, wait or failed first. */
import { Group, SegmentedControl, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { type ReactNode, useState } from 'react';
import { useSearchParams } from 'wouter';
import { LIVE, useList } from '../api/queries.ts';
import { useSession } from '../api/session.ts';
import type { Deployment } from '../api/shapes.ts';
import { Empty } from '../elements/empty.tsx';
import { PAGE_SIZE, Paging, usePage } from '../elements/paging.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { DeploymentTable } from './deployment-table.tsx';
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
  const [search, setSearch] = useSearchParams();
  const [page] = usePage();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [typed, setTyped] = useState(search.get('keyword') ?? '');
  const [keyword] = useDebouncedValue(typed, 300);
  const state = FILTERS.find(({ value }) => value === search.get('state'))?.value ?? '';
  const { data, error, isLoading } = useList<Deployment>(
    'listTemplateDeployments',
    'templatedeployment',
    { state, keyword, orderby: 'activity', page, pagesize: PAGE_SIZE },
    { every: LIVE },
  );
  const rows = data?.rows ?? [];
  return (
    <>
      <ViewHead title="Deployments">
        {isAdmin && <RetryAndCancel picked={rows.filter(({ id }) => chosen.has(id))} />}
      </ViewHead>
      <Group mb="md" gap="sm">
        <TextInput
          aria-label="Search by template or pool"
          placeholder="Template or pool"
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <SegmentedControl
          aria-label="Which deployments"
          data={[...FILTERS]}
          value={state}
          onChange={(value) => setSearch(value === '' ? {} : { state: value })}
        />
      </Group>
      <Trouble error={error} />
      {isLoading ? (
        <Waiting />
      ) : rows.length === 0 ? (
        <NoDeployments filtered={state !== '' || keyword !== ''} />
      ) : (
        <DeploymentTable rows={rows} {...(isAdmin ? { chosen, onChoose: setChosen } : {})} />
      )}
      <Paging count={data?.count ?? 0} />
    </>
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
