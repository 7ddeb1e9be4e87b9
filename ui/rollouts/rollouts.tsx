/** Roll-outs: deployments to many pools, each with its progress, why copies failed, and buttons that steer it. */
import { Anchor, Card, Group, List, Progress, SegmentedControl, Stack, Text, Title } from '@mantine/core';
import { IconPlayerPause, IconPlayerPlay, IconPlayerStop } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { LIVE, useList } from '../api/queries.ts';
import type { Rollout, RolloutError } from '../../model/api-answers.ts';
import { ActionButton, useAction } from '../elements/action-button.tsx';
import { BAR_COLOURS } from '../elements/bar-colours.ts';
import { Confirm } from '../elements/confirm.tsx';
import { Empty } from '../elements/empty.tsx';
import { useFilters } from '../elements/filters.tsx';
import type { Mood } from '../elements/mood.ts';
import { PAGE_SIZE, Paging, usePage } from '../elements/paging.tsx';
import { bytes, rate } from '../elements/quantities.ts';
import { readable } from '../elements/sentence.ts';
import { StateBadge } from '../elements/state-badge.tsx';
import { Time } from '../elements/time.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { WorkflowLink } from '../elements/workflow-link.tsx';

const STATES = [
  { label: 'All', value: '' },
  { label: 'Running', value: 'Running' },
  { label: 'Paused', value: 'Paused' },
  { label: 'Failed', value: 'Failed' },
  { label: 'Completed', value: 'Completed' },
] as const;

const MOODS: Readonly<Record<Rollout['state'], Mood>> = {
  Running: 'busy',
  Paused: 'waiting',
  Cancelled: 'idle',
  Completed: 'good',
  Failed: 'bad',
};

export default function Rollouts(): ReactNode {
  const { chosen, choose } = useFilters();
  const [page] = usePage();
  const state = chosen('state', STATES);
  const { data, error, isLoading } = useList<Rollout>(
    'listTemplateRollouts',
    'templaterollout',
    { state, page, pagesize: PAGE_SIZE },
    { every: LIVE },
  );
  const rows = data?.rows ?? [];
  return (
    <>
      <ViewHead title="Roll-outs" />
      <Group mb="md" gap="sm" className="filters">
        <SegmentedControl
          aria-label="Which roll-outs"
          data={[...STATES]}
          value={state}
          onChange={(value) => choose('state', value)}
        />
      </Group>
      <Trouble error={error} />
      {isLoading ? (
        <Waiting />
      ) : rows.length === 0 ? (
        state === '' ? (
          <Empty title="No roll-out yet">
            A template that is deployed to many pools is rolled out to them, some at a time. Open a template
            and press Deploy.
          </Empty>
        ) : (
          <Empty title="No roll-out is like that">Choose another filter.</Empty>
        )
      ) : (
        <Stack>
          {rows.map((rollout) => (
            <RolloutCard key={rollout.id} of={rollout} />
          ))}
        </Stack>
      )}
      <Paging count={data?.count ?? 0} />
    </>
  );
}

function RolloutCard({ of }: { readonly of: Rollout }): ReactNode {
  const { templatename, zonename, state, percent } = of;
  const title = `${templatename} in ${zonename}`;
  return (
    <Card withBorder component="article" aria-label={title}>
      <Group justify="space-between" mb="sm">
        <Group gap="sm">
          <Title order={2} size="h4" className="long">
            <Anchor component={Link} href={`/${of.format === 'ISO' ? 'isos' : 'templates'}/${of.templateid}`}>
              {templatename}
            </Anchor>{' '}
            in {zonename}
          </Title>
          <StateBadge mood={MOODS[state]}>{state}</StateBadge>
        </Group>
        <Group gap="xs">
          <Steering of={of} title={title} />
        </Group>
      </Group>
      <Group gap="xs" wrap="nowrap">
        <Progress value={percent} color={BAR_COLOURS[MOODS[state]]} flex={1} size="lg" aria-label={title} />
        <Text size="sm" className="figure" miw={44} ta="right">
          {percent} %
        </Text>
      </Group>
      <Text size="sm" c="dimmed">
        {progressOf(of)}
      </Text>
      <Text size="sm" mt="xs">
        {countsOf(of)}
      </Text>
      {of.errors.length > 0 && <Reasons of={of.errors} />}
      <Text size="sm" c="dimmed" mt="xs">
        {poolsOf(of)}; asked for by {of.username} <Time of={of.created} />
        {of.completed !== undefined && (
          <>
            , ended <Time of={of.completed} />
          </>
        )}
        {of.cancelledby !== undefined && `, cancelled by ${of.cancelledby}`}
      </Text>
      <WorkflowLink id={of.workflowid} />
    </Card>
  );
}

