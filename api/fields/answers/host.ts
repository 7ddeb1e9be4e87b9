/** Hosts and storage pools as the API shows them. */
import type { HostListRow } from '../../../db/hosts/listing.ts';
import type { MachineOfHost } from '../../../db/hosts/machines.ts';
import type { PoolHost, PoolListRow } from '../../../db/pools/listing.ts';
import { overprovisioningOf } from '../../../model/configurations.ts';
import { HOST_NETWORK_KINDS } from '../../../model/vms.ts';
import type { HostNetwork, HypervisorReport } from '../../../model/vms.ts';
import { fingerprint } from '../../../trust/identity.ts';
import { boolean, date, integer, listOf, long, oneOf, optional, type Shape, string } from '../response.ts';
import { podId } from './places.ts';

const problemsOf = ({ problems, pool_problems }: HostListRow): readonly string[] | undefined =>
  problems.length + pool_problems.length > 0 ? [...problems, ...pool_problems] : undefined;

const UP_OR_DOWN = ['Up', 'Down'] as const;

export const PROGRAM: Shape<NonNullable<HostListRow['programs']>[number]> = {
  name: string('the name', ({ name }) => name),
  version: optional.string('the version; absent where the host lacks it', ({ version }) => version),
  purpose: string('what it is needed for', ({ purpose }) => purpose),
};

export const HOST_NETWORK: Shape<HostNetwork> = {
  name: string('the name, as networks name it in hostnetwork', ({ name }) => name),
  type: oneOf(HOST_NETWORK_KINDS, 'bridge, libvirt or user', ({ kind }) => kind),
  vlan: boolean('whether guests can be given a VLAN tag', ({ vlan }) => vlan),
  problem: optional.string('why it cannot be used', ({ problem }) => problem),
};

/** Of a host without a hypervisor, these are absent. */
type OfHypervisor<V> = (hypervisor: HypervisorReport, row: HostListRow) => V;
const ofHypervisor =
  <V>(value: OfHypervisor<V>) =>
  (row: HostListRow): V | undefined =>
    row.hypervisor === null ? undefined : value(row.hypervisor, row);

const megahertz = ({ cpus, cpuSpeed }: HypervisorReport): number => cpus * cpuSpeed;
/** As CloudStack writes it: `12.50%`. */
const percentage = (part: number, whole: number): string =>
  `${(whole === 0 ? 0 : (100 * part) / whole).toFixed(2)}%`;
const factorsOf = ({ overprovisioning }: HostListRow) => overprovisioningOf(overprovisioning);
/** MHz that may be promised to machines. */
const cpuPromised: OfHypervisor<number> = (hypervisor, row) =>
  Math.floor(megahertz(hypervisor) * factorsOf(row).cpu);
/** Bytes that may be promised to machines. */
const memoryPromised: OfHypervisor<number> = ({ memory }, row) => Math.floor(memory * factorsOf(row).memory);
const cpuPercentage = ofHypervisor((hypervisor, row) =>
  percentage(row.taken.cpu, cpuPromised(hypervisor, row)),
);
const memoryAllocated = ofHypervisor((_, { taken }) => taken.memory);

