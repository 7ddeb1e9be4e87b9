import {
  createNetwork as insertNetwork,
  networkWithVlan,
  type NewNetwork,
} from '../../../db/networks/networks.ts';
import type { NetworkOffering } from '../../../db/networks/network-offerings.ts';
import type { Queryable } from '../../../db/database.ts';
import { NotPossible } from '../../../db/errors.ts';
import { ACL_TYPES, type AclType } from '../../../model/vms.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { type CommandContext, defineCommand, EVERYBODY } from '../../server/command.ts';
import { badParameter, forbiddenParameter } from '../../server/errors.ts';
import { zoneNamed } from '../../fields/entities.ts';
import { accountNamed } from '../../fields/owners.ts';
import {
  choice,
  flag,
  id,
  name,
  refused,
  required,
  text,
  type ParameterValues,
} from '../../fields/parameters.ts';
import { NETWORK } from '../../fields/answers/network.ts';
import { readZones } from '../templates/template-zones.ts';
import { addressParameters, hasAddresses, readAddresses } from './addresses.ts';
import { networkOfferingNamed } from './network-offerings.ts';
import { answerNetwork, checkHostNetwork, hostNetwork } from './networks.ts';

const parameters = {
  name: required(name('the name')),
  displaytext: text('the description; the name when absent'),
  networkofferingid: required(id('its offering; users take L2 offerings without VLAN')),
  zoneid: required(id('its zone')),
  hostnetwork: hostNetwork,
  vlan: text('the number of its VLAN, or untagged; where its offering has specifyvlan. For administrators'),
  bypassvlanoverlapcheck: flag('true: also a VLAN that another network has'),
  ...addressParameters,
  networkdomain: text('the domain of the names in it'),
  acltype: choice(
    'Account: for its account, as L2 networks are; Domain: for everybody, as Shared ones are unless account is given',
    ACL_TYPES,
  ),
  account: text('the account that will own it, by its name; that of the caller when absent'),
  domainid: id('the domain of that account; there is one, ROOT'),
  subdomainaccess: flag('accepted for other clients: there is one domain'),
  vpcid: refused('there are no VPCs here'),
  aclid: refused('there are no access lists here'),
  isolatedpvlan: refused('there are no private VLANs here'),
  isolatedpvlantype: refused('there are no private VLANs here', 'none'),
  externalid: refused('networks are told apart by their ids'),
};

export const createNetwork = defineCommand({
  name: 'createNetwork',
  since: '0.2.0',
  description:
    'Makes a network: a name for one that hosts offer. Machines in two networks on the same network of hosts, without VLANs, reach each other.',
  roles: EVERYBODY,
  parameters,
  object: 'network',
  response: NETWORK,
  async run(context, values) {
    const { db, caller } = context;
    checkHostNetwork(context, values.hostnetwork);
    const offering = await networkOfferingNamed(context, 'networkofferingid', values.networkofferingid);
    checkOffering(context, offering);
    const zone = await zoneNamed(context, 'zoneid', values.zoneid);
    // Refuses a disabled zone to users.
    await readZones(context, { zoneid: zone.uuid });
    const owner = await accountNamed(context, values);
    const network: NewNetwork = {
      name: values.name,
      display_text: values.displaytext || values.name,
      network_offering_id: offering.id,
      data_center_id: zone.id,
      account_id: owner?.id ?? caller.accountId,
      host_network: values.hostnetwork || null,
      vlan: readVlan(context, offering, values.vlan),
      ...addressesOf(offering, values),
      network_domain: values.networkdomain || null,
      acl_type: aclTypeOf(offering, values),
    };
    const uuid = await db
      .transaction()
      .execute(async (tx) => {
        if (values.bypassvlanoverlapcheck !== true) await checkOverlap(tx, network);
        const made = await insertNetwork(tx, network);
        await recordCallerEvent(
          { db: tx, caller },
          {
            type: 'NETWORK.CREATE',
            description: `Network '${values.name}' was made in zone '${zone.name}'`,
            ...(owner === undefined ? {} : { accountUuid: owner.uuid }),
            resourceType: 'Network',
            resourceUuid: made,
          },
        );
        return made;
      })
      .catch((error: unknown) => {
        throw error instanceof NotPossible
          ? badParameter('networkofferingid', `is gone: ${error.message}.`)
          : error;
      });
    return answerNetwork(context, uuid);
  },
});

