import {
  createServiceOffering as insertOffering,
  type NewServiceOffering,
} from '../../../db/offerings/service-offerings.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { badParameter } from '../../server/errors.ts';
import { flag, integer, list, map, name, refused, required, text } from '../../fields/parameters.ts';
import type { ParameterValues } from '../../fields/parameters.ts';
import { SERVICE_OFFERING } from '../../fields/answers/offering.ts';
import { checkTagLengths } from '../tags/tags.ts';
import { checkDomains, diskParameters } from './offerings.ts';
import { answerServiceOffering, zonesAsked } from './service-offerings.ts';

/** Megabytes, as CloudStack demands. */
const MIN_MEMORY = 32;
/** MHz of a processor where none are given. */
const DEFAULT_SPEED = 1000;

const sizeParameters = {
  cpunumber: integer('how many processors; with memory. Without both, the user chooses', { min: 1 }),
  cpuspeed: integer(`MHz of each processor; ${DEFAULT_SPEED} when absent`),
  memory: integer('megabytes of memory; with cpunumber', { min: MIN_MEMORY }),
  customized: flag('true: the user chooses, also where the bounds are given'),
  mincpunumber: integer('the fewest processors that the user may choose', { min: 1 }),
  maxcpunumber: integer('the most', { min: 1 }),
  minmemory: integer('the fewest megabytes that the user may choose', { min: MIN_MEMORY }),
  maxmemory: integer('the most', { min: MIN_MEMORY }),
};

export const createServiceOffering = defineCommand({
  name: 'createServiceOffering',
  since: '0.2.0',
  description: 'Makes a service offering: the processors, memory and disks that virtual machines get.',
  roles: ADMINS,
  parameters: {
    name: required(name('the name')),
    displaytext: text('the description; the name when absent'),
    ...sizeParameters,
    ...diskParameters,
    rootdisksize: integer('gigabytes of the root disk; those of the image when absent', { min: 1 }),
    hosttags: list('the tags that its hosts must have'),
    networkrate: integer('megabits per second of a network card; 0 for no limit'),
    limitcpuuse: flag('whether its processors may not exceed their speed'),
    offerha: flag('whether it is to be highly available; kept for other clients'),
    isvolatile: flag('whether a reboot makes the root disk anew'),
    dynamicscalingenabled: flag('whether machines may be scaled while they run; kept for other clients'),
    diskofferingstrictness: flag('whether machines keep its disk offering; kept for other clients'),
    deploymentplanner: text('a deployment planner; kept for other clients'),
    zoneid: list('the zones in which it is offered; all when absent, or all'),
    serviceofferingdetails: map(
      'details, as serviceofferingdetails[0].key and serviceofferingdetails[0].value',
    ),
    diskofferingid: refused('a service offering says itself what its disks are like'),
    encryptroot: refused('disks are not encrypted here', 'false'),
    issystem: refused('there are no system VMs here', 'false'),
    systemvmtype: refused('there are no system VMs here'),
    gpucount: refused('hosts offer no GPUs here'),
    vgpuprofileid: refused('hosts offer no GPUs here'),
  },
  object: 'serviceoffering',
  response: SERVICE_OFFERING,
  async run(context, values) {
    const { db, caller } = context;
    checkTagLengths('tags', values.tags ?? []);
    checkTagLengths('hosttags', values.hosttags ?? []);
    const size = sizeOf(values);
    await checkDomains(context, values.domainid);
    const zoneIds = await zonesAsked(context, values.zoneid);
    const uuid = await db.transaction().execute(async (tx) => {
      const made = await insertOffering(
        tx,
        {
          name: values.name,
          display_text: values.displaytext || values.name,
          ...size,
          storage_type: values.storagetype,
          provisioning_type: values.provisioningtype,
          cache_mode: values.cachemode,
          storage_tags: [...(values.tags ?? [])],
          host_tags: [...(values.hosttags ?? [])],
          root_disk_size: values.rootdisksize ?? null,
          network_rate: values.networkrate || null,
          limit_cpu_use: values.limitcpuuse,
          offer_ha: values.offerha,
          is_volatile: values.isvolatile,
          dynamic_scaling_enabled: values.dynamicscalingenabled,
          disk_offering_strictness: values.diskofferingstrictness,
          deployment_planner: values.deploymentplanner || null,
          details: JSON.stringify(
            Object.fromEntries((values.serviceofferingdetails ?? []).map(({ key, value }) => [key, value])),
          ),
        },
        zoneIds,
      );
      await recordCallerEvent(
        { db: tx, caller },
        {
          type: 'SERVICE.OFFERING.CREATE',
          description: `Service offering '${values.name}' was made`,
          resourceType: 'ServiceOffering',
          resourceUuid: made,
        },
      );
      return made;
    });
    return answerServiceOffering(context, uuid);
  },
});

type Size = Pick<
  NewServiceOffering,
  'cpu' | 'speed' | 'ram_size' | 'customized' | 'min_cpu' | 'max_cpu' | 'min_memory' | 'max_memory'
>;

/** The rules and words are CloudStack's. @throws ApiError 431 */
function sizeOf(values: ParameterValues<typeof sizeParameters>): Size {
  const { cpunumber, cpuspeed, memory } = values;
  const bounds = {
    min_cpu: values.mincpunumber ?? null,
    max_cpu: values.maxcpunumber ?? null,
    min_memory: values.minmemory ?? null,
    max_memory: values.maxmemory ?? null,
  };
  const given = Object.values(bounds).filter((bound) => bound !== null).length;
  const customized = values.customized ?? (cpunumber === undefined || memory === undefined);
  if (!customized) {
    if (cpunumber === undefined || memory === undefined)
      throw badParameter('customized', 'is false; give cpunumber and memory.');
    if (given > 0)
      throw badParameter(
        'customized',
        'is false, or absent with cpunumber and memory; leave the bounds out.',
      );
    return { cpu: cpunumber, speed: cpuspeed ?? DEFAULT_SPEED, ram_size: memory, customized, ...bounds };
  }
  if (cpunumber !== undefined || memory !== undefined)
    throw badParameter(
      'customized',
      'does not fit: For creating a custom compute offering cpu and memory all should be null.',
    );
  const isBounded = given === Object.keys(bounds).length && cpuspeed !== undefined;
  if (!isBounded && (given > 0 || cpuspeed !== undefined))
    throw badParameter(
      'customized',
      'does not fit: For creating a custom compute offering min/max cpu and min/max memory/cpu speed should all be null or all specified.',
    );
  requireOrder('mincpunumber', bounds.min_cpu, bounds.max_cpu);
  requireOrder('minmemory', bounds.min_memory, bounds.max_memory);
  return { cpu: null, speed: cpuspeed ?? null, ram_size: null, customized, ...bounds };
}

function requireOrder(parameter: string, min: number | null, max: number | null): void {
  if (min !== null && max !== null && min > max)
    throw badParameter(parameter, `is ${min}, more than the most, ${max}.`);
}
