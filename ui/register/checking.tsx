/** Progress of a registration's check: the probing host, and its verdicts so far. */
import { Alert, Group, Loader, Stack, Text } from '@mantine/core';
import { useTimeout } from '@mantine/hooks';
import { type ReactNode, useState } from 'react';
import { useOne } from '../api/queries.ts';
import type { Mirror } from '../../model/api-answers.ts';
import { Verdict } from './verdict.tsx';

interface Registration {
  readonly hostname?: string;
  readonly mirror?: readonly Pick<Mirror, 'url' | 'reachable' | 'size' | 'reason'>[];
}

const EVERY = 500;
/** Milliseconds after which the check takes longer than usual. */
const SLOW = 7000;

/** @param customid id of the registration call that is waiting for its answer */
export function Checking({ customid }: { readonly customid: string }): ReactNode {
  const { data } = useOne<Registration>(
    'getTemplateRegistration',
    'templateregistration',
    { customid },
    { every: EVERY },
  );
  const [isSlow, setSlow] = useState(false);
  useTimeout(() => setSlow(true), SLOW, { autoInvoke: true });
  const { hostname, mirror = [] } = data?.found ?? {};
  return (
    <Alert variant="light" color="cyan" role="status" title="The URL is being checked">
      <Group gap="xs">
        <Loader size="xs" aria-hidden />
        <Text size="sm">
          {hostname === undefined ? 'A host of the zone is chosen.' : `Host ${hostname} looks at it.`}
        </Text>
      </Group>
      {isSlow && (
        <Text size="sm" mt="xs">
          The source is slow to answer first; it is waited for. One may leave this view: the template is in
          its list once it is ready, and the events say so if its URL is refused.
        </Text>
      )}
      <Stack gap="xs" mt="xs">
        {mirror.map((one) => (
          <Verdict key={one.url} of={one} />
        ))}
      </Stack>
    </Alert>
  );
}
