/** What is found while a registration is checked: which host looks, and what it says of each URL so far. */
import { Alert, Group, Loader, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { call } from '../api/client.ts';
import { bytes } from '../elements/quantities.ts';
import { StateBadge } from '../elements/state-badge.tsx';

interface Registration {
  readonly hostname?: string;
  readonly mirror?: readonly Verdict[];
}

interface Verdict {
  readonly url: string;
  readonly reachable: boolean;
  readonly size: number;
  readonly reason?: string;
}

const EVERY = 500;

/** @param customid names the call that waits for its answer meanwhile */
export function Checking({ customid }: { readonly customid: string }): ReactNode {
  const { data } = useQuery({
    queryKey: ['getTemplateRegistration', customid],
    refetchInterval: EVERY,
    queryFn: ({ signal }) =>
      call<{ readonly templateregistration?: Registration }>('getTemplateRegistration', { customid }, signal),
  });
  const { hostname, mirror = [] } = data?.templateregistration ?? {};
  return (
    <Alert variant="light" color="cyan" role="status" title="The URL is being checked">
      <Group gap="xs">
        <Loader size="xs" aria-hidden />
        <Text size="sm">
          {hostname === undefined ? 'A host of the zone is chosen.' : `Host ${hostname} looks at it.`}
        </Text>
      </Group>
      {mirror.map((one) => (
        <Group key={one.url} gap="xs" mt="xs" align="flex-start">
          <StateBadge mood={one.reachable ? 'good' : 'bad'}>
            {one.reachable ? 'Reachable' : 'Not reachable'}
          </StateBadge>
          <Text size="sm" className="long" flex={1} miw={200}>
            {one.url}: {one.reachable ? (one.size > 0 ? bytes(one.size) : 'size unknown') : one.reason}
          </Text>
        </Group>
      ))}
    </Alert>
  );
}