const HYPERVISOR: Shape<HostListRow> = {
  hypervisorversion: optional.string(
    'the version of QEMU',
    ofHypervisor(({ qemu }) => qemu),
  ),
  libvirtversion: optional.string(
    'the version of libvirt',
    ofHypervisor(({ libvirt }) => libvirt),
  ),
  accelerator: optional.oneOf(
    ['kvm', 'tcg'],
    'how guests run: on KVM, or emulated by QEMU',
    ofHypervisor(({ accelerator }) => accelerator),
  ),
  acceleratorreason: optional.string(
    'why guests run so, where some were tried for it',
    ofHypervisor(({ acceleratorReason }) => acceleratorReason),
  ),
  vmproblem: optional.string(
    'why no virtual machine can run there, and what would help',
    ofHypervisor(({ problem }) => problem),
  ),
  ueficapability: optional.boolean(
    'whether guests can boot by UEFI',
    ofHypervisor(({ firmware }) => firmware.length > 0),
  ),
  bootmodes: optional.list(
    'the modes in which guests can boot by UEFI: LEGACY, SECURE',
    ofHypervisor(({ firmware }) => firmware),
  ),
  hostnetwork: optional.listOf(
    HOST_NETWORK,
    'the networks that it offers to guests',
    ofHypervisor(({ networks }) => networks),
  ),
  cpunumber: optional.integer(
    'how many processors it has',
    ofHypervisor(({ cpus }) => cpus),
  ),
  cpuspeed: optional.long(
    'MHz of a processor',
    ofHypervisor(({ cpuSpeed }) => cpuSpeed),
  ),
  cpuallocated: optional.string('the same as cpuallocatedpercentage', cpuPercentage),
  cpuallocatedvalue: optional.long(
    'MHz that its virtual machines have',
    ofHypervisor((_, { taken }) => taken.cpu),
  ),
  cpuallocatedpercentage: optional.string(
    'the part of all MHz that may be promised that its virtual machines have',
    cpuPercentage,
  ),
  cpuallocatedwithoverprovisioning: optional.string('the same as cpuallocatedpercentage', cpuPercentage),
  cpuwithoverprovisioning: optional.string(
    'MHz that may be promised to virtual machines, by cpu.overprovisioning.factor',
    ofHypervisor((hypervisor, row) => String(cpuPromised(hypervisor, row))),
  ),
  memorytotal: optional.long(
    'bytes of its memory',
    ofHypervisor(({ memory }) => memory),
  ),
  memoryallocated: optional.long('the same as memoryallocatedbytes', memoryAllocated),
  memoryallocatedbytes: optional.long('bytes of memory that its virtual machines have', memoryAllocated),
  memoryallocatedpercentage: optional.string(
    'the part of the memory that may be promised that its virtual machines have',
    ofHypervisor((hypervisor, row) => percentage(row.taken.memory, memoryPromised(hypervisor, row))),
  ),
  memorywithoverprovisioning: optional.string(
    'bytes that may be promised to virtual machines, by mem.overprovisioning.factor',
    ofHypervisor((hypervisor, row) => String(memoryPromised(hypervisor, row))),
  ),
  virtualmachinecount: optional.integer(
    'how many virtual machines run, start or stop there',
    ofHypervisor((_, { taken }) => taken.machines),
  ),
};

export const HOST: Shape<HostListRow> = {
  id: string('the id', ({ uuid }) => uuid),
  name: string('the name', ({ name }) => name),
  state: oneOf(UP_OR_DOWN, 'Up while it is heard of, else Down', ({ up }) => (up ? 'Up' : 'Down')),
  resourcestate: string(
    'Enabled, Maintenance, or Disabled until it is approved',
    ({ resource_state }) => resource_state,
  ),
  type: string('the type', () => 'Routing'),
  hypervisor: string('the hypervisor', ({ hypervisor_type }) => hypervisor_type),
  zoneid: string('the id of its zone', ({ zone_uuid }) => zone_uuid),
  zonename: string('the name of its zone', ({ zone_name }) => zone_name),
  clusterid: string('the id of its cluster', ({ cluster_uuid }) => cluster_uuid),
  clustername: string('the name of its cluster', ({ cluster_name }) => cluster_name),
  podid: string('the id of its pod', ({ cluster_uuid }) => podId(cluster_uuid)),
  podname: string('the name of its pod', ({ cluster_name }) => cluster_name),
  ipaddress: string('its address', (row) => row.private_ip_address),
  hosttags: optional.string('its tags, separated by commas', ({ host_tags }) =>
    host_tags.length > 0 ? host_tags.join(',') : undefined,
  ),
  version: string('the version of its worker', ({ version }) => version),
  fingerprint: string('the fingerprint of its key, to be compared before it is approved', (row) =>
    fingerprint(row.signing_key),
  ),
  downloadlimit: optional.integer(
    'how many downloads at once are set for it; absent: as its own settings say',
    ({ download_limit }) => download_limit ?? undefined,
  ),
  ratelimit: optional.long(
    'how many bytes per second are set for it, 0 for any number; absent: as its own settings say',
    ({ rate_limit }) => rate_limit ?? undefined,
  ),
  currentdownloadlimit: optional.integer(
    'how many downloads at once are in force there',
    (row) => row.current_download_limit ?? undefined,
  ),
  currentratelimit: optional.long(
    'how many bytes per second are in force there, 0 for any number',
    (row) => row.current_rate_limit ?? undefined,
  ),
  program: optional.listOf(
    PROGRAM,
    'the programs that it uses, with their versions where it has them',
    ({ programs }) => programs,
  ),
  problem: optional.list('what it cannot do as it is, such as a pool that is not mounted', problemsOf),
  ...HYPERVISOR,
  lastpinged: optional.date('when it was heard of last', ({ last_seen }) => last_seen),
  created: date('when it joined first', ({ created }) => created),
};