function Steering({ of, title }: { readonly of: Rollout; readonly title: string }): ReactNode {
  const { id, state, running, queued } = of;
  const cancel = useAction('cancelTemplateRollout', `The roll-out of ${title} is cancelled`);
  if (state !== 'Running' && state !== 'Paused') return null;
  return (
    <>
      {state === 'Running' ? (
        <ActionButton
          label="Pause"
          name={`Pause ${title}`}
          command="pauseTemplateRollout"
          values={{ id }}
          leftSection={<IconPlayerPause size={16} aria-hidden />}
        />
      ) : (
        <ActionButton
          label="Resume"
          name={`Resume ${title}`}
          command="resumeTemplateRollout"
          values={{ id }}
          leftSection={<IconPlayerPlay size={16} aria-hidden />}
        />
      )}
      <Confirm
        label="Cancel"
        name={`Cancel ${title}`}
        title={`Cancel the roll-out of ${title}?`}
        size="compact-sm"
        color="orange"
        icon={<IconPlayerStop size={16} aria-hidden />}
        disabled={cancel.isPending}
        onConfirm={() => cancel.act({ id })}
      >
        {running} {running === 1 ? 'copy is' : 'copies are'} under way: what nobody else waits for stops, and
        keeps its bytes. {queued} {queued === 1 ? 'is' : 'are'} not begun. What is there stays.
      </Confirm>
    </>
  );
}

/** Such as `5.1 GiB of 24.0 GiB · 470 MiB/s`. */
const progressOf = ({ bytes: done, totalbytes, rate: perSecond }: Rollout): string =>
  [
    totalbytes > 0 ? `${bytes(done)} of ${bytes(totalbytes)}` : bytes(done),
    ...(perSecond > 0 ? [rate(perSecond)] : []),
  ].join(' · ');

/** Such as `12 of 2000 copies are there · 10 under way · 1978 wait for their turn`. */
const countsOf = ({ total, ready, running, queued, failed, cancelled }: Rollout): string =>
  [
    `${ready} of ${total} ${total === 1 ? 'copy' : 'copies'} there`,
    ...(running > 0 ? [`${running} under way`] : []),
    ...(queued > 0 ? [`${queued} waiting for their turn`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(cancelled > 0 ? [`${cancelled} cancelled`] : []),
  ].join(' · ');

function Reasons({ of }: { readonly of: readonly RolloutError[] }): ReactNode {
  return (
    <List size="sm" mt="xs" aria-label="Why copies are not there">
      {of.map(({ error, count, storagenames }) => (
        <List.Item key={error} className="long">
          {count} × {readable(error)} ({storagenames.join(', ')}
          {count > storagenames.length ? ', …' : ''})
        </List.Item>
      ))}
    </List>
  );
}

function poolsOf({ selection, clustername, tag, atonce }: Rollout): string {
  const where =
    clustername === undefined && tag === undefined
      ? selection === 'pools'
        ? 'Chosen pools'
        : 'All pools of the zone'
      : ['Pools', clustername && `of cluster ${clustername}`, tag && `with the tag ${tag}`]
          .filter(Boolean)
          .join(' ');
  return atonce === undefined ? where : `${where}, ${atonce} at once`;
}
