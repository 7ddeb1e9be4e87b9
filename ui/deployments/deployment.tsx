/** One deployment: what it does now, what it tried, where the image lies. */
import { Anchor, Button, Card, Group, Stack, Title } from '@mantine/core';
import { IconPlayerStop, IconRefresh } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link, useParams } from 'wouter';
import { LIVE, useList } from '../api/queries.ts';
import { useSession } from '../api/session.ts';
import type { Deployment } from '../api/shapes.ts';
import { Facts } from '../elements/facts.tsx';
import { InspectionFacts } from '../elements/inspection.tsx';
import { bytes } from '../elements/quantities.ts';
import { StateBadge } from '../elements/state-badge.tsx';
import { Time } from '../elements/time.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { WorkflowLink } from '../elements/workflow-link.tsx';
import { NotFound } from '../layout/not-found.tsx';
import { useDeploymentActions } from './actions.ts';
import { Why } from './deployment-table.tsx';
import { ProgressBar } from './progress-bar.tsx';
import { situationOf } from './situation.ts';
import { AttemptTimeline } from './timeline.tsx';

export default function DeploymentView(): ReactNode {
  const { id } = useParams<{ id: string }>();
  const { data, error, isLoading } = useList<Deployment>(
    'listTemplateDeployments',
    'templatedeployment',
    { id },
    { every: LIVE },
  );
  const deployment = data?.rows[0];
  if (isLoading) return <Waiting />;
  if (deployment === undefined) return error === null ? <NotFound /> : <Trouble error={error} />;
  return (
    <>
      <ViewHead title={`${deployment.templatename} on ${deployment.storagename}`}>
        <Buttons of={deployment} />
      </ViewHead>
      <Trouble error={error} />
      <Stack>
        <Now of={deployment} />
        {deployment.inspection !== undefined && (
          <Card withBorder>
            <Title order={2} size="h4" mb="md">
              Inspection
            </Title>
            <InspectionFacts of={deployment.inspection} />
          </Card>
        )}
        <Card withBorder>
          <Title order={2} size="h4" mb="md">
            Attempts
          </Title>
          <AttemptTimeline attempts={deployment.attempts} />
        </Card>
      </Stack>
    </>
  );
}

function Buttons({ of }: { readonly of: Deployment }): ReactNode {
  const { retry, cancel, isBusy } = useDeploymentActions();
  const isAdmin = useSession()?.isAdmin === true;
  if (!isAdmin || of.state === 'Ready' || of.state === 'Destroying') return null;
  return situationOf(of).isRunning ? (
    <Button
      variant="light"
      color="orange"
      disabled={isBusy}
      leftSection={<IconPlayerStop size={16} aria-hidden />}
      onClick={() => cancel([of])}
    >
      Cancel
    </Button>
  ) : (
    <Button disabled={isBusy} leftSection={<IconRefresh size={16} aria-hidden />} onClick={() => retry([of])}>
      Retry
    </Button>
  );
}

function Now({ of }: { readonly of: Deployment }): ReactNode {
  const { mood, word } = situationOf(of);
  const kind = of.format === 'ISO' ? 'isos' : 'templates';
  return (
    <Card withBorder>
      <Group mb="sm">
        <StateBadge mood={mood}>{word}</StateBadge>
      </Group>
      <Why of={of} />
      <ProgressBar of={of} />
      <Facts
        of={{
          [of.format === 'ISO' ? 'ISO' : 'Template']: (
            <Anchor component={Link} href={`/${kind}/${of.templateid}`}>
              {of.templatename}
            </Anchor>
          ),
          'Storage pool': of.storagename,
          Zone: of.zonename,
          Host: of.hostname,
          Source: of.source === undefined ? undefined : <code>{of.source}</code>,
          Attempts: of.attemptcount,
          'Size of the file': of.size === undefined ? undefined : bytes(of.size),
          'On disk': of.physicalsize === undefined ? undefined : bytes(of.physicalsize),
          'SHA-256': of.sha256 === undefined ? undefined : <code>{of.sha256}</code>,
          File: of.localpath === undefined ? undefined : <code>{of.localpath}</code>,
          'Asked for': <Time of={of.created} />,
          Changed: <Time of={of.lastupdated} />,
          Workflow: of.workflowid === undefined ? undefined : <WorkflowLink id={of.workflowid} />,
        }}
      />
    </Card>
  );
}
