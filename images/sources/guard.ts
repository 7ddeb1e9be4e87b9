/**
 * The way to a source, found before a packet leaves: every scheme, port and resolved address passes the policy here, and
 * what is connected to is what was judged, since nothing is looked up again.
 */
import { lookup } from 'node:dns/promises';
import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { ImageError } from '../../model/failures.ts';
import { goesAround } from '../../model/proxy.ts';
import type { Proxies } from '../../model/proxy.ts';
import {
  isLoopback,
  judgeAddress,
  judgeRedirect,
  judgeScheme,
  LOOPBACK,
  narrow,
  splitPart,
} from '../../model/url-policy.ts';
import type { Denial, Endpoint, UrlPolicy } from '../../model/url-policy.ts';
import { displayUrl } from '../../model/url.ts';
import { duration, within } from './budgets.ts';

/** All addresses of a name. */
export type Resolve = (name: string) => Promise<readonly LookupAddress[]>;

/** For the log of the host: what a person may see who asks for URLs is the rule alone. */
export interface Denied extends Denial {
  readonly url: string;
  /** What was judged, when it was an address. */
  readonly address?: string;
}

export interface GuardOptions {
  /** Of the host. Default: public addresses and those of RFC 1918, by http, https and nfs. */
  readonly policy?: UrlPolicy;
  /** Of the host. They go before those of a job. */
  readonly proxies?: Proxies;
  /** Default: as the system resolves names. */
  readonly resolve?: Resolve;
  readonly onDenied?: (denied: Denied) => void;
}

export interface Route {
  /** Where the socket goes: the addresses of the source or, with `proxy`, of the proxy. All were judged. */
  readonly addresses: readonly LookupAddress[];
  readonly port: number;
  readonly proxy?: {
    /** With its credentials. */
    readonly url: URL;
    /** What it is asked for, one after the other: `address:port`, or the name where the proxy is the guard. */
    readonly targets: readonly string[];
  };
}

export interface Guard {
  /** @throws ImageError NotAllowed with the rule; or what the resolver says */
  route(url: URL, dnsMs: number): Promise<Route>;
  /** @throws ImageError NotAllowed */
  requireRedirect(from: URL, to: URL): void;
  /** The same where the policy of a job holds as well. */
  under(job: UrlPolicy | undefined): Guard;
}

const systemResolve: Resolve = (name) => lookup(name, { all: true });

export function createGuard(options: GuardOptions = {}): Guard {
  return guardOf(options.policy ?? {}, undefined, options);
}

/** What is asked of one guard. */
interface Rules extends GuardOptions {
  readonly policy: UrlPolicy;
  readonly resolve: Resolve;
}

function guardOf(host: UrlPolicy, job: UrlPolicy | undefined, options: GuardOptions): Guard {
  const rules: Rules = { ...options, policy: narrow(host, job), resolve: options.resolve ?? systemResolve };
  return {
    under: (other) => guardOf(host, other, options),
    requireRedirect: (from, to) =>
      refuse(rules, from, judgeRedirect(rules.policy, from.protocol, to.protocol)),
    async route(url, dnsMs) {
      const port = portOf(url);
      refuse(rules, url, judgeScheme(rules.policy, url.protocol.slice(0, -1), port));
      const proxy = proxyFor(url, rules);
      const name = hostName(url);
      if (proxy !== undefined && rules.policy.proxyIsGuard === true && isForProxyToJudge(name)) {
        if (!goesAround(proxy.none, [name], port)) return viaProxy(proxy, [`${name}:${port}`], rules, dnsMs);
      }
      const addresses = await judged(url, await resolved(name, rules, dnsMs), rules);
      const hosts = [name, ...addresses.map(({ address }) => address)];
      if (proxy === undefined || goesAround(proxy.none, hosts, port)) return { addresses, port };
      return viaProxy(
        proxy,
        addresses.map((one) => target(one, port)),
        rules,
        dnsMs,
      );
    },
  };
}

/** RFC 6761: these stand for the machine itself, whatever a resolver says. */
const isLocalhost = (name: string): boolean => /(?:^|\.)localhost\.?$/i.test(name);

const isForProxyToJudge = (name: string): boolean => isIP(name) === 0 && !isLocalhost(name);

const target = ({ address, family }: LookupAddress, port: number): string =>
  family === 6 ? `[${address}]:${port}` : `${address}:${port}`;

