/** The hosts configured with a pool, and whether each can use it. */
import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { HostOfPool } from '../../model/api-answers.ts';
import { HostLink } from '../elements/name-link.tsx';

/** Hosts that are named, since a shared pool may have a thousand. */
const NAMED = 8;

const isFine = ({ state, mounted }: HostOfPool): boolean => state === 'Up' && mounted;

/** Sorts hosts that cannot use the pool first. */
export function HostsOfPool({ hosts }: { readonly hosts: readonly HostOfPool[] }): ReactNode {
  const sorted = hosts.toSorted((one, other) => Number(isFine(one)) - Number(isFine(other)));
  const rest = sorted.slice(NAMED);
  return (
    <>
      {sorted.slice(0, NAMED).map((host) => (
        <Text key={host.id} size="sm">
          <HostLink id={host.id}>{host.name}</HostLink>: {stateOf(host)}
        </Text>
      ))}
      {rest.length > 0 && (
        <Text size="sm" c="dimmed">
          and {rest.length} more, {rest.filter(isFine).length} of them up, mounted
        </Text>
      )}
    </>
  );
}

function stateOf({ state, mounted, problem }: HostOfPool): string {
  if (state === 'Down') return 'down';
  return mounted ? 'up, mounted' : `not mounted${problem === undefined ? '' : ` (${problem})`}`;
}
