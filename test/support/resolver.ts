/** A scripted DNS resolver, which may change its answers. */
import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import type { Resolve } from '../../images/fetch/network/egress-policy.ts';

export interface TestResolver {
  readonly resolve: Resolve;
  /** Resolved names, in order. */
  readonly asked: readonly string[];
}

/** @param answers lists of addresses by name: each lookup takes the next list, and the last one stays */
export function createResolver(
  answers: Readonly<Record<string, readonly (readonly string[])[]>>,
): TestResolver {
  const asked: string[] = [];
  return {
    asked,
    resolve(name) {
      const before = asked.filter((earlier) => earlier === name).length;
      asked.push(name);
      const lists = answers[name];
      const addresses = lists?.[before] ?? lists?.at(-1);
      if (addresses === undefined) {
        const error = Object.assign(new Error(`no such name: ${name}`), { code: 'ENOTFOUND' });
        return Promise.reject(error);
      }
      return Promise.resolve(addresses.map((address): LookupAddress => ({ address, family: isIP(address) })));
    },
  };
}
