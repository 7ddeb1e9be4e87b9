/** The certificates of a host's zone, and the state of each on this host. */
import { Anchor, Card, Table, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { leftOf } from '../certificates/expiry.ts';
import { HostState } from '../certificates/host-states.tsx';
import { useCertificates } from '../certificates/list.ts';

export function HostCertificates({
  hostId,
  zoneId,
}: {
  readonly hostId: string;
  readonly zoneId: string;
}): ReactNode {
  const { data } = useCertificates({ zoneid: zoneId, listhosts: true, hostid: hostId });
  const rows = (data?.rows ?? []).flatMap((certificate) => {
    const [state] = certificate.hostsmap ?? [];
    return state === undefined ? [] : [{ certificate, state }];
  });
  return (
    <Card withBorder>
      <Title order={2} size="h4" mb="sm">
        Certificates
      </Title>
      {rows.length === 0 ? (
        <Text c="dimmed">It trusts the public authorities only.</Text>
      ) : (
        <Table className="cards" layout="fixed">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Alias</Table.Th>
              <Table.Th>On this host</Table.Th>
              <Table.Th>Validity</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map(({ certificate: { id, alias, daysleft }, state }) => (
              <Table.Tr key={id}>
                <Table.Td data-label="Alias" className="long">
                  <Anchor component={Link} href="/certificates">
                    {alias}
                  </Anchor>
                </Table.Td>
                <Table.Td data-label="On this host">
                  <HostState of={state} />
                </Table.Td>
                <Table.Td data-label="Validity">{leftOf(daysleft)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Card>
  );
}
