import { Anchor, Code } from '@mantine/core';
import type { ReactNode } from 'react';
import { useQuery } from '@tanstack/react-query';
import { call } from '../api/client.ts';
import type { Capability } from '../api/shapes.ts';

/** A workflow, linked to Temporal's Web UI where that is known and the caller may see it. */
export function WorkflowLink({ id, icon }: { readonly id: string; readonly icon?: ReactNode }): ReactNode {
  const { data } = useQuery({
    queryKey: ['listCapabilities'],
    queryFn: ({ signal }) => call<{ readonly capability: Capability }>('listCapabilities', {}, signal),
    staleTime: Infinity,
    refetchInterval: false,
  });
  const { temporaluiurl, temporalnamespace = 'default' } = data?.capability ?? {};
  // Whoever set the address, only one of the web is made a link.
  if (temporaluiurl === undefined || !/^https?:\/\//.test(temporaluiurl)) return <Code>{id}</Code>;
  const address = `${temporaluiurl.replace(/\/$/, '')}/namespaces/${encodeURIComponent(temporalnamespace)}/workflows/${encodeURIComponent(id)}`;
  return (
    <Anchor href={address} target="_blank" rel="noreferrer">
      {id} {icon}
    </Anchor>
  );
}
