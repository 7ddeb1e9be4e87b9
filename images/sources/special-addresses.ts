/** Addresses at which no image lies, but what a host must not be made to read: metadata services of clouds, itself. */
import { BlockList, isIPv6 } from 'node:net';

const RANGES: readonly (readonly [address: string, prefix: number, family: 'ipv4' | 'ipv6', what: string])[] =
  [
    ['0.0.0.0', 8, 'ipv4', 'stands for "this host"'],
    ['169.254.0.0', 16, 'ipv4', 'is link-local: metadata services have such ones, mirrors have not'],
    ['100.100.100.200', 32, 'ipv4', 'is that of a metadata service'],
    ['192.0.0.192', 32, 'ipv4', 'is that of a metadata service'],
    ['224.0.0.0', 3, 'ipv4', 'is none of a single host'],
    ['::', 128, 'ipv6', 'stands for "this host"'],
    ['fe80::', 10, 'ipv6', 'is link-local: metadata services have such ones, mirrors have not'],
    ['fd00:ec2::', 32, 'ipv6', 'is that of a metadata service'],
    ['ff00::', 8, 'ipv6', 'is none of a single host'],
  ];

const LISTS = RANGES.map(([address, prefix, family, what]) => {
  const list = new BlockList();
  list.addSubnet(address, prefix, family);
  return { list, what };
});

/** @returns why nothing is fetched from the address, or undefined. An IPv4 address in IPv6's form is that address. */
export function whySpecial(address: string): string | undefined {
  const bare = address.replace(/%.*$/, '');
  const found = LISTS.find(({ list }) => list.check(bare, isIPv6(bare) ? 'ipv6' : 'ipv4'));
  return found === undefined ? undefined : `has the address ${address}, which ${found.what}`;
}
