/** One template or ISO: its source, copies, events and actions. */
import { Alert, Badge, Card, Group, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useParams } from 'wouter';
import { LIVE, useList } from '../api/queries.ts';
import { isUnknown } from '../api/client.ts';
import type { Template } from '../../model/api-answers.ts';
import { Facts } from '../elements/facts.tsx';
import { Missing } from '../elements/missing.tsx';
import { bytes } from '../elements/quantities.ts';
import { StateBadge } from '../elements/state-badge.tsx';
import { Tags } from '../elements/tags.tsx';
import { Time } from '../elements/time.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { WorkflowLink } from '../elements/workflow-link.tsx';
import { Happened } from '../events/happened.tsx';
import { recogniseChecksum } from '../register/checksum.ts';
import { Copies } from './copies.tsx';
import type { Kind } from './kind.ts';
import { Sharing } from './sharing.tsx';
import { Source } from './source.tsx';
import { TemplateActions } from './template-actions.tsx';
import { isBeingChecked, templateState } from './template-state.ts';

export function TemplateView({ kind }: { readonly kind: Kind }): ReactNode {
  const { id } = useParams<{ id: string }>();
  const { data, error, isLoading } = useList<Template>(
    kind.list,
    kind.key,
    { [kind.filter]: 'executable', id },
    { every: LIVE },
  );
  const template = data?.rows[0];
  if (isLoading) return <Waiting />;
  if (template === undefined || (error !== null && isUnknown(error))) {
    return (
      <Stack>
        <Missing error={error} />
        {/* Such as the reason why the registration failed. */}
        <Happened id={id} />
      </Stack>
    );
  }
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
        {isBeingChecked(template) && (
          <Alert variant="light" color="cyan" role="status" title="Its URL is still being checked">
            The source takes its time to answer. It can be deployed as soon as it is ready; if its URL is
            refused, it goes, and the reason is shown here.
          </Alert>
        )}
        <About template={template} zones={zones} />
        <Copies of={template} />
        <Source template={template} />
        <Sharing kind={kind} template={template} />
        <Tags of={template} type={kind.iso ? 'ISO' : 'Template'} />
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
    ...(template.isextractable ? ['extractable'] : []),
    ...(template.passwordenabled ? ['password reset'] : []),
    ...(template.sshkeyenabled ? ['SSH keys'] : []),
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
