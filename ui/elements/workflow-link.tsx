import { Anchor, Code, VisuallyHidden } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useOne } from '../api/queries.ts';
import type { Capability } from '../../model/api-answers.ts';

/** A workflow id, linked to Temporal's Web UI if its address is known and the caller may see it. */
export function WorkflowLink({
  id,
  short = false,
}: {
  readonly id: string;
  readonly short?: boolean;
}): ReactNode {
  const { data } = useOne<Capability>('listCapabilities', 'capability', {}, { every: false });
  const { temporaluiurl, temporalnamespace = 'default' } = data?.found ?? {};
  // Only http and https addresses become links.
  if (temporaluiurl === undefined || !/^https?:\/\//.test(temporaluiurl))
    return short ? null : <Code>{id}</Code>;
  const address = `${temporaluiurl.replace(/\/$/, '')}/namespaces/${encodeURIComponent(temporalnamespace)}/workflows/${encodeURIComponent(id)}`;
  return (
    <Anchor href={address} target="_blank" rel="noreferrer" inherit title={id}>
      {short ? 'Open' : id}
      <IconExternalLink size={14} aria-hidden className="after-text" />
      <VisuallyHidden> in Temporal&apos;s Web UI</VisuallyHidden>
    </Anchor>
  );
}
