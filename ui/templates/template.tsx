/** One template or ISO: its source, its copies, what happened to it, and what can be done with it. */
import { Badge, Card, Group, Stack, Table, Text, Title } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useParams } from 'wouter';
import { LIVE, useList } from '../api/queries.ts';
import { useSession } from '../api/session.ts';
import type { BypassEvent, Deployment, Mirror, Template } from '../api/shapes.ts';
import { DeploymentTable } from '../deployments/deployment-table.tsx';
import { RetryAndCancel } from '../deployments/retry-and-cancel.tsx';
import { Empty } from '../elements/empty.tsx';
import { Facts } from '../elements/facts.tsx';
import { InspectionFacts } from '../elements/inspection.tsx';
import { bytes } from '../elements/quantities.ts';
import { StateBadge } from '../elements/state-badge.tsx';
import { Time } from '../elements/time.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { WorkflowLink } from '../elements/workflow-link.tsx';
import { EventTable } from '../events/events.tsx';
import { NotFound } from '../layout/not-found.tsx';
import { recogniseChecksum } from '../register/checksum.ts';
import type { Kind } from './kind.ts';
import { TemplateActions } from './template-actions.tsx';
import { templateState } from './template-state.ts';

export function TemplateView({ kind }: { readonly kind: Kind }): ReactNode {
  const { id } = useParams<{ id: string }>();
  const { data, error, isLoading } = useList<Template>(
    kind.list,
    kind.key,
    { [kind.filter]: 'executable', id },
    { every: LIVE * 2 },
  );
  const template = data?.rows[0];
  if (isLoading) return <Waiting />;
  if (template === undefined) return error === null ? <NotFound /> : <Trouble error={error} />;
  const zones = data?.rows.flatMap(({ zonename = '' }) => (zonename === '' ? [] : [zonename])) ?? [];
  return (
    <>
      <ViewHead title={template.name}>
        <TemplateActions
          kind={kind}
          template={template}
          zoneIds={data?.rows.flatMap(({ zoneid }) => zoneid ?? []) ?? []}
        />
      </ViewHead>
      <Stack>
        <About template={template} zones={zones} />
        <Copies id={id} />
        <Source template={template} />
        <Happened id={id} />
      </Stack>
    </>
  );
}

function About({
  template,
  zones,
}: {
  readonly template: Template;
  readonly zones: readonly string[];
}): ReactNode {
  const { mood, word } = templateState(template);
  const flags = [
    ...(template.ispublic ? ['public'] : []),
    ...(template.isfeatured ? ['featured'] : []),
    ...(template.isextractable === true ? ['extractable'] : []),
    ...(template.passwordenabled === true ? ['password reset'] : []),
    ...(template.sshkeyenabled === true ? ['SSH keys'] : []),
  ];
  return (
    <Card withBorder>
      <Group mb="xs" gap="xs">
        <StateBadge mood={mood}>{word}</StateBadge>
        {flags.map((flag) => (
          <Badge key={flag} variant="default" tt="none">
            {flag}
          </Badge>
        ))}
      </Group>
      {template.displaytext !== template.name && <Text className="long">{template.displaytext}</Text>}
      <Facts
        of={{
          Format: template.format,
          'Size for a VM': bytes(template.size),
          'Size of the file': bytes(template.physicalsize),
          'Guest OS': template.ostypename,
          Architecture: template.arch,
          Zones: zones.join(', '),
          Account: template.account,
          Registered: <Time of={template.created} />,
          Checksum: <Checksum of={template.checksum} />,
          Id: <code>{template.id}</code>,
          Workflow: template.workflowid === undefined ? undefined : <WorkflowLink id={template.workflowid} />,
        }}
      />
    </Card>
  );
}

function Checksum({ of }: { readonly of: string | undefined }): ReactNode {
  if (of === undefined) return 'none given';
  return (
    <>
      {recogniseChecksum(of)?.algorithm} <code>{of}</code>
    </>
  );
}

function Copies({ id }: { readonly id: string }): ReactNode {
  const { data } = useList<Deployment>(
    'listTemplateDeployments',
    'templatedeployment',
    { templateid: id },
    { every: LIVE },
  );
  const isAdmin = useSession()?.isAdmin === true;
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const rows = data?.rows ?? [];
  const isToBeSteered = isAdmin && rows.some(({ state }) => state !== 'Ready');
  return (
    <section>
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h4">
          On storage pools
        </Title>
        {isToBeSteered && (
          <Group gap="xs">
            <RetryAndCancel picked={rows.filter((row) => chosen.has(row.id))} />
          </Group>
        )}
      </Group>
      {data === undefined ? (
        <Waiting />
      ) : rows.length === 0 ? (
        <Empty title="On no pool yet">Press Deploy to bring it there.</Empty>
      ) : (
        <DeploymentTable
          rows={rows}
          showTemplate={false}
          {...(isToBeSteered ? { chosen, onChoose: setChosen } : {})}
        />
      )}
    </section>
  );
}

function Source({ template }: { readonly template: Template }): ReactNode {
  const { url, mirror = [], details = {} } = template;
  const inspected = mirror.find(({ reachable, inspection }) => reachable && inspection !== undefined);
  if (url === undefined) return null;
  return (
    <Card withBorder>
      <Title order={2} size="h4" mb="sm">
        Source
      </Title>
      <Text className="long" mb="sm">
        <code>{url}</code>
      </Text>
      {mirror.length > 0 && <Mirrors of={mirror} />}
      {inspected?.inspection !== undefined && (
        <>
          <Title order={3} size="h5" mt="md">
            What was found there
          </Title>
          <InspectionFacts of={inspected.inspection} />
        </>
      )}
      {Object.keys(details).length > 0 && <Facts of={details} />}
    </Card>
  );
}

function Mirrors({ of }: { readonly of: readonly Mirror[] }): ReactNode {
  return (
    <Table className="cards" layout="fixed">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Mirror</Table.Th>
          <Table.Th w="10%">Priority</Table.Th>
          <Table.Th w="34%">When it was checked</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {of.map(({ url, priority, location, reachable, reason, size, ranges }) => (
          <Table.Tr key={url}>
            <Table.Td data-label="Mirror" className="long">
              {url}
            </Table.Td>
            <Table.Td data-label="Priority">
              {priority}
              {location === undefined ? '' : ` (${location})`}
            </Table.Td>
            <Table.Td data-label="Verdict">
              <div>
                <StateBadge mood={reachable ? 'good' : 'bad'}>
                  {reachable ? 'Reachable' : 'Not reachable'}
                </StateBadge>
                <Text size="sm" className="long">
                  {reachable
                    ? `${size > 0 ? bytes(size) : 'size unknown'}, ${ranges ? 'can be resumed' : 'cannot be resumed'}`
                    : reason}
                </Text>
              </div>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Happened({ id }: { readonly id: string }): ReactNode {
  const { data } = useList<BypassEvent>(
    'listEvents',
    'event',
    { resourceid: id, page: 1, pagesize: 10 },
    { every: LIVE * 2 },
  );
  if (data === undefined || data.rows.length === 0) return null;
  return (
    <section>
      <Title order={2} size="h4" mb="sm">
        What happened
      </Title>
      <EventTable rows={data.rows} />
    </section>
  );
}
