/** Jobs: long-running calls, with their progress and result. */
import { Group, SegmentedControl, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { LIVE, useList } from '../api/queries.ts';
import { useIsAdmin } from '../api/session.ts';
import type { AsyncJob, Template } from '../../model/api-answers.ts';
import { Empty } from '../elements/empty.tsx';
import { useFilters } from '../elements/filters.tsx';
import { PAGE_SIZE, Paging, usePage } from '../elements/paging.tsx';
import { readable } from '../elements/sentence.ts';
import type { Mood } from '../elements/mood.ts';
import { StateBadge } from '../elements/state-badge.tsx';
import { Time } from '../elements/time.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { type Kind, ISOS, TEMPLATES } from '../templates/kind.ts';
import { ResourceLink } from './resource-link.tsx';

const STATES = [
  { label: 'All', value: '' },
  { label: 'Running', value: '0' },
  { label: 'Done', value: '1' },
  { label: 'Failed', value: '2' },
] as const;

const LOOKS: readonly { readonly mood: Mood; readonly word: string }[] = [
  { mood: 'busy', word: 'Running' },
  { mood: 'good', word: 'Done' },
  { mood: 'bad', word: 'Failed' },
];

export default function Jobs(): ReactNode {
  const { chosen, choose } = useFilters();
  const [page] = usePage();
  const jobstatus = chosen('state', STATES);
  const { data, error, isLoading } = useList<AsyncJob>(
    'listAsyncJobs',
    'asyncjobs',
    { jobstatus, page, pagesize: PAGE_SIZE },
    { every: LIVE },
  );
  const rows = data?.rows ?? [];
  return (
    <>
      <ViewHead title="Jobs" />
      <Group mb="md" gap="sm" className="filters">
        <SegmentedControl
          aria-label="Which jobs"
          data={[...STATES]}
          value={jobstatus}
          onChange={(value) => choose('state', value)}
        />
      </Group>
      <Trouble error={error} />
      {isLoading ? (
        <Waiting />
      ) : rows.length === 0 ? (
        jobstatus === '' ? (
          <Empty title="No job yet">
            Calls that take long are jobs, such as prepareTemplate and deleteTemplate.
          </Empty>
        ) : (
          <Empty title="No job is like that">Choose another filter.</Empty>
        )
      ) : (
        <JobTable rows={rows} />
      )}
      <Paging count={data?.count ?? 0} />
    </>
  );
}

/** Names of the templates and ISOs that jobs work on, by id; deleted ones have no name. */
function useNames(kind: Kind, rows: readonly AsyncJob[]): ReadonlyMap<string, string> {
  const isAdmin = useIsAdmin();
  const type = kind.iso ? 'Iso' : 'Template';
  const ids = new Set(
    rows.flatMap(({ jobinstancetype, jobinstanceid }) =>
      jobinstancetype === type ? (jobinstanceid ?? []) : [],
    ),
  );
  const { data } = useList<Template>(
    kind.list,
    kind.key,
    { [kind.filter]: isAdmin ? 'all' : 'executable', ids: [...ids].join(','), showunique: true },
    { enabled: ids.size > 0 },
  );
  return new Map(data?.rows.map(({ id, name }) => [id, name]));
}

function JobTable({ rows }: { readonly rows: readonly AsyncJob[] }): ReactNode {
  const names = new Map([...useNames(TEMPLATES, rows), ...useNames(ISOS, rows)]);
  return (
    <Table verticalSpacing="sm" className="cards" layout="fixed">
      <Table.Thead>
        <Table.Tr>
          <Table.Th w="22%">What</Table.Th>
          <Table.Th>State</Table.Th>
          <Table.Th w="18%">Begun</Table.Th>
          <Table.Th w="18%">Ended</Table.Th>
          <Table.Th w="12%">Account</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((job) => (
          <Table.Tr key={job.jobid}>
            <Table.Td data-label="What" className="long">
              <div>
                {job.cmd}
                <Text size="sm" c="dimmed">
                  <ResourceLink
                    type={job.jobinstancetype}
                    id={job.jobinstanceid}
                    name={names.get(job.jobinstanceid ?? '')}
                  />
                </Text>
              </div>
            </Table.Td>
            <Table.Td data-label="State">
              <div>
                <StateBadge mood={LOOKS[job.jobstatus]?.mood ?? 'idle'}>
                  {LOOKS[job.jobstatus]?.word ?? 'Unknown'}
                </StateBadge>
                <Text size="sm" mt={4} className="long">
                  {job.jobstatus === 0 ? `${job.jobprocstatus} %` : readable(job.jobresult?.errortext ?? '')}
                </Text>
              </div>
            </Table.Td>
            <Table.Td data-label="Begun">
              <Time of={job.created} />
            </Table.Td>
            <Table.Td data-label="Ended">
              {job.completed !== undefined && <Time of={job.completed} />}
            </Table.Td>
            <Table.Td data-label="Account">{job.account}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