/** @throws ApiError 431 for an offering that is disabled, 531 when the caller is a user and the offering is not for users */
function checkOffering({ caller }: CommandContext, { name: offering, ...row }: NetworkOffering): void {
  if (row.state !== 'Enabled')
    throw badParameter(
      'networkofferingid',
      `is '${offering}', which is disabled; enable it with updateNetworkOffering.`,
    );
  if (caller.role === 'admin' || (row.guest_type === 'L2' && !row.specify_vlan)) return;
  throw forbiddenParameter(
    'networkofferingid',
    `is '${offering}', which only administrators may use; give one of type L2 without specifyvlan.`,
  );
}

/** @returns null without a VLAN. @throws ApiError 431 for what is no VLAN, or where the offering has none */
function readVlan(
  { caller }: CommandContext,
  { name: offering, ...row }: NetworkOffering,
  given: string | undefined,
): number | null {
  const tag = (given ?? '').replace(/^vlan:\/\//i, '');
  if (tag === '') {
    if (row.specify_vlan && row.guest_type === 'L2')
      throw badParameter('vlan', `is missing: networks of offering '${offering}' have one; give 1 to 4094.`);
    return null;
  }
  if (caller.role !== 'admin')
    throw forbiddenParameter('vlan', 'is given, which only administrators may; leave it out.');
  if (!row.specify_vlan)
    throw badParameter('vlan', `is given, but offering '${offering}' has no specifyvlan; leave it out.`);
  if (tag.toLowerCase() === 'untagged') return null;
  const number = /^\d{1,4}$/.test(tag) ? Number(tag) : 0;
  if (number < 1 || number > MAX_VLAN)
    throw badParameter('vlan', `is '${given}'; give a number from 1 to ${MAX_VLAN}, or untagged.`);
  return number;
}

const MAX_VLAN = 4094;

/** @throws ApiError 431 for addresses in an L2 network, and for a range where the offering has none */
function addressesOf(
  { name: offering, ...row }: NetworkOffering,
  values: ParameterValues<typeof addressParameters>,
): ReturnType<typeof readAddresses> {
  if (row.guest_type === 'L2' && hasAddresses(values))
    throw badParameter('gateway', 'and other addresses are none of L2 networks; leave them out.');
  if (!row.specify_ip_ranges && (values.startip || values.endip))
    throw badParameter(
      'startip',
      `is given, but offering '${offering}' has no specifyipranges; leave it out.`,
    );
  return readAddresses(values);
}

/** @throws ApiError 431 for an L2 network for everybody, and for one for everybody that is an account's */
function aclTypeOf(
  { guest_type }: NetworkOffering,
  { acltype, account }: Pick<ParameterValues<typeof parameters>, 'acltype' | 'account'>,
): AclType {
  if (acltype === 'Domain' && guest_type === 'L2')
    throw badParameter('acltype', 'is Domain, but an L2 network is of one account; give a Shared offering.');
  if (acltype === 'Domain' && account !== undefined)
    throw badParameter('acltype', 'is Domain, which is for everybody; leave account out, or give Account.');
  return acltype ?? (guest_type === 'L2' || account !== undefined ? 'Account' : 'Domain');
}

/** @throws ApiError 431 when another network of the zone has the VLAN on the same network of hosts */
async function checkOverlap(db: Queryable, network: NewNetwork): Promise<void> {
  const { vlan, data_center_id: zoneId, host_network: host = null } = network;
  if (vlan == null) return;
  const other = await networkWithVlan(db, { zoneId, vlan, hostNetwork: host });
  if (other !== undefined)
    throw badParameter(
      'vlan',
      `is ${vlan}, which network '${other.name}' has already; give another, or bypassvlanoverlapcheck=true.`,
    );
}
