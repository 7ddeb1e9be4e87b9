import {
  listServiceOfferings as queryOfferings,
  offeringOfVm,
  type OfferingOfVm,
} from '../../../db/offerings/listing.ts';
import { findServiceOffering } from '../../../db/offerings/service-offerings.ts';
import { findZone } from '../../../db/zones/zones.ts';
import { STORAGE_TYPES } from '../../../model/vms.ts';
import { type CommandContext, defineCommand, EVERYBODY } from '../../server/command.ts';
import { checkEntity, entity } from '../../fields/entities.ts';
import { checkDomain } from '../../fields/owners.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { choice, flag, id, integer, text } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { SERVICE_OFFERING } from '../../fields/answers/offering.ts';
import { listedState, stateAsked } from './offerings.ts';

export const listServiceOfferings = defineCommand({
  name: 'listServiceOfferings',
  since: '0.2.0',
  description: 'Lists service offerings. Users see those that are active.',
  roles: EVERYBODY,
  parameters: {
    id: id('this one'),
    name: text('those of exactly this name'),
    zoneid: id('those that are offered in this zone'),
    virtualmachineid: id('those that this virtual machine could change to'),
    storagetype: choice('those whose disks are on pools of this kind', STORAGE_TYPES),
    state: listedState,
    cpunumber: integer('those with at least so many processors', { min: 1 }),
    cpuspeed: integer('those with at least so many MHz'),
    memory: integer('those with at least so many megabytes', { min: 1 }),
    issystem: flag('true: those of system VMs, of which there are none'),
    encryptroot: flag('true: those with encrypted disks, of which there are none'),
    domainid: id('those of this domain; there is one, ROOT'),
    ...pagingParameters,
  },
  objects: 'serviceoffering',
  response: SERVICE_OFFERING,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    await checkEntity(context, 'id', values.id, (uuid) => findServiceOffering(db, uuid));
    await checkEntity(context, 'zoneid', values.zoneid, (uuid) => findZone(db, uuid));
    await checkDomain(context, values.domainid);
    const otherThan = await ofVm(context, values.virtualmachineid);
    if (values.issystem === true || values.encryptroot === true) return {};
    const query = {
      id: values.id,
      name: values.name,
      keyword: values.keyword,
      storageType: values.storagetype,
      state: stateAsked(context, values.state),
      zoneId: values.zoneid,
      cpus: values.cpunumber,
      speed: values.cpuspeed,
      memory: values.memory,
      otherThan,
    };
    return answerList('serviceoffering', SERVICE_OFFERING, await queryOfferings(db, query, page), caller);
  },
});

/** The offering of a virtual machine that the caller may see. @throws ApiError 431 */
const ofVm = async (context: CommandContext, given: string | undefined): Promise<OfferingOfVm | undefined> =>
  given === undefined
    ? undefined
    : entity(context, 'virtualmachineid', given, async (uuid) => {
        const found = await offeringOfVm(context.db, uuid);
        const { role, accountId } = context.caller;
        return role === 'admin' || found?.accountId === accountId ? found : undefined;
      });
