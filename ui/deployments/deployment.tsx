/** One deployment: its present activity, its attempts, and the path of the image. */
import { Anchor, Card, Group, Stack, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link, useParams } from 'wouter';
import { LIVE, useList } from '../api/queries.ts';
import { useIsAdmin } from '../api/session.ts';
import type { Deployment } from '../../model/api-answers.ts';
import { behindOrigin, fromWhom } from '../../model/spread.ts';
import { Facts } from '../elements/facts.tsx';
import { InspectionFacts } from '../elements/inspection.tsx';
import { HostLink, PoolLink } from '../elements/name-link.tsx';
import { bytes } from '../elements/quantities.ts';
import { StateBadge } from '../elements/state-badge.tsx';
import { Time } from '../elements/time.tsx';
import { Missing } from '../elements/missing.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { WorkflowLink } from '../elements/workflow-link.tsx';
import { ProgressBar } from './progress-bar.tsx';
import { situationOf } from './situation.ts';
import { SteerOne } from './steering-buttons.tsx';
import { AttemptTimeline } from './timeline.tsx';
import { Reason } from './reason.tsx';

export default function DeploymentView(): ReactNode {
  const { id } = useParams<{ id: string }>();
  const isAdmin = useIsAdmin();
  const { data, error, isLoading } = useList<Deployment>(
    'listTemplateDeployments',
    'templatedeployment',
    { id },
    { every: LIVE },
  );
  const deployment = data?.rows[0];
  if (isLoading) return <Waiting />;
  if (deployment === undefined) return <Missing error={error} />;
  return (
    <>
      <ViewHead title={`${deployment.templatename} on ${deployment.storagename}`}>
        {isAdmin && <SteerOne of={deployment} />}
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
          <AttemptTimeline of={deployment} />
        </Card>
      </Stack>
    </>
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
      <Reason of={of} />
      <ProgressBar of={of} />
      <Facts
        of={{
          [of.format === 'ISO' ? 'ISO' : 'Template']: (
            <Anchor component={Link} href={`/${kind}/${of.templateid}`}>
              {of.templatename}
            </Anchor>
          ),
          'Storage pool': <PoolLink id={of.storageid}>{of.storagename}</PoolLink>,
          Zone: of.zonename,
          Host: of.hostname === undefined ? undefined : <HostLink id={of.hostid}>{of.hostname}</HostLink>,
          Source: of.source === undefined ? undefined : <code>{of.source}</code>,
          From:
            of.sourcehostname === undefined ? (
              fromWhom(of.depth, undefined)
            ) : (
              <>
                <HostLink id={of.sourcehostid}>{of.sourcehostname}</HostLink>, {behindOrigin(of.depth ?? 1)}
              </>
            ),
          'Being copied by':
            of.copyinghosts === 0 ? undefined : (of.copyinghostnames ?? `${of.copyinghosts} hosts`),
          'Sent by the origin': bytes(of.originbytes),
          'Sent by other hosts': of.peerbytes === 0 ? undefined : bytes(of.peerbytes),
          Attempts: of.attemptcount,
          'Size of the file': of.size === undefined ? undefined : bytes(of.size),
          'On disk': of.physicalsize === undefined ? undefined : bytes(of.physicalsize),
          'SHA-256': of.sha256 === undefined ? undefined : <code>{of.sha256}</code>,
          Verified: of.verified === undefined ? undefined : <Time of={of.verified} />,
          File: of.localpath === undefined ? undefined : <code>{of.localpath}</code>,
          'Asked for': <Time of={of.created} />,
          Changed: <Time of={of.lastupdated} />,
          Workflow: of.workflowid === undefined ? undefined : <WorkflowLink id={of.workflowid} />,
        }}
      />
    </Card>
  );
}
