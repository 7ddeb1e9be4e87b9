/** IP addresses and blocks of them, as numbers, so that every spelling of one is the same. */

export interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** An address block: `10.0.0.0/8`, or a single address. */
export interface Block extends Address {
  readonly prefix: number;
}

/** The bits before the IPv4 address in a mapped form, `::ffff:a.b.c.d`. */
const MAPPED = 0xffffn;

/** An IPv4 address in dotted decimal or an IPv6 address, without brackets; a zone (`%eth0`) is ignored. */
export function parseAddress(text: string): Address | undefined {
  const bare = text.replace(/%.*$/, '');
  const ipv4 = parseIpv4(bare);
  if (ipv4 !== undefined) return { bits: 32, value: ipv4 };
  const ipv6 = parseIpv6(bare);
  return ipv6 === undefined ? undefined : { bits: 128, value: ipv6 };
}

/**
 * `ADDRESS/PREFIX`; without a prefix, the address alone. Bits after the prefix must be zero. A block of mapped forms
 * becomes the block of their IPv4 addresses.
 */
export function parseBlock(text: string): Block | undefined {
  const [, head = '', digits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  if (head.includes('%')) return undefined;
  const address = parseAddress(head);
  if (address === undefined) return undefined;
  const prefix = digits === undefined ? address.bits : Number(digits);
  if (prefix > address.bits) return undefined;
  const block = { ...address, prefix };
  if (network(block, address.value) !== address.value) return undefined;
  const mapped = address.bits === 128 && prefix >= 96 && address.value >> 32n === MAPPED;
  return mapped ? { bits: 32, value: address.value & 0xffffffffn, prefix: prefix - 96 } : block;
}

export const isWithin = (address: Address, block: Block): boolean =>
  address.bits === block.bits && network(block, address.value) === block.value;

/** The block of this size that an address is in. */
export const blockAround = (address: Address, prefix: number): Block => ({
  bits: address.bits,
  prefix,
  value: network({ ...address, prefix }, address.value),
});

/** The prefix of a netmask such as 255.255.255.0: 24. */
export function prefixOfNetmask(text: string): number | undefined {
  const mask = parseIpv4(text);
  if (mask === undefined) return undefined;
  const hosts = mask ^ 0xffffffffn;
  // The bits of the hosts must be all at the end.
  return (hosts & (hosts + 1n)) === 0n ? 32 - hosts.toString(2).replace(/^0$/, '').length : undefined;
}

export const formatIpv4 = (value: bigint): string =>
  [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join('.');

/** The intersection of two lists of blocks. Of two blocks, one contains the other or they are disjoint. */
export function commonBlocks(one: readonly string[], other: readonly string[]): readonly string[] {
  const common = one.flatMap((a) =>
    other.flatMap((b) => {
      const [first, second] = [parseBlock(a), parseBlock(b)];
      if (first === undefined || second === undefined) return [];
      if (first.prefix >= second.prefix) return isWithin(first, second) ? [a] : [];
      return isWithin(second, first) ? [b] : [];
    }),
  );
  return [...new Set(common)];
}

/** Ways to write an IPv4 address into an IPv6 address: in which block, how far from the right, and whether inverted. */
const EMBEDDINGS: readonly { readonly block: Block; readonly shift: bigint; readonly inverted?: true }[] = [
  embedding('::ffff:0:0:0/96', 0n),
  embedding('::/96', 0n),
  embedding('64:ff9b::/96', 0n),
  embedding('2002::/16', 80n),
  { ...embedding('2001::/32', 0n), inverted: true },
];
/** ISATAP: the IPv4 address follows these bits, in any network. */
const ISATAP = 0x5efen;

/**
 * All addresses that an address stands for: itself, and the IPv4 address within a translated form. A mapped form
 * (`::ffff:a.b.c.d`) stands for its IPv4 address only.
 */
export function formsOf(address: Address): readonly Address[] {
  const { bits, value } = address;
  if (bits === 32) return [address];
  if (value >> 32n === MAPPED) return [{ bits: 32, value: value & 0xffffffffn }];
  // The unspecified address and the loopback address are within a block of translated forms.
  if (value <= 1n) return [address];
  const found = EMBEDDINGS.find(({ block }) => isWithin(address, block));
  const isatap = ((value >> 32n) & 0xfdffffffn) === ISATAP;
  if (found === undefined && !isatap) return [address];
  const carried = (value >> (found?.shift ?? 0n)) & 0xffffffffn;
  const inner: Address = { bits: 32, value: found?.inverted === true ? carried ^ 0xffffffffn : carried };
  return [address, inner];
}

/** For constants of the program. @throws Error for a text that is no block */
export function blockOf(text: string): Block {
  const block = parseBlock(text);
  if (block === undefined) throw new Error(`${text} is no address block`);
  return block;
}

function embedding(text: string, shift: bigint) {
  return { block: blockOf(text), shift };
}

function network({ bits, prefix }: Block, value: bigint): bigint {
  const behind = BigInt(bits - prefix);
  return (value >> behind) << behind;
}

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) {
    return undefined;
  }
  return parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function parseIpv6(text: string): bigint | undefined {
  const [head = '', tail, more] = text.split('::');
  if (more !== undefined) return undefined;
  const [before, after] = [groupsOf(head, tail === undefined), groupsOf(tail ?? '', true)];
  if (before === undefined || after === undefined) return undefined;
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...before, ...Array<bigint>(missing).fill(0n), ...after];
  return groups.reduce((sum, group) => (sum << 16n) | group, 0n);
}

/** @param last whether the text may end with an IPv4 address */
function groupsOf(text: string, last: boolean): readonly bigint[] | undefined {
  if (text === '') return [];
  const groups: bigint[] = [];
  const parts = text.split(':');
  for (const [at, part] of parts.entries()) {
    const ipv4 = last && at === parts.length - 1 ? parseIpv4(part) : undefined;
    if (ipv4 !== undefined) groups.push(ipv4 >> 16n, ipv4 & 0xffffn);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(BigInt(`0x${part}`));
    else return undefined;
  }
  return groups;
}
