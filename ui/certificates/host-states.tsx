/** How a certificate fares on each host, as the host read it back from its keystore; and what can be done there. */
import { Anchor, Button, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { Confirm } from '../elements/confirm.tsx';
import { type Mood, StateBadge } from '../elements/state-badge.tsx';
import { useCertificateActions } from './actions.ts';
import type { Certificate, HostStatus } from './shapes.ts';

const STATES = {
  UPLOADED: { mood: 'good', word: 'There' },
  REVOKED: { mood: 'leaving', word: 'Revoked' },
  FAILED: { mood: 'bad', word: 'Failed' },
  SKIPPED: { mood: 'waiting', word: 'Skipped' },
} as const satisfies Record<HostStatus['status'], { readonly mood: Mood; readonly word: string }>;

export function HostState({ of }: { readonly of: HostStatus }): ReactNode {
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

export function HostStates({ certificate }: { readonly certificate: Certificate }): ReactNode {
  const hosts = certificate.hostsmap ?? [];
  if (hosts.length === 0) return <Text c="dimmed">There is no host in its zone yet.</Text>;
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

/** A host that has it can lose it; any other can be given it (again). */
function HostButton({
  certificate,
  host,
}: {
  readonly certificate: Certificate;
  readonly host: HostStatus;
}): ReactNode {
  const { provision, revoke } = useCertificateActions(certificate);
  const where = `${certificate.alias} on ${host.hostname}`;
  if (host.status === 'UPLOADED') {
    return (
      <Confirm
        label="Revoke"
        name={`Revoke ${where}`}
        title={`Revoke ${where}?`}
        size="compact-sm"
        disabled={revoke.isPending}
        onConfirm={() => revoke.start(host)}
      >
        Downloads of this host that need it fail from then on, until it is provisioned again.
      </Confirm>
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