export const hostName = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '');

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443, 'nfs:': 2049 };

export const portOf = (url: URL): number =>
  url.port === '' ? (DEFAULT_PORTS[url.protocol] ?? 0) : Number(url.port);

async function resolved(name: string, { resolve }: Rules, dnsMs: number): Promise<readonly LookupAddress[]> {
  const family = isIP(name);
  if (family !== 0) return [{ address: name, family }];
  if (isLocalhost(name)) {
    return [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ];
  }
  return within(dnsMs, resolve(name), () => {
    const limit = `within ${duration(dnsMs)} (limit for DNS)`;
    return new ImageError('Unreachable', `has a host name that was not resolved ${limit}`);
  });
}

/** Of a name with good and bad addresses only the good ones are used. */
async function judged(
  url: URL,
  found: readonly LookupAddress[],
  rules: Rules,
): Promise<readonly LookupAddress[]> {
  const parts = await partsAt(portOf(url), rules);
  const denials = found.map(({ address }) => judgeAddress(rules.policy, address, portOf(url), parts));
  const allowed = found.filter((_, at) => denials[at] === undefined);
  if (allowed.length === 0) refuse(rules, url, denials[0], found[0]?.address);
  if (allowed.length === 0) throw new ImageError('Unreachable', 'has a host name without an address');
  return allowed;
}

/** Parts of Bypass with this port. One on this machine is reached at each of its addresses. */
async function partsAt(port: number, { policy, resolve }: Rules): Promise<readonly Endpoint[]> {
  const names = (policy.parts ?? [])
    .map(splitPart)
    .flatMap((part) => (part?.port === port ? [part.host] : []));
  const found = await Promise.all(
    names.map(async (name) =>
      isIP(name) === 0 ? resolve(name).catch(() => []) : [{ address: name, family: isIP(name) }],
    ),
  );
  const addresses = found.flat().map(({ address }) => address);
  if (!addresses.some(isOwn)) return addresses.map((address) => ({ address, port }));
  return [...addresses, '127.0.0.1', '::1', ...ownAddresses()].map((address) => ({ address, port }));
}

const ownAddresses = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((found) => (found ?? []).map(({ address }) => address));

const isOwn = (address: string): boolean => isLoopback(address) || ownAddresses().includes(address);

interface ChosenProxy {
  readonly url: URL;
  readonly none: readonly string[];
  /** Whether this host's own configuration names it. */
  readonly own: boolean;
}

/** A job's proxies are for hosts that have none of their own. */
function proxyFor({ protocol }: URL, { proxies, policy }: Rules): ChosenProxy | undefined {
  const own = proxies?.http !== undefined || proxies?.https !== undefined;
  const chosen = own ? proxies : policy.proxies;
  const url = protocol === 'https:' ? chosen?.https : protocol === 'http:' ? chosen?.http : undefined;
  return url === undefined ? undefined : { url: new URL(url), none: chosen?.none ?? [], own };
}

/** A proxy is judged as sources are, but for its port; one of the host's own configuration may run on the host. */
async function viaProxy(
  { url, own }: ChosenProxy,
  targets: readonly string[],
  rules: Rules,
  dnsMs: number,
): Promise<Route> {
  const { onlyAddresses: _, openAddresses = [], ...policy } = rules.policy;
  const open = own ? [...openAddresses, ...LOOPBACK] : openAddresses;
  const forProxy = { ...rules, policy: { ...policy, openAddresses: open } };
  try {
    const addresses = await judged(url, await resolved(hostName(url), rules, dnsMs), forProxy);
    return { addresses, port: portOf(url), proxy: { url, targets } };
  } catch (error) {
    const failure = error instanceof ImageError ? error : undefined;
    const sentence = `cannot be reached: the proxy ${failure?.message ?? 'has a host name that does not resolve'}`;
    throw new ImageError(failure?.kind ?? 'Unreachable', sentence, {
      cause: error,
      ...(failure?.rule === undefined ? {} : { rule: failure.rule }),
    });
  }
}

function refuse(rules: Rules, url: URL, denial: Denial | undefined, address?: string): void {
  if (denial === undefined) return;
  const shown = displayUrl(url.href);
  rules.onDenied?.({ ...denial, url: shown, ...(address === undefined ? {} : { address }) });
  throw new ImageError('NotAllowed', denial.sentence, { url: shown, rule: denial.rule });
}
