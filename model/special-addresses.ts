/** Addresses that no image is downloaded from, since a host must not be made to reach them: itself, its network, metadata services. */
import { blockOf, isWithin } from './addresses.ts';
import type { Address } from './addresses.ts';

export type SpecialRule =
  | 'metadata'
  | 'unspecified'
  | 'loopback'
  | 'own address'
  | 'link-local'
  | 'shared'
  | 'unique-local'
  | 'multicast'
  | 'broadcast'
  | 'translated'
  | 'reserved';

/** What each rule means, for a sentence that ends "the URL leads to …". */
export const SPECIAL_RULES: Readonly<Record<SpecialRule, string>> = {
  metadata: 'a metadata service of a cloud',
  unspecified: 'the unspecified address, which stands for the host itself',
  loopback: 'the host itself',
  'own address': 'the host itself',
  'link-local': 'a link-local address, where no mirrors are',
  shared: "a carrier's shared address (100.64.0.0/10)",
  'unique-local': 'a unique local address (fc00::/7)',
  multicast: 'a multicast address, which is none of a single host',
  broadcast: 'the broadcast address, which is none of a single host',
  translated: 'an IPv6 address that only stands for an IPv4 address',
  reserved: 'an address that is reserved, and not public',
};

const list = (rule: SpecialRule, ...blocks: readonly string[]) =>
  blocks.map((text) => ({ rule, block: blockOf(text) }));

/** The first match counts. */
const TABLE = [
  ...list('metadata', '169.254.169.254', '169.254.170.2', '169.254.170.23', '100.100.100.200', '192.0.0.192'),
  ...list('metadata', '168.63.129.16', 'fd00:ec2::/32', 'fd20:ce::254', 'fe80::a9fe:a9fe'),
  ...list('unspecified', '0.0.0.0/8', '::'),
  ...list('loopback', '127.0.0.0/8', '::1'),
  ...list('link-local', '169.254.0.0/16', 'fe80::/10'),
  ...list('shared', '100.64.0.0/10'),
  ...list('unique-local', 'fc00::/7'),
  ...list('broadcast', '255.255.255.255'),
  ...list('multicast', '224.0.0.0/4', 'ff00::/8'),
  ...list('translated', '::ffff:0:0:0/96', '::/96', '64:ff9b:1::/48', '2001::/32', '2002::/16'),
  ...list('reserved', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '198.18.0.0/15', '198.51.100.0/24'),
  ...list('reserved', '203.0.113.0/24', '240.0.0.0/4', '2001::/23', '2001:db8::/32', '3fff::/20'),
] as const;

/** The only public blocks of IPv6. The second one carries an IPv4 address, which is judged by itself. */
const PUBLIC_IPV6 = ['2000::/3', '64:ff9b::/96'].map(blockOf);

/**
 * The rule that forbids an address; undefined for public addresses and for those of RFC 1918. Only a host knows its own
 * addresses (`own address`).
 */
export function specialRule(address: Address): SpecialRule | undefined {
  const found = TABLE.find(({ block }) => isWithin(address, block));
  if (found !== undefined) return found.rule;
  if (address.bits === 32 || PUBLIC_IPV6.some((block) => isWithin(address, block))) return undefined;
  return 'reserved';
}
