import { type ZoneFigures, zoneFigures } from '../../../db/zones/capacity.ts';
import { configurationValues } from '../../../db/zones/configurations.ts';
import { findZone } from '../../../db/zones/zones.ts';
import { overprovisioningOf } from '../../../model/configurations.ts';
import { ADMINS, type CommandContext, defineCommand } from '../../server/command.ts';
import { checkEntity, clustersAsked } from '../../fields/entities.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { choice, flag, id, integer } from '../../fields/parameters.ts';
import { answerList, integer as integerField, long, type Shape, string } from '../../fields/response.ts';

interface Capacity {
  readonly zone: ZoneFigures;
  /** CloudStack's number and name for it. */
  readonly type: number;
  readonly name: string;
  readonly total: number;
  readonly used: number;
  readonly allocated: number;
}

/** As CloudStack writes it, without a sign: `12.34`. */
const percentUsed = ({ total, used }: Capacity): string =>
  (total === 0 ? 0 : (100 * used) / total).toFixed(2);

export const CAPACITY: Shape<Capacity> = {
  type: integerField('0 memory, 1 processors, 2 storage in use, 3 storage allocated', ({ type }) => type),
  name: string('the name of the type', ({ name }) => name),
  capacitytotal: long(
    'bytes, or MHz of processors, with the over-provisioning of the zone but for storage in use',
    ({ total }) => total,
  ),
  capacityused: long('how much of it is taken', ({ used }) => used),
  capacityallocated: long('how much of it is promised to virtual machines', ({ allocated }) => allocated),
  percentused: string('percent of it that are taken', percentUsed),
  zoneid: string('the id of the zone', ({ zone }) => zone.uuid),
  zonename: string('the name of the zone', ({ zone }) => zone.name),
};

export const listCapacity = defineCommand({
  name: 'listCapacity',
  since: '0.2.0',
  description: 'Lists what zones have for virtual machines, and how much of it is taken.',
  roles: ADMINS,
  parameters: {
    zoneid: id('of this zone'),
    clusterid: id('of the hosts and pools of this cluster'),
    podid: id('of the hosts and pools of this pod'),
    type: integer('0 memory, 1 processors, 2 storage in use, 3 storage allocated'),
    sortby: choice('usage: the fullest first', ['usage']),
    fetchlatest: flag('accepted for other clients: what is listed is always the latest'),
    ...pagingParameters,
  },
  objects: 'capacity',
  response: CAPACITY,
  async run(context, values) {
    const { db, caller } = context;
    const { limit, offset } = readPage(values);
    await checkEntity(context, 'zoneid', values.zoneid, (uuid) => findZone(db, uuid));
    const clusterIds = await clustersAsked(context, { clusterid: values.clusterid }, { podid: values.podid });
    const zones = await zoneFigures(db, { zoneId: values.zoneid, clusterIds });
    const all = (await Promise.all(zones.map((zone) => capacitiesOf(context, zone)))).flat();
    const found = all.filter(({ type }) => values.type === undefined || type === values.type);
    const ordered =
      values.sortby === undefined
        ? found
        : found.toSorted((a, b) => Number(percentUsed(b)) - Number(percentUsed(a)));
    const listing = { count: found.length, rows: ordered.slice(offset, offset + limit) };
    return answerList('capacity', CAPACITY, listing, caller);
  },
});

async function capacitiesOf({ db }: CommandContext, zone: ZoneFigures): Promise<readonly Capacity[]> {
  const factors = overprovisioningOf(await configurationValues(db, zone.id));
  const promised = (type: number, name: string, total: number, taken: number): Capacity => ({
    zone,
    type,
    name,
    total: Math.floor(total),
    used: taken,
    allocated: taken,
  });
  return [
    promised(0, 'MEMORY', zone.memory * factors.memory, zone.memoryTaken),
    promised(1, 'CPU', zone.cpu * factors.cpu, zone.cpuTaken),
    { ...promised(2, 'STORAGE', zone.storage, zone.storageUsed), allocated: zone.storageAllocated },
    promised(3, 'STORAGE_ALLOCATED', zone.storage * factors.storage, zone.storageAllocated),
  ];
}
