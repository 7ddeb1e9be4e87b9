/** One virtual machine: what it does now, its console, network cards, disks and events. */
import { Anchor, Badge, Card, Group, Stack, Table, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link, useParams } from 'wouter';
import { isUnknown } from '../api/client.ts';
import { LIVE, useList } from '../api/queries.ts';
import type { Nic, VirtualMachine } from '../../model/api-answers.ts';
import { Facts } from '../elements/facts.tsx';
import { Missing } from '../elements/missing.tsx';
import { HostLink } from '../elements/name-link.tsx';
import { StateBadge } from '../elements/state-badge.tsx';
import { Tags } from '../elements/tags.tsx';
import { Time } from '../elements/time.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { WorkflowLink } from '../elements/workflow-link.tsx';
import { Happened } from '../events/happened.tsx';
import { Console } from './console.tsx';
import { Disks, useCopiesOf } from './disks.tsx';
import { IsoDrive } from './iso-drive.tsx';
import { VmActions } from './vm-actions.tsx';
import { ImageLink } from './vm-link.tsx';
import { VmProgress } from './vm-progress.tsx';
import { situationOfVm, sizeOfVm } from './vm-state.ts';

export function VmView(): ReactNode {
  const { id } = useParams<{ id: string }>();
  const { data, error, isLoading } = useList<VirtualMachine>(
    'listVirtualMachines',
    'virtualmachine',
    { id, listall: true },
    { every: LIVE },
  );
  const vm = data?.rows[0];
  if (isLoading) return <Waiting />;
  if (vm === undefined || (error !== null && isUnknown(error))) {
    return (
      <Stack>
        <Missing error={error} />
        <Happened id={id} />
      </Stack>
    );
  }
  return (
    <>
      <ViewHead title={vm.name}>
        <VmActions key={vm.state} vm={vm} />
      </ViewHead>
      <Stack>
        <Now vm={vm} />
        <Console key={id} vm={vm} />
        <Section title="Network cards">
          <Nics of={vm.nic} />
        </Section>
        <Section title="Disks">
          <Disks vm={vm} />
        </Section>
        <Tags of={vm} type="UserVm" />
        <Happened id={id} />
      </Stack>
    </>
  );
}

const Section = ({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ReactNode;
}): ReactNode => (
  <Card withBorder>
    <Title order={2} size="h4" mb="sm">
      {title}
    </Title>
    {children}
  </Card>
);

function Now({ vm }: { readonly vm: VirtualMachine }): ReactNode {
  const { mood, word } = situationOfVm(vm);
  return (
    <Card withBorder>
      <Group mb="xs" gap="xs">
        <StateBadge mood={mood}>{word}</StateBadge>
        {vm.deleteprotection && (
          <Badge variant="default" tt="none">
            protected
          </Badge>
        )}
      </Group>
      {vm.displayname !== vm.name && <Text className="long">{vm.displayname}</Text>}
      <VmProgress of={vm} />
      {vm.phase === 'copy' && <AwaitedCopy vm={vm} />}
      <Facts
        of={{
          [vm.templateformat === 'ISO' ? 'Made from the ISO' : 'Template']: <ImageLink of={vm} />,
          Offering: `${vm.serviceofferingname}: ${sizeOfVm(vm)}`,
          Host: vm.hostname === undefined ? undefined : <HostLink id={vm.hostid}>{vm.hostname}</HostLink>,
          'CD-ROM drive': <IsoDrive vm={vm} />,
          'SSH keys': vm.keypairs?.replaceAll(',', ', '),
          Boot: vm.boottype === 'UEFI' ? `UEFI, ${vm.bootmode ?? ''}` : undefined,
          Group: vm.group,
          Zone: vm.zonename,
          Account: vm.account,
          Created: <Time of={vm.created} />,
          Domain: vm.instancename === undefined ? undefined : <code>{vm.instancename}</code>,
          Id: <code>{vm.id}</code>,
          Workflow: vm.workflowid === undefined ? undefined : <WorkflowLink id={vm.workflowid} />,
        }}
      />
    </Card>
  );
}

/** The copies under way that the machine may wait for; one, as a rule. */
function AwaitedCopy({ vm }: { readonly vm: VirtualMachine }): ReactNode {
  const running = useCopiesOf(vm).filter(({ state }) => state === 'Creating');
  return running.map(({ id, storagename }) => (
    <Text key={id} size="sm" mt={4}>
      It waits for{' '}
      <Anchor component={Link} href={`/deployments/${id}`}>
        {vm.templatename} on {storagename}
      </Anchor>
      .
    </Text>
  ));
}

function Nics({ of }: { readonly of: readonly Nic[] }): ReactNode {
  return (
    <Table className="cards" layout="fixed">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Network</Table.Th>
          <Table.Th w="14%">Type</Table.Th>
          <Table.Th w="24%">MAC address</Table.Th>
          <Table.Th w="36%">Addresses</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {of.map((nic) => (
          <Table.Tr key={nic.id}>
            <Table.Td data-label="Network" className="long">
              {nic.networkname}
              {nic.isdefault && of.length > 1 ? ' (default)' : ''}
            </Table.Td>
            <Table.Td data-label="Type">{nic.type}</Table.Td>
            <Table.Td data-label="MAC address">
              <code>{nic.macaddress}</code>
            </Table.Td>
            <Table.Td data-label="Addresses" className="long">
              {[nic.ipaddress, nic.ip6address].filter(Boolean).join(', ') || 'not known'}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
