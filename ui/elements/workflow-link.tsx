import { Anchor, Code, VisuallyHidden } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useQuery } from '@tanstack/react-query';
import { call } from '../api/client.ts';
import type { Capability } from '../api/shapes.ts';

/** A workflow, linked to Temporal's Web UI where that is known and the caller may see it. */
export function WorkflowLink({
  id,
  short = false,
}: {
  readonly id: string;
  readonly short?: boolean;
}): ReactNode {
  const { data } = useQuery({
    queryKey: ['listCapabilities'],
    queryFn: ({ signal }) => call<{ readonly capability: Capability }>('listCapabilities', {}, signal),
    staleTime: Infinity,
    refetchInterval: false,
  });
  const { temporaluiurl, temporalnamespace = 'default' } = data?.capability ?? {};
  // Whoever set the address, only one of the web is made a link.
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
