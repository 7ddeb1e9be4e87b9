import { findDiskOffering } from '../../../db/offerings/disk-offerings.ts';
import { listDiskOfferings as queryOfferings } from '../../../db/offerings/listing.ts';
import { findZone } from '../../../db/zones/zones.ts';
import { STORAGE_TYPES } from '../../../model/vms.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { checkEntity } from '../../fields/entities.ts';
import { checkDomain } from '../../fields/owners.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { choice, flag, id, text } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { DISK_OFFERING } from '../../fields/answers/offering.ts';
import { listedState, stateAsked } from './offerings.ts';

export const listDiskOfferings = defineCommand({
  name: 'listDiskOfferings',
  since: '0.2.0',
  description: 'Lists disk offerings. Users see those that are active and displayed.',
  roles: EVERYBODY,
  parameters: {
    id: id('this one'),
    name: text('those of exactly this name'),
    zoneid: id('those that are offered in this zone: all are'),
    storagetype: choice('those whose disks are on pools of this kind', STORAGE_TYPES),
    state: listedState,
    encrypt: flag('true: those with encrypted disks, of which there are none'),
    domainid: id('those of this domain; there is one, ROOT'),
    ...pagingParameters,
  },
  objects: 'diskoffering',
  response: DISK_OFFERING,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    await checkEntity(context, 'id', values.id, (uuid) => findDiskOffering(db, uuid));
    await checkEntity(context, 'zoneid', values.zoneid, (uuid) => findZone(db, uuid));
    await checkDomain(context, values.domainid);
    if (values.encrypt === true) return {};
    const query = {
      id: values.id,
      name: values.name,
      keyword: values.keyword,
      storageType: values.storagetype,
      state: stateAsked(context, values.state),
      displayedOnly: caller.role !== 'admin',
    };
    return answerList('diskoffering', DISK_OFFERING, await queryOfferings(db, query, page), caller);
  },
});
