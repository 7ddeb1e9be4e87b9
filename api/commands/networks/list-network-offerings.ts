import { listNetworkOfferings as queryOfferings } from '../../../db/networks/listing.ts';
import { findZone } from '../../../db/zones/zones.ts';
import { GUEST_TYPES } from '../../../model/vms.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { checkEntity } from '../../fields/entities.ts';
import { fixedFilter, matchesNothing } from '../../fields/fixed-filters.ts';
import { checkDomain } from '../../fields/owners.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { choice, flag, id, list, text } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { NETWORK_OFFERING } from '../../fields/answers/network.ts';
import { AVAILABILITIES, networkOfferingNamed, OFFERING_STATES } from './network-offerings.ts';

export const listNetworkOfferings = defineCommand({
  name: 'listNetworkOfferings',
  since: '0.2.0',
  description: 'Lists network offerings. Users see those that are enabled.',
  roles: EVERYBODY,
  parameters: {
    id: id('this one'),
    name: text('those of exactly this name'),
    displaytext: text('those of this description'),
    zoneid: id('those that are offered in this zone: all are'),
    guestiptype: choice('those of this type', [...GUEST_TYPES, 'Isolated']),
    state: choice('those that are Enabled or Disabled', OFFERING_STATES),
    availability: choice('those of this availability', AVAILABILITIES),
    traffictype: fixedFilter('type of traffic', 'Guest'),
    isdefault: flag('true: those that Bypass came with'),
    specifyvlan: flag('whether their networks may name a VLAN'),
    specifyipranges: flag('whether their networks may name addresses'),
    tags: text('those with these tags'),
    istagged: flag('whether they have tags'),
    forvpc: flag('true: those of VPCs, of which there are none'),
    sourcenatsupported: flag('true: those with source NAT, of which there are none'),
    supportedservices: list('those that provide these services: none does'),
    domainid: id('those of this domain; there is one, ROOT'),
    ...pagingParameters,
  },
  objects: 'networkoffering',
  response: NETWORK_OFFERING,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    if (values.id !== undefined) await networkOfferingNamed(context, 'id', values.id);
    await checkEntity(context, 'zoneid', values.zoneid, (uuid) => findZone(db, uuid));
    await checkDomain(context, values.domainid);
    const { guestiptype, forvpc, sourcenatsupported, supportedservices } = values;
    if (guestiptype === 'Isolated' || forvpc === true || sourcenatsupported === true) return {};
    if ((supportedservices?.length ?? 0) > 0 || matchesNothing([values.traffictype, 'Guest'])) return {};
    if (caller.role !== 'admin' && values.state === 'Disabled') return {};
    const query = {
      id: values.id,
      name: values.name,
      displayText: values.displaytext,
      keyword: values.keyword,
      guestType: guestiptype,
      state: caller.role === 'admin' ? values.state : ('Enabled' as const),
      availability: values.availability,
      isDefault: values.isdefault,
      specifyVlan: values.specifyvlan,
      specifyIpRanges: values.specifyipranges,
      tags: values.tags,
      isTagged: values.istagged,
    };
    return answerList('networkoffering', NETWORK_OFFERING, await queryOfferings(db, query, page), caller);
  },
});
