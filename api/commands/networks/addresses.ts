/** The addresses of a network, as its creator says that they are: Bypass neither gives nor routes any. */
import type { NewNetwork } from '../../../db/networks/networks.ts';
import {
  type Address,
  type Block,
  blockAround,
  formatIpv4,
  isWithin,
  parseAddress,
  parseBlock,
  prefixOfNetmask,
} from '../../../model/addresses.ts';
import { badParameter } from '../../server/errors.ts';
import { refused, text, type ParameterValues } from '../../fields/parameters.ts';

const noRange = refused('machines get IPv6 addresses from the routers of their network');

export const addressParameters = {
  gateway: text('the gateway; with netmask'),
  netmask: text('the netmask, such as 255.255.255.0'),
  startip: text('the first address for machines'),
  endip: text('the last one; startip when absent'),
  ip6gateway: text('the gateway by IPv6; with ip6cidr'),
  ip6cidr: text('the block of its IPv6 addresses, such as 2001:db8::/64'),
  startipv6: noRange,
  endipv6: noRange,
};

type Given = ParameterValues<typeof addressParameters>;
type Addresses = Pick<
  NewNetwork,
  'gateway' | 'netmask' | 'cidr' | 'start_ip' | 'end_ip' | 'ip6_gateway' | 'ip6_cidr'
>;

/** Whether any address is given. */
export const hasAddresses = (given: Given): boolean =>
  Object.keys(addressParameters).some((name) => Boolean(given[name as keyof Given]));

/** @throws ApiError 431 that names the parameter that is wrong */
export const readAddresses = (given: Given): Addresses => ({ ...readIpv4(given), ...readIpv6(given) });

function readIpv4({ gateway, netmask, startip, endip }: Given): Addresses {
  const block = readBlock(gateway, netmask);
  if (block === undefined) {
    if (startip) throw badParameter('gateway', 'is missing: with startip, give gateway and netmask.');
    if (endip) throw badParameter('startip', 'is missing: with endip, give startip, gateway and netmask.');
    return { gateway: null, netmask: null, cidr: null, start_ip: null, end_ip: null };
  }
  if (endip && !startip) throw badParameter('startip', 'is missing: with endip, give startip as well.');
  const last = endip || startip;
  if (startip && last) checkRange(block, { gateway: gateway ?? '', first: startip, last });
  return {
    gateway: gateway ?? null,
    netmask: netmask ?? null,
    cidr: `${formatIpv4(block.value)}/${block.prefix}`,
    start_ip: startip || null,
    end_ip: last || null,
  };
}

/** The block that gateway and netmask describe; undefined when neither is given. */
function readBlock(gateway: string | undefined, netmask: string | undefined): Block | undefined {
  if (!gateway && !netmask) return undefined;
  if (!gateway) throw badParameter('gateway', 'is missing: with netmask, give the gateway.');
  if (!netmask) throw badParameter('netmask', 'is missing: with gateway, give the netmask.');
  const address = ipv4('gateway', gateway);
  const prefix = prefixOfNetmask(netmask);
  if (prefix === undefined || prefix < 1 || prefix > MAX_PREFIX)
    throw badParameter('netmask', `is '${netmask}'; give one such as 255.255.255.0.`);
  const block = blockAround(address, prefix);
  checkHost('gateway', gateway, address, block);
  return block;
}

/** Two addresses beside those of the network and of its broadcasts. */
const MAX_PREFIX = 30;

function checkRange(
  block: Block,
  { gateway, first, last }: { readonly gateway: string; readonly first: string; readonly last: string },
): void {
  const [from, to] = [ipv4('startip', first), ipv4('endip', last)];
  for (const [name, given, address] of [
    ['startip', first, from],
    ['endip', last, to],
  ] as const) {
    if (!isWithin(address, block))
      throw badParameter(
        name,
        `is '${given}', which is not in ${formatIpv4(block.value)}/${block.prefix}, the network of gateway and netmask.`,
      );
    checkHost(name, given, address, block);
  }
  if (from.value > to.value) throw badParameter('startip', `is '${first}', which is after endip, '${last}'.`);
  const router = ipv4('gateway', gateway).value;
  if (from.value <= router && router <= to.value)
    throw badParameter('gateway', `is '${gateway}', which is between startip and endip.`);
}

function ipv4(name: string, given: string): Address {
  const address = parseAddress(given);
  if (address?.bits === 32) return address;
  throw badParameter(name, `is '${given}'; give an address of IPv4.`);
}

/** @throws ApiError 431 for the first and the last address of a block, which no machine has */
function checkHost(name: string, given: string, { value }: Address, block: Block): void {
  const last = block.value + (1n << BigInt(block.bits - block.prefix)) - 1n;
  if (value === block.value || value === last)
    throw badParameter(name, `is '${given}', the address of the network or of its broadcasts.`);
}

function readIpv6({ ip6gateway, ip6cidr }: Given): Pick<Addresses, 'ip6_gateway' | 'ip6_cidr'> {
  if (!ip6cidr) {
    if (ip6gateway) throw badParameter('ip6cidr', 'is missing: with ip6gateway, give ip6cidr.');
    return { ip6_gateway: null, ip6_cidr: null };
  }
  const block = ip6cidr.includes('/') ? parseBlock(ip6cidr) : undefined;
  if (block?.bits !== 128)
    throw badParameter('ip6cidr', `is '${ip6cidr}'; give a block of IPv6 such as 2001:db8::/64.`);
  const gateway = ip6gateway ? parseAddress(ip6gateway) : undefined;
  if (ip6gateway && (gateway === undefined || !isWithin(gateway, block)))
    throw badParameter('ip6gateway', `is '${ip6gateway}'; give an address in ${ip6cidr}.`);
  return { ip6_gateway: ip6gateway || null, ip6_cidr: ip6cidr };
}
