/** Hosts and storage pools as the API shows them. */
import type { HostListRow } from '../../db/listings/hosts.ts';
import type { PoolHost, PoolListRow } from '../../db/listings/pools.ts';
import { fingerprint } from '../../trust/identity.ts';
import { date, integer, list, long, type Shape, string } from '../response.ts';
import { podId } from './places.ts';

const problemsOf = ({ problems, pool_problems }: HostListRow): readonly string[] | undefined =>
  problems.length + pool_problems.length > 0 ? [...problems, ...pool_problems] : undefined;

export const HOST: Shape<HostListRow> = {
  id: string('the id', ({ uuid }) => uuid),
  name: string('the name', ({ name }) => name),
  state: string('Up while it is heard of, else Down', ({ up }) => (up ? 'Up' : 'Down')),
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
  version: string('the version of its worker', ({ version }) => version),
  fingerprint: string('the fingerprint of its key, to be compared before it is approved', (row) =>
    fingerprint(row.signing_key),
  ),
  downloadlimit: integer(
    'how many downloads at once are set for it; absent: as its own settings say',
    ({ download_limit }) => download_limit ?? undefined,
  ),
  ratelimit: long(
    'how many bytes per second are set for it, 0 for any number; absent: as its own settings say',
    ({ rate_limit }) => rate_limit ?? undefined,
  ),
  currentdownloadlimit: integer(
    'how many downloads at once are in force there',
    (row) => row.current_download_limit ?? undefined,
  ),
  currentratelimit: long(
    'how many bytes per second are in force there, 0 for any number',
    (row) => row.current_rate_limit ?? undefined,
  ),
  program: list(
    'the programs that it uses, with their versions where it has them',
    ({ programs }) => programs,
  ),
  problem: list('what it cannot do as it is, such as a pool that is not mounted', problemsOf),
  lastpinged: date('when it was heard of last', ({ last_seen }) => last_seen),
  created: date('when it joined first', ({ created }) => created),
};

export interface PoolView extends PoolListRow {
  readonly hosts: readonly PoolHost[];
}

export const STORAGE_POOL: Shape<PoolView> = {
  id: string('the id', ({ uuid }) => uuid),
  name: string('the name', ({ name }) => name),
  zoneid: string('the id of its zone', ({ zone_uuid }) => zone_uuid),
  zonename: string('the name of its zone', ({ zone_name }) => zone_name),
  clusterid: string('the id of its cluster', ({ cluster_uuid }) => cluster_uuid),
  clustername: string('the name of its cluster', ({ cluster_name }) => cluster_name),
  type: string('Filesystem, NetworkFilesystem or SharedMountPoint', ({ pool_type }) => pool_type),
  scope: string('HOST, CLUSTER or ZONE', ({ scope }) => scope),
  state: string('Up, Disabled or Maintenance', ({ state }) => state),
  tags: string('its tags, separated by commas', ({ tags }) => (tags.length > 0 ? tags.join(',') : undefined)),
  podid: string('the id of its pod', ({ cluster_uuid }) =>
    cluster_uuid === null ? undefined : podId(cluster_uuid),
  ),
  podname: string('the name of its pod', ({ cluster_name }) => cluster_name),
  path: string('its folder on a host that has it', ({ hosts }) => hosts.find((host) => host.mounted)?.path),
  ipaddress: string(
    'the address of its host, of a pool of one host; what serves a shared one, its hosts alone know',
    ({ scope, hosts }) => (scope === 'HOST' ? hosts[0]?.address || undefined : undefined),
  ),
  hypervisor: string('the hypervisor', () => 'KVM'),
  disksizetotal: long('bytes of its file system', ({ capacity_bytes }) => capacity_bytes),
  disksizeused: long('bytes in use', ({ capacity_bytes, free_bytes }) =>
    Math.max(0, capacity_bytes - free_bytes),
  ),
  disksizeallocated: long('bytes planned for downloads under way', ({ reserved }) => reserved),
  host: list('the hosts that are to have it: whether they are Up and mount it, or why not', ({ hosts }) =>
    hosts.map(({ hostId, hostName, up, mounted, path, problem }) => ({
      id: hostId,
      name: hostName,
      state: up ? 'Up' : 'Down',
      mounted,
      path,
      ...(problem === null ? {} : { problem }),
    })),
  ),
  reported: date('when a host reported its size last', ({ reported }) => reported),
  created: date('when it was first seen', ({ created }) => created),
};
