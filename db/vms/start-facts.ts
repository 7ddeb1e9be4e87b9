/** What a host must know to start a machine, except the machine's secrets. */
import { sql } from 'kysely';
import { defaultNetworkOf } from '../../model/configurations.ts';
import type { StartVmJob, VmImage, VmNic } from '../../model/vm-payloads.ts';
import type { Queryable } from '../database.ts';
import { NotPossible } from '../errors.ts';
import { configurationValues } from '../zones/configurations.ts';
import { isRootDisk } from './root-disk.ts';

export interface StartFacts {
  readonly job: Omit<StartVmJob, 'sealed'>;
  readonly host: { readonly hostId: string; readonly name: string; readonly sealingKey: string };
  /** Sealed with the master key, for the machine. */
  readonly userData: string | null;
  readonly userDataDetails: string | null;
  readonly vncPassword: string;
}

/**
 * Counts a new start of a placed machine.
 * @param vncPassword sealed
 * @throws NotPossible when the machine is on no host, or an image that it needs is not ready on its pool
 */
export async function beginStart(tx: Queryable, vmId: string, vncPassword: string): Promise<StartFacts> {
  await tx
    .updateTable('vm_instance')
    .set((eb) => ({
      generation: eb('generation', '+', 1),
      phase: 'disk',
      vnc_password_sealed: vncPassword,
      updated: sql`now()`,
    }))
    .where('uuid', '=', vmId)
    .execute();
  const row = await placedMachine(tx, vmId);
  const image = await imageOn(tx, row.pool, row.volumeTemplate);
  const iso = await imageOn(tx, row.pool, row.iso);
  return {
    host: { hostId: row.hostId, name: row.hostName, sealingKey: row.sealingKey },
    userData: row.userData,
    userDataDetails: row.userDataDetails,
    vncPassword,
    job: {
      v: 1,
      vmId,
      instanceName: row.instanceName,
      generation: row.generation,
      zoneId: row.zoneId,
      accountId: row.accountId,
      poolId: row.poolId,
      disk: {
        volumeId: row.volumeId,
        size: row.size,
        provisioning: row.provisioning,
        cache: row.cache,
        ...(row.volumeState === 'Ready' ? { made: true } : {}),
        ...(image === undefined ? {} : { image }),
      },
      ...(iso === undefined ? {} : { iso }),
      // An ISO that the machine was deployed from is its template.
      bootFromIso: row.iso !== null && row.iso === row.template,
      cpus: row.cpu,
      cpuSpeed: row.speed,
      limitCpu: row.limitCpu,
      memory: row.memory,
      nics: await nicsOf(tx, row),
      ...(row.bootType === 'UEFI' ? { uefi: row.bootMode } : {}),
      seed: { instanceId: row.seedId, hostName: row.name, publicKeys: row.publicKeys },
      details: row.details,
    },
  };
}

type PlacedMachine = Awaited<ReturnType<typeof placedMachine>>;

const placedMachine = (tx: Queryable, vmId: string) =>
  tx
    .selectFrom('vm_instance as vm')
    .innerJoin('host', 'host.id', 'vm.host_id')
    .innerJoin('data_center', 'data_center.id', 'vm.data_center_id')
    .innerJoin('account', 'account.id', 'vm.account_id')
    .innerJoin('service_offering as offering', 'offering.id', 'vm.service_offering_id')
    .innerJoin('volumes as volume', (join) => join.on(isRootDisk))
    .innerJoin('storage_pool', 'storage_pool.id', 'volume.pool_id')
    .leftJoin('disk_offering', 'disk_offering.id', 'volume.disk_offering_id')
    .where('vm.uuid', '=', vmId)
    .select((eb) => [
      'vm.id',
      'vm.name',
      'vm.instance_name as instanceName',
      'vm.generation',
      'vm.cpu',
      'vm.speed',
      'vm.ram_size as memory',
      'vm.template_id as template',
      'vm.iso_id as iso',
      'vm.boot_type as bootType',
      'vm.boot_mode as bootMode',
      'vm.user_data_sealed as userData',
      'vm.user_data_details_sealed as userDataDetails',
      'vm.public_keys as publicKeys',
      'vm.seed_id as seedId',
      'vm.details',
      'host.uuid as hostId',
      'host.name as hostName',
      'host.sealing_key as sealingKey',
      'data_center.id as zone',
      'data_center.uuid as zoneId',
      'account.uuid as accountId',
      'offering.limit_cpu_use as limitCpu',
      'offering.network_rate as rate',
      'storage_pool.id as pool',
      'storage_pool.uuid as poolId',
      'volume.uuid as volumeId',
      'volume.size',
      'volume.state as volumeState',
      'volume.template_id as volumeTemplate',
      'volume.provisioning_type as provisioning',
      eb.fn.coalesce('disk_offering.cache_mode', 'offering.cache_mode').as('cache'),
    ])
    .executeTakeFirstOrThrow(() => new NotPossible(`Virtual machine ${vmId} has no host`));

async function imageOn(tx: Queryable, pool: number, template: number | null): Promise<VmImage | undefined> {
  if (template === null) return undefined;
  const copy = await tx
    .selectFrom('template_spool_ref as copy')
    .innerJoin('vm_template', 'vm_template.id', 'copy.template_id')
    .where('copy.pool_id', '=', pool)
    .where('copy.template_id', '=', template)
    .where('copy.state', '=', 'Ready')
    .select(['copy.uuid as copyId', 'vm_template.format'])
    .executeTakeFirst();
  if (copy === undefined)
    throw new NotPossible('An image that the machine needs is not on its pool any more');
  return copy;
}

async function nicsOf(tx: Queryable, { id, zone, rate }: PlacedMachine): Promise<readonly VmNic[]> {
  const rows = await tx
    .selectFrom('nics')
    .innerJoin('networks', 'networks.id', 'nics.network_id')
    .innerJoin('network_offerings', 'network_offerings.id', 'networks.network_offering_id')
    .where('nics.vm_id', '=', id)
    .where('nics.removed', 'is', null)
    .orderBy('nics.device_id')
    .select([
      'nics.uuid as nicId',
      'nics.mac_address as mac',
      'nics.addresses_given as given',
      'nics.ip4_address as ip4',
      'nics.ip6_address as ip6',
      'networks.host_network as network',
      'networks.vlan',
      'networks.netmask',
      'networks.gateway',
      'network_offerings.network_rate as networkRate',
    ])
    .execute();
  const isNamed = rows.every(({ network }) => network !== null);
  const fallback = isNamed ? '' : defaultNetworkOf(await configurationValues(tx, zone));
  return rows.map(({ nicId, mac, given, ip4, ip6, network, vlan, netmask, gateway, networkRate }) => ({
    nicId,
    mac,
    network: network ?? fallback,
    ...present('vlan', vlan),
    ...present('rate', networkRate ?? rate),
    ...(given ? { ...present('address', ip4), ...present('address6', ip6) } : {}),
    ...(given && ip4 !== null ? { ...present('netmask', netmask), ...present('gateway', gateway) } : {}),
  }));
}

const present = <K extends string, T>(name: K, value: T | null): { readonly [N in K]?: T } =>
  value === null ? {} : ({ [name]: value } as { readonly [N in K]: T });
