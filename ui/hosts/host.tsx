/** One host: its identity, programs, pools and activity. */
import { Anchor, Card, List, Stack, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link, useParams } from 'wouter';
import { LIVE, useList } from '../api/queries.ts';
import type { Host, HostNetwork, StoragePool } from '../../model/api-answers.ts';
import { DeploymentTable } from '../deployments/deployment-table.tsx';
import { Empty } from '../elements/empty.tsx';
import { Facts } from '../elements/facts.tsx';
import { bytes } from '../elements/quantities.ts';
import { PoolLink } from '../elements/name-link.tsx';
import { StateBadge } from '../elements/state-badge.tsx';
import { Time } from '../elements/time.tsx';
import { Missing } from '../elements/missing.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { SpaceBar } from '../pools/space-bar.tsx';
import { conditionOf } from './condition.ts';
import { HostCertificates } from './host-certificates.tsx';
import { Limits } from './limits.tsx';
import { HostActions } from './host-actions.tsx';
import { RemoveHost } from './remove-host.tsx';
import { useUnderWay } from '../deployments/under-way.ts';

export default function HostView(): ReactNode {
  const { id } = useParams<{ id: string }>();
  const { data, error, isLoading } = useList<Host>('listHosts', 'host', { id }, { every: LIVE * 2 });
  const pools = useList<StoragePool>('listStoragePools', 'storagepool', { hostid: id }).data?.rows ?? [];
  const running = useUnderWay().rows.filter(({ hostid }) => hostid === id);
  const host = data?.rows[0];
  if (isLoading) return <Waiting />;
  if (host === undefined) return <Missing error={error} />;
  return (
    <>
      <ViewHead title={host.name}>
        <HostActions host={host} />
        <RemoveHost host={host} />
      </ViewHead>
      <Stack>
        <About host={host} />
        <Limits key={id} host={host} />
        <HostCertificates hostId={id} zoneId={host.zoneid} />
        <Guests host={host} />
        <Programs host={host} />
        <Card withBorder>
          <Title order={2} size="h4" mb="sm">
            Storage pools
          </Title>
          <Stack gap="sm">
            {pools.map((pool) => (
              <div key={pool.id}>
                <PoolLink id={pool.id}>{pool.name}</PoolLink>{' '}
                <code className="long">{pool.host.find((one) => one.id === id)?.path}</code>
                <SpaceBar of={pool} />
              </div>
            ))}
          </Stack>
        </Card>
        <section>
          <Title order={2} size="h4" mb="sm">
            What it does now
          </Title>
          {running.length === 0 ? <Empty title="Nothing" /> : <DeploymentTable rows={running} />}
        </section>
      </Stack>
    </>
  );
}

function About({ host }: { readonly host: Host }): ReactNode {
  const { mood, word } = conditionOf(host);
  return (
    <Card withBorder>
      <Facts
        of={{
          State: <StateBadge mood={mood}>{word}</StateBadge>,
          'Heard of last': <Time of={host.lastpinged} />,
          Address: host.ipaddress,
          Zone: host.zonename,
          Cluster: host.clustername,
          'Version of its worker': host.version,
          'Fingerprint of its key': <code>{host.fingerprint}</code>,
          Problems: host.problem?.join('; '),
        }}
      />
    </Card>
  );
}

function Guests({ host }: { readonly host: Host }): ReactNode {
  const { libvirtversion: libvirt, hypervisorversion: qemu, accelerator, hostnetwork = [] } = host;
  return (
    <Card withBorder>
      <Title order={2} size="h4" mb="sm">
        Virtual machines
      </Title>
      <Facts
        of={{
          'None can run': host.vmproblem,
          'On it now': <MachinesLink host={host} />,
          Hypervisor: libvirt && `${accelerator ?? 'KVM is tried'}, QEMU ${qemu ?? '?'}, libvirt ${libvirt}`,
          Processors:
            host.cpunumber &&
            `${host.cpunumber} of ${host.cpuspeed} MHz, ${host.cpuallocatedpercentage} allocated`,
          Memory:
            host.memorytotal && `${bytes(host.memorytotal)}, ${host.memoryallocatedpercentage} allocated`,
          Networks: hostnetwork.map(networkWords).join(', ') || undefined,
          UEFI: host.bootmodes?.join(', ') || undefined,
        }}
      />
    </Card>
  );
}

function MachinesLink({ host: { id, virtualmachinecount = 0 } }: { readonly host: Host }): ReactNode {
  if (virtualmachinecount === 0) return 0;
  return (
    <Anchor component={Link} href={`/instances?host=${id}`}>
      {virtualmachinecount}
    </Anchor>
  );
}

const networkWords = ({ name, type, vlan, problem }: HostNetwork): string =>
  `${name} (${problem ?? `${type}${vlan ? ', VLAN' : ''}`})`;

function Programs({ host }: { readonly host: Host }): ReactNode {
  const programs = host.program ?? [];
  const missing = programs.filter(({ version }) => version === undefined);
  return (
    <Card withBorder>
      <Title order={2} size="h4" mb="sm">
        Programs
      </Title>
      {missing.length > 0 && (
        <List size="sm" mb="sm">
          {missing.map(({ name, purpose }) => (
            <List.Item key={name}>
              <b>{name}</b> is missing: this host cannot {purpose}.
            </List.Item>
          ))}
        </List>
      )}
      <Facts of={Object.fromEntries(programs.map(({ name, version }) => [name, numberOf(version)]))} />
    </Card>
  );
}

/** Extracts the version number from the sentence that a program prints. */
const numberOf = (version: string | undefined): string | undefined =>
  /\d+(?:\.\d+)+/.exec(version ?? '')?.[0] ?? version;
