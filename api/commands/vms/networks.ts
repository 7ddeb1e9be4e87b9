/** The network cards of a new machine: which networks, and which addresses in them. */
import { isIPv4, isIPv6 } from 'node:net';
import { isAddressTaken, isMacTaken, type NewNic } from '../../../db/vms/create.ts';
import { findNetwork, type Network } from '../../../db/networks/networks.ts';
import { firstNetwork, hasNetwork, usableNetworks } from '../../../db/vms/first-network.ts';
import { NotPossible } from '../../../db/errors.ts';
import type { Queryable } from '../../../db/database.ts';
import type { Owner } from '../../../db/vms/accounts.ts';
import type { Place } from '../../../db/zones/zones.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { entity } from '../../fields/entities.ts';
import type { MapGroup } from '../../fields/parameters.ts';
import type { CommandContext } from '../../server/command.ts';
import { ApiError, badParameter } from '../../server/errors.ts';

export interface NetworkValues {
  readonly networkids: readonly string[] | undefined;
  readonly iptonetworklist: readonly MapGroup[] | undefined;
  readonly ipaddress: string | undefined;
  readonly ip6address: string | undefined;
  readonly macaddress: string | undefined;
}

export interface WantedNic extends NewNic {
  readonly network: Network;
}

/** Cards of one machine. */
const MAX_NICS = 8;
const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/;

interface CardRequest {
  readonly parameter: 'networkids' | 'iptonetworklist';
  readonly networkId: string;
  readonly ip: string | undefined;
  readonly ipv6: string | undefined;
  readonly mac: string | undefined;
}

/** The cards, the default one first; none for the first network of the zone, which is to be made. @throws ApiError 431 or 531 in CloudStack's words */
export async function wantedNics(
  context: CommandContext,
  { zone, owner }: { readonly zone: Place; readonly owner: Owner },
  values: NetworkValues,
): Promise<readonly WantedNic[]> {
  const asked = askedCards(values);
  const cards = asked.length > 0 ? asked : await onlyNetwork(context, zone, owner, values);
  if (cards.length > MAX_NICS) {
    throw badParameter(
      'networkids',
      `names ${cards.length} networks; a machine has at most ${MAX_NICS} cards.`,
    );
  }
  const nics: WantedNic[] = [];
  for (const card of cards) nics.push(await cardOf(context, { zone, owner }, card));
  if (new Set(nics.map(({ networkId }) => networkId)).size < nics.length) {
    throw badParameter('networkids', 'names a network twice.');
  }
  return nics;
}

const given = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

function askedCards(values: NetworkValues): readonly CardRequest[] {
  const { networkids = [], iptonetworklist = [], ipaddress } = values;
  if (iptonetworklist.length === 0) {
    return networkids.map((networkId, at) => ({
      parameter: 'networkids',
      networkId,
      ...(at === 0 ? defaultAddresses(values) : { ip: undefined, ipv6: undefined, mac: undefined }),
    }));
  }
  if (networkids.length > 0 || given(ipaddress) !== undefined) {
    throw new ApiError(
      apiCodes.parameter,
      "ipToNetworkMap can't be specified along with networkIds or ipAddress",
      { parameter: 'iptonetworklist' },
    );
  }
  return iptonetworklist.map((group) => ({
    parameter: 'iptonetworklist',
    networkId: group.get('networkid') ?? '',
    ip: given(group.get('ip')),
    ipv6: given(group.get('ipv6')),
    mac: given(group.get('mac')),
  }));
}

/** Without a word about networks: the one that there is. Nothing in a zone that has none at all. */
async function onlyNetwork(
  { db }: CommandContext,
  zone: Place,
  owner: Owner,
  values: NetworkValues,
): Promise<readonly CardRequest[]> {
  // In this order: another call may make the first network between the two.
  if (!(await hasNetwork(db, zone.id))) return [];
  const usable = await usableNetworks(db, zone.id, owner.id);
  const [network] = usable;
  if (network === undefined || usable.length > 1) {
    throw new ApiError(apiCodes.parameter, 'At least 1 default network has to be specified for the vm', {
      parameter: 'networkids',
      reason:
        usable.length === 0
          ? `Zone '${zone.name}' has no network that account ${owner.name} may use: createNetwork makes one.`
          : `Zone '${zone.name}' has ${usable.length} networks: give networkids.`,
    });
  }
  return [{ parameter: 'networkids', networkId: network.uuid, ...defaultAddresses(values) }];
}

