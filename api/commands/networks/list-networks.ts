import { listNetworks as queryNetworks } from '../../../db/networks/listing.ts';
import { findNetworkOffering } from '../../../db/networks/network-offerings.ts';
import { findZone } from '../../../db/zones/zones.ts';
import { ACL_TYPES, type AclType, GUEST_TYPES } from '../../../model/vms.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { checkEntity, networkNamed } from '../../fields/entities.ts';
import { fixedFilter, matchesNothing } from '../../fields/fixed-filters.ts';
import { ownerNamed, ownerParameters } from '../../fields/owners.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { choice, flag, id, integer, list, map, text, type ParameterValues } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { NETWORK } from '../../fields/answers/network.ts';

/** Which networks each filter names; the others name those of both kinds. */
const ACL_OF_FILTER: Readonly<Record<string, AclType>> = {
  account: 'Account',
  domain: 'Domain',
  shared: 'Domain',
};

const parameters = {
  id: id('this one'),
  name: text('those of exactly this name'),
  zoneid: id('those of this zone'),
  networkofferingid: id('those of this offering'),
  type: choice('those of this type', [...GUEST_TYPES, 'Isolated']),
  acltype: choice('Account: those of one account; Domain: those for everybody', ACL_TYPES),
  networkfilter: choice('account, or domain or shared, which is for everybody; accountdomain or all: both', [
    'account',
    'domain',
    'shared',
    'accountdomain',
    'all',
  ]),
  vlan: integer('those with this VLAN; for administrators', { min: 1, max: 4094 }),
  traffictype: fixedFilter('type of traffic', 'Guest'),
  specifyipranges: flag('whether their offerings let them name addresses'),
  supportedservices: list('those that provide these services: none does'),
  canusefordeploy: flag('true: those that machines can be in; all are'),
  displaynetwork: flag('false: those that are hidden, of which there are none'),
  issystem: flag('true: those of system VMs, of which there are none'),
  forvpc: flag('true: those of VPCs, of which there are none'),
  vpcid: id('those of this VPC: there are none'),
  restartrequired: flag('true: those that need a restart: none does'),
  tags: map('those with these tags, as tags[0].key and tags[0].value'),
  ...ownerParameters,
  ...pagingParameters,
};

export const listNetworks = defineCommand({
  name: 'listNetworks',
  since: '0.2.0',
  description: 'Lists networks. Users see those of their account, and those for everybody.',
  roles: EVERYBODY,
  parameters,
  objects: 'network',
  response: NETWORK,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    if (values.id !== undefined) await networkNamed(context, 'id', values.id);
    await checkEntity(context, 'zoneid', values.zoneid, (uuid) => findZone(db, uuid));
    await checkEntity(context, 'networkofferingid', values.networkofferingid, (uuid) =>
      findNetworkOffering(db, uuid),
    );
    const ownerId = await ownerNamed(context, values);
    if (asksForNone(values)) return {};
    const query = {
      seenBy: caller.role === 'admin' ? undefined : caller.accountId,
      ownerId,
      id: values.id,
      name: values.name,
      keyword: values.keyword,
      zoneId: values.zoneid,
      offeringId: values.networkofferingid,
      guestType: values.type === 'Isolated' ? undefined : values.type,
      aclType: values.acltype ?? ACL_OF_FILTER[values.networkfilter ?? ''],
      vlan: caller.role === 'admin' ? values.vlan : undefined,
      specifyIpRanges: values.specifyipranges,
      tags: values.tags,
    };
    return answerList('network', NETWORK, await queryNetworks(db, query, page), caller);
  },
});

/** Whether a filter names networks of a kind that Bypass has none of. */
const asksForNone = (values: ParameterValues<typeof parameters>): boolean =>
  values.type === 'Isolated' ||
  values.vpcid !== undefined ||
  values.forvpc === true ||
  values.issystem === true ||
  values.restartrequired === true ||
  values.canusefordeploy === false ||
  values.displaynetwork === false ||
  (values.supportedservices?.length ?? 0) > 0 ||
  matchesNothing([values.traffictype, 'Guest']);
