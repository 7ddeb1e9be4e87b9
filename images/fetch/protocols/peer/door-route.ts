/**
 * The way to a door. The URL policy, which keeps sources of users from the installation's own machines, does not judge it: the
 * address is from the control side, and no redirect is followed. So it leads to that address and to nothing else.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { ImageError } from '../../../../model/failures.ts';
import { duration, within } from '../../network/budgets.ts';
import { hostName } from '../../network/egress-policy.ts';
import type { EgressPolicy } from '../../network/egress-policy.ts';

/** @param door `host:port` */
export function routeToDoor(door: string): EgressPolicy {
  const { host, port } = new URL(`https://${door}`);
  const policy: EgressPolicy = {
    async route(url, dnsMs) {
      if (url.host !== host) throw elsewhere();
      const name = hostName(url);
      const family = isIP(name);
      const late = (): Error =>
        new ImageError('Unreachable', `has a host name that was not resolved within ${duration(dnsMs)}`);
      const addresses =
        family === 0 ? await within(dnsMs, lookup(name, { all: true }), late) : [{ address: name, family }];
      return { addresses, port: Number(port === '' ? HTTPS : port) };
    },
    requireRedirect() {
      throw elsewhere();
    },
    under: () => policy,
  };
  return policy;
}

/** The port that a URL leaves out. */
const HTTPS = 443;

const elsewhere = (): ImageError => new ImageError('NotAllowed', 'leads to another place than the door');