const defaultAddresses = ({ ipaddress, ip6address, macaddress }: NetworkValues) => ({
  ip: given(ipaddress),
  ipv6: given(ip6address),
  mac: given(macaddress),
});

/** The card in the first network of a zone, which is made with the first machine. */
export async function firstNic(tx: Queryable, zone: Place, values: NetworkValues): Promise<WantedNic> {
  const network = await firstNetwork(tx, zone.id).catch((error: unknown) => {
    if (!(error instanceof NotPossible)) throw error;
    throw new ApiError(apiCodes.parameter, `${error.message}.`, { parameter: 'networkids' });
  });
  return { network, ...nicOf(network, defaultAddresses(values)) };
}

async function cardOf(
  context: CommandContext,
  { zone, owner }: { readonly zone: Place; readonly owner: Owner },
  { parameter, networkId, ip, ipv6, mac }: CardRequest,
): Promise<WantedNic> {
  const network = await entity(context, parameter, networkId, (uuid) => findNetwork(context.db, uuid));
  if (network.data_center_id !== zone.id) {
    throw new ApiError(apiCodes.parameter, `Network id=${network.uuid} doesn't belong to zone ${zone.uuid}`, {
      parameter,
    });
  }
  if (network.acl_type !== 'Domain' && network.account_id !== owner.id) {
    throw new ApiError(
      apiCodes.permission,
      `Unable to use network with id= ${network.uuid}, permission denied`,
      { parameter },
    );
  }
  return { network, ...nicOf(network, { ip, ipv6, mac }) };
}

/** @throws ApiError 431 for what is no address */
function nicOf(
  { id: networkId }: Network,
  { ip, ipv6, mac }: Pick<CardRequest, 'ip' | 'ipv6' | 'mac'>,
): NewNic {
  if (ip !== undefined && !isIPv4(ip))
    throw badParameter('ipaddress', `is '${ip}', which is no IPv4 address.`);
  if (ipv6 !== undefined && !isIPv6(ipv6))
    throw badParameter('ip6address', `is '${ipv6}', which is no IPv6 address.`);
  return {
    networkId,
    mac: mac === undefined ? undefined : readMac(mac),
    ip4: ip,
    ip6: ipv6?.toLowerCase(),
  };
}

function readMac(text: string): string {
  const mac = text.toLowerCase().replaceAll('-', ':');
  if (!MAC.test(mac) || mac === '00:00:00:00:00:00') throw wrongMac(`Mac address is not valid: ${text}`);
  if (Number.parseInt(mac.slice(0, 2), 16) % 2 === 1) throw wrongMac(`Mac address is not unicast: ${text}`);
  return mac;
}

const wrongMac = (sentence: string): ApiError =>
  new ApiError(apiCodes.parameter, sentence, { parameter: 'macaddress' });

/** @throws ApiError 431 when another machine has an address. Call it where the networks are locked. */
export async function requireAddressesFree(db: Queryable, nics: readonly WantedNic[]): Promise<void> {
  for (const { network, networkId, mac, ip4, ip6 } of nics) {
    if (mac !== undefined && (await isMacTaken(db, mac)))
      throw badParameter('macaddress', `is ${mac}, which another machine has.`);
    for (const [parameter, column, address] of [
      ['ipaddress', 'ip4_address', ip4],
      ['ip6address', 'ip6_address', ip6],
    ] as const) {
      if (address !== undefined && (await isAddressTaken(db, networkId, column, address)))
        throw badParameter(
          parameter,
          `is ${address}, which another machine of network '${network.name}' has.`,
        );
    }
  }
}
