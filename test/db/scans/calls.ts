/** Calls of all commands that read: each with nothing, and in the full form with each of its parameters alone. */
import { sql } from 'kysely';
import { ROOT_DOMAIN } from '../../../api/fields/answers/domain.ts';
import type { Command } from '../../../api/server/command.ts';
import { COMMANDS } from '../../../api/server/registry.ts';
import { isFullRun } from '../../support/programs.ts';
import type { Database } from '../../../db/database.ts';

export type Call = Readonly<Record<string, string>>;

/** What parameters are called with: by command and parameter, or by parameter alone. */
export type Values = Readonly<Record<string, string>>;

/** Ids of rows that there are, and words that occur in some. @param podId of a pod, which has no row; likewise the category */
export async function valuesOf(db: Database, podId: string, categoryId: string): Promise<Values> {
  const one = async (table: string, where = 'true'): Promise<string> => {
    const { rows } = await sql<{ uuid: string }>`
      select uuid from ${sql.table(table)} where ${sql.raw(where)} order by id limit 1`.execute(db);
    return rows[0]?.uuid ?? '';
  };
  const [template, iso] = [
    await one('vm_template', "format <> 'ISO'"),
    await one('vm_template', "format = 'ISO'"),
  ];
  const zone = await one('data_center', "name like 'zone-%'");
  const [host, pool, cluster] = [await one('host'), await one('storage_pool'), await one('cluster')];
  const [vm, volume] = [await one('vm_instance', 'removed is null'), await one('volumes', 'removed is null')];
  const [network, job, user] = [await one('networks'), await one('async_job'), await one('user')];
  return {
    zoneid: zone,
    clusterid: cluster,
    podid: podId,
    hostid: host,
    storageid: pool,
    templateid: template,
    isoid: iso,
    virtualmachineid: vm,
    networkid: network,
    associatednetworkid: network,
    networkofferingid: await one('network_offerings'),
    serviceofferingid: await one('service_offering'),
    diskofferingid: await one('disk_offering'),
    oscategoryid: categoryId,
    rolloutid: job,
    jobid: job,
    userid: user,
    resourceid: template,
    domainid: ROOT_DOMAIN.id,
    account: 'account-1',
    keyword: 'plate-1',
    name: 'template-7',
    key: 'key-1',
    value: 'value-1',
    details: 'all',
    startdate: '2026-01-31',
    enddate: '2027-01-31',
    'listEvents.type': 'TEMPLATE.CREATE',
    'listEvents.resourcetype': 'VirtualMachineTemplate',
    'listClusters.id': cluster,
    'listDiskOfferings.id': await one('disk_offering'),
    'listHosts.id': host,
    'listIsoPermissions.id': iso,
    'listIsos.id': iso,
    'listNetworkOfferings.id': await one('network_offerings'),
    'listNetworks.id': network,
    'listOsTypes.id': await one('guest_os'),
    'listPods.id': podId,
    'listServiceOfferings.id': await one('service_offering'),
    'listStoragePools.id': pool,
    'listTemplatePermissions.id': template,
    'listTemplateRollouts.id': job,
    'listTemplates.id': template,
    'listVirtualMachines.id': vm,
    'listVirtualMachinesMetrics.id': vm,
    'listVolumes.id': volume,
    'listZones.id': zone,
    'getVirtualMachineUserData.virtualmachineid': vm,
    'listInstanceGroups.id': await one('instance_group'),
    'listSSHKeyPairs.id': await one('ssh_keypair'),
    'listTemplateDirectDownloadCertificates.id': await one('direct_download_certificate'),
  };
}

/** What a call must have besides what is required of each. */
const NEEDED: Readonly<Record<string, readonly string[]>> = { queryAsyncJobResult: ['jobid'] };

const READING = /^(?:list|get|query)/;
/** Of another system than PostgreSQL, or of things of which a fleet has few. */
const LEFT_OUT =
  /^(?:getUser|getUserKeys|getVirtualMachineConsoleLog|listAffinityGroups|listSecurityGroups)$/;

export interface CallOf {
  readonly command: string;
  readonly given: Call;
}

/** @param isAdmin users have no filter `all` */
export function callsOf(values: Values, isAdmin: boolean): readonly CallOf[] {
  return COMMANDS.filter(({ name }) => READING.test(name) && !LEFT_OUT.test(name)).flatMap((command) =>
    callsOfCommand(command, values, isAdmin).map((given) => ({ command: command.name, given })),
  );
}

function callsOfCommand(command: Command, values: Values, isAdmin: boolean): readonly Call[] {
  const of = (name: string): readonly Call[] => {
    const { type, words, range } = command.parameters[name] as Command['parameters'][string];
    const known = values[`${command.name}.${name}`] ?? values[name];
    if (type === 'map') return [{ [`${name}[0].key`]: 'key-1', [`${name}[0].value`]: 'value-1' }];
    if (words !== undefined)
      return words.filter((word) => isAdmin || word !== 'all').map((word) => ({ [name]: word }));
    if (type === 'boolean') return [{ [name]: 'true' }, { [name]: 'false' }];
    if (type === 'integer') return [{ [name]: String(Math.max(range?.min ?? 1, 0)) }];
    // The fleet has none of what such an id is of.
    if (type === 'uuid' && known === undefined) return [];
    return [{ [name]: known ?? 'x' }];
  };
  const names = Object.keys(command.parameters).filter((name) => !['page', 'pagesize'].includes(name));
  const required = [
    ...names.filter((name) => command.parameters[name]?.required === true),
    ...(NEEDED[command.name] ?? []),
  ];
  const least = Object.assign({}, ...required.map((name) => of(name)[0])) as Call;
  const small = 'page' in command.parameters ? { page: '1', pagesize: '20' } : {};
  const filtered = names.flatMap(of).flatMap((filter) => [
    { ...least, ...filter },
    ...('orderby' in filter
      ? [
          { ...least, ...filter, ...small },
          { ...least, ...filter, order: 'desc' },
        ]
      : []),
  ]);
  return isFullRun ? [least, { ...least, ...small }, ...filtered] : [least];
}