export interface MaintainedHost extends HostListRow {
  readonly machines: readonly MachineOfHost[];
}

const MACHINE: Shape<MachineOfHost> = {
  id: string('the id', ({ id }) => id),
  name: string('the display name', ({ name }) => name),
  state: string('Starting, Running or Stopping', ({ state }) => state),
};

export const MAINTAINED_HOST: Shape<MaintainedHost> = {
  ...HOST,
  virtualmachine: listOf(
    MACHINE,
    'the virtual machines that still run there: maintenance lets them run, and starts no others',
    ({ machines }) => machines,
  ),
};

export const HOST_OF_POOL: Shape<PoolHost> = {
  id: string('the id of the host', ({ hostId }) => hostId),
  name: string('the name of the host', ({ hostName }) => hostName),
  state: oneOf(UP_OR_DOWN, 'Up or Down', ({ up }) => (up ? 'Up' : 'Down')),
  mounted: boolean('whether the host mounts it', ({ mounted }) => mounted),
  path: string('its folder on the host', ({ path }) => path),
  problem: optional.string('why it is not mounted', ({ problem }) => problem),
};

export interface PoolView extends PoolListRow {
  readonly hosts: readonly PoolHost[];
}

export const STORAGE_POOL: Shape<PoolView> = {
  id: string('the id', ({ uuid }) => uuid),
  name: string('the name', ({ name }) => name),
  zoneid: string('the id of its zone', ({ zone_uuid }) => zone_uuid),
  zonename: string('the name of its zone', ({ zone_name }) => zone_name),
  clusterid: optional.string('the id of its cluster', ({ cluster_uuid }) => cluster_uuid),
  clustername: optional.string('the name of its cluster', ({ cluster_name }) => cluster_name),
  type: string('Filesystem, NetworkFilesystem or SharedMountPoint', ({ pool_type }) => pool_type),
  scope: string('HOST, CLUSTER or ZONE', ({ scope }) => scope),
  state: string('Up, Disabled or Maintenance', ({ state }) => state),
  tags: optional.string('its tags, separated by commas', ({ tags }) =>
    tags.length > 0 ? tags.join(',') : undefined,
  ),
  podid: optional.string('the id of its pod', ({ cluster_uuid }) =>
    cluster_uuid === null ? undefined : podId(cluster_uuid),
  ),
  podname: optional.string('the name of its pod', ({ cluster_name }) => cluster_name),
  path: optional.string(
    'its folder on a host that has it',
    ({ hosts }) => hosts.find((host) => host.mounted)?.path,
  ),
  ipaddress: optional.string(
    'the address of its host, of a pool of one host; what serves a shared one, its hosts alone know',
    ({ scope, hosts }) => (scope === 'HOST' ? hosts[0]?.address || undefined : undefined),
  ),
  hypervisor: string('the hypervisor', () => 'KVM'),
  disksizetotal: long('bytes of its file system', ({ capacity_bytes }) => capacity_bytes),
  disksizeused: long('bytes in use', ({ capacity_bytes, free_bytes }) =>
    Math.max(0, capacity_bytes - free_bytes),
  ),
  disksizeallocated: long('bytes planned for downloads under way', ({ reserved }) => reserved),
  host: listOf(
    HOST_OF_POOL,
    'the hosts that are to have it: whether they are Up and mount it, or why not',
    ({ hosts }) => hosts,
  ),
  unknownfilecount: integer(
    'how many files Bypass does not know on it, as the last cleanup found; listStoragePoolFiles lists them',
    (row) => row.unknown_files,
  ),
  unknownfilesize: long('their bytes', (row) => row.unknown_bytes),
  lastcleanup: optional.date('when its files were compared last with what is known', ({ looked }) => looked),
  reported: optional.date('when a host reported its size last', ({ reported }) => reported),
  created: date('when it was first seen', ({ created }) => created),
};
