/** The state of a certificate on each host, as the host read it back from its keystore, with actions. */
import { Anchor, Button, Group, Table, Text } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { Link } from 'wouter';
import type { Mood } from '../elements/mood.ts';
import { StateBadge } from '../elements/state-badge.tsx';
import { useCertificateActions } from './actions.ts';
import type { Certificate, CertificateOnHost } from '../../model/api-answers.ts';

const STATES = {
  UPLOADED: { mood: 'good', word: 'Installed' },
  REVOKED: { mood: 'leaving', word: 'Revoked' },
  FAILED: { mood: 'bad', word: 'Failed' },
  SKIPPED: { mood: 'waiting', word: 'Skipped' },
} as const satisfies Record<CertificateOnHost['status'], { readonly mood: Mood; readonly word: string }>;

export function HostState({ of }: { readonly of: CertificateOnHost }): ReactNode {
  const { mood, word } = STATES[of.status];
  return (
    <div>
      <StateBadge mood={mood}>{word}</StateBadge>
      {of.details !== undefined && (
        <Text size="sm" mt={4} className="long">
          {of.details}
        </Text>
      )}
    </div>
  );
}

/** Hosts shown at first: all hosts of a large zone would make a long page. */
const INITIAL_HOSTS = 8;
/** Further hosts that each click shows. */
const MORE = 100;

export function HostStates({ certificate }: { readonly certificate: Certificate }): ReactNode {
  const [shown, setShown] = useState(INITIAL_HOSTS);
  const { hostsmap: all = [], revoked } = certificate;
  if (all.length === 0) return <Text c="dimmed">There is no host in its zone yet.</Text>;
  // A short list is visible as a whole and keeps its order.
  const hosts = all.length > INITIAL_HOSTS ? failuresFirst(all, revoked).slice(0, shown) : all;
  return (
    <>
      <HostTable certificate={certificate} hosts={hosts} />
      {hosts.length < all.length && (
        <Group mt="sm" justify="space-between">
          <Text size="sm" c="dimmed">
            Of {all.length} hosts, {countsOf(all)}.
          </Text>
          <Button size="compact-sm" variant="default" onClick={() => setShown(shown + MORE)}>
            Show {Math.min(MORE, all.length - shown)} more
          </Button>
        </Group>
      )}
    </>
  );
}

const failuresFirst = (
  hosts: readonly CertificateOnHost[],
  revoked: boolean,
): readonly CertificateOnHost[] => {
  const wanted = revoked ? 'REVOKED' : 'UPLOADED';
  const rank = ({ status }: CertificateOnHost): number =>
    status === 'FAILED' ? 0 : status === wanted ? 2 : 1;
  return hosts.toSorted((one, other) => rank(one) - rank(other));
};

/** Such as `installed on 998, failed on 2`. */
const countsOf = (hosts: readonly CertificateOnHost[]): string =>
  Object.entries(STATES)
    .map(([status, { word }]) => [word, hosts.filter((host) => host.status === status).length] as const)
    .filter(([, count]) => count > 0)
    .map(([word, count]) => `${word.toLowerCase()} on ${count}`)
    .join(', ');

function HostTable({
  certificate,
  hosts,
}: {
  readonly certificate: Certificate;
  readonly hosts: readonly CertificateOnHost[];
}): ReactNode {
  return (
    <Table className="cards" layout="fixed">
      <Table.Thead>
        <Table.Tr>
          <Table.Th w="24%">Host</Table.Th>
          <Table.Th>State</Table.Th>
          <Table.Th w={200}>Actions</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {hosts.map((host) => (
          <Table.Tr key={host.hostid}>
            <Table.Td data-label="Host" className="long">
              <Anchor component={Link} href={`/hosts/${host.hostid}`}>
                {host.hostname}
              </Anchor>
            </Table.Td>
            <Table.Td data-label="State">
              <HostState of={host} />
            </Table.Td>
            <Table.Td data-label="Actions">
              <HostButton certificate={certificate} host={host} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

/** The action for a host: revoke where the certificate is installed, provision elsewhere. */
function HostButton({
  certificate,
  host,
}: {
  readonly certificate: Certificate;
  readonly host: CertificateOnHost;
}): ReactNode {
  const { provision, revoke } = useCertificateActions(certificate);
  const where = `${certificate.alias} on ${host.hostname}`;
  if (host.status === 'UPLOADED') {
    return (
      <Button
        color="orange"
        variant="light"
        size="compact-sm"
        aria-label={`Revoke ${where}`}
        loading={revoke.isPending}
        onClick={() => revoke.start(host)}
      >
        Revoke
      </Button>
    );
  }
  return (
    <Button
      size="compact-sm"
      variant="light"
      aria-label={`Provision ${where}`}
      loading={provision.isPending}
      onClick={() => provision.start(host)}
    >
      Provision
    </Button>
  );
}
