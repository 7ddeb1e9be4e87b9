/**
 * Judges every way to a source before a packet leaves: scheme, port and each resolved address pass the URL policy here. The
 * connection then uses the addresses that were judged, since no name is resolved twice.
 */
import { lookup } from 'node:dns/promises';
import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { ImageError } from '../../../model/failures.ts';
import { goesAround, proxyPort } from '../../../model/proxy.ts';
import type { Proxies } from '../../../model/proxy.ts';
import {
  judgeAddress,
  judgeRedirect,
  judgeScheme,
  LOOPBACK,
  narrow,
  joinPart,
  splitPart,
} from '../../../model/url-policy.ts';
import type { Denial, Endpoint, UrlPolicy } from '../../../model/url-policy.ts';
import { portOf, schemeOf } from '../../../model/protocols.ts';
import type { Protocols } from '../../../model/protocols.ts';
import { displayUrl } from '../../../model/url.ts';
import { duration, within } from './budgets.ts';

/** All addresses of a name. */
export type Resolve = (name: string) => Promise<readonly LookupAddress[]>;

/** For the log of the host; users see the rule alone. */
export interface Denied extends Denial {
  readonly url: string;
  /** The address that was denied; absent when the scheme or port was. */
  readonly address?: string;
}

export interface EgressOptions {
  /** Of the host. Default: public addresses and those of RFC 1918, by all protocols. */
  readonly policy?: UrlPolicy;
  /** Of the host. They replace those of a job. */
  readonly proxies?: Proxies;
  /** Default: as the system resolves names. */
  readonly resolve?: Resolve;
  readonly onDenied?: (denied: Denied) => void;
}

export interface Route {
  /** Addresses to connect to: of the source or, with `proxy`, of the proxy. The policy allowed each of them. */
  readonly addresses: readonly LookupAddress[];
  readonly port: number;
  readonly proxy?: {
    /** With its credentials. */
    readonly url: URL;
    /** Targets of CONNECT, in order: `address:port`, or `name:port` where the proxy resolves and judges names. */
    readonly targets: readonly string[];
    /** Whether the proxy gets the request itself, in absolute form, instead of a CONNECT. */
    readonly forwards: boolean;
  };
}

export interface EgressPolicy {
  /** @throws ImageError NotAllowed with the rule; the resolver's error */
  route(url: URL, dnsMs: number): Promise<Route>;
  /** @throws ImageError NotAllowed */
  requireRedirect(from: URL, to: URL): void;
  /** This policy, narrowed by that of a job. */
  under(job: UrlPolicy | undefined): EgressPolicy;
}

const systemResolve: Resolve = (name) => lookup(name, { all: true });

/** @param protocols whose URLs it judges */
export function createEgressPolicy(options: EgressOptions, protocols: Protocols): EgressPolicy {
  return policyFor(options.policy ?? {}, undefined, { ...options, protocols });
}

interface ProtocolOptions extends EgressOptions {
  readonly protocols: Protocols;
}

/** What one policy judges by. */
interface Rules extends ProtocolOptions {
  readonly policy: UrlPolicy;
  readonly resolve: Resolve;
}

function policyFor(host: UrlPolicy, job: UrlPolicy | undefined, options: ProtocolOptions): EgressPolicy {
  const rules: Rules = { ...options, policy: narrow(host, job), resolve: options.resolve ?? systemResolve };
  return {
    under: (other) => policyFor(host, other, options),
    requireRedirect: (from, to) =>
      refuse(rules, from, judgeRedirect(rules.policy, from.protocol, to.protocol)),
    async route(url, dnsMs) {
      const port = portOf(url, rules.protocols);
      refuse(rules, url, judgeScheme(rules.policy, schemeOf(url), port, rules.protocols));
      const proxy = proxyFor(url, rules);
      const name = hostName(url);
      const proxyJudges = rules.policy.proxyIsGuard === true;
      const plain = url.protocol === 'http:';
      if (proxy !== undefined && proxyJudges && isResolvable(name) && !goesAround(proxy.none, [name], port)) {
        return viaProxy(proxy, { targets: [`${name}:${port}`], forwards: plain }, rules, dnsMs);
      }
      const addresses = await judged(url, port, await resolved(name, rules, dnsMs), rules);
      const hosts = [name, ...addresses.map(({ address }) => address)];
      if (proxy === undefined || goesAround(proxy.none, hosts, port)) return { addresses, port };
      const targets = addresses.map(({ address }) => joinPart(address, port));
      // A proxy cannot resolve an address to another one.
      const forwards = proxyJudges && plain && isIP(name) !== 0;
      return viaProxy(proxy, { targets, forwards }, rules, dnsMs);
    },
  };
}

/** RFC 6761: these names mean the machine itself, whatever a resolver answers. */
const isLocalhost = (name: string): boolean => /(?:^|\.)localhost\.?$/i.test(name);

const isResolvable = (name: string): boolean => isIP(name) === 0 && !isLocalhost(name);

export const hostName = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '');

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

/** The addresses that the policy allows. @throws ImageError NotAllowed when it allows none */
async function judged(
  url: URL,
  port: number,
  found: readonly LookupAddress[],
  rules: Rules,
): Promise<readonly LookupAddress[]> {
  const surroundings = { parts: await partsAt(port, rules), ownAddresses: ownAddresses() };
  const denials = found.map(({ address }) => judgeAddress(rules.policy, address, port, surroundings));
  const allowed = found.filter((_, at) => denials[at] === undefined);
  if (allowed.length === 0) refuse(rules, url, denials[0], found[0]?.address);
  if (allowed.length === 0) throw new ImageError('Unreachable', 'has a host name without an address');
  return allowed;
}

/**
 * Parts of Bypass with this port.
 * @throws ImageError Unreachable, rule `own part`, when the name of one does not resolve: any address may be its own
 */
async function partsAt(port: number, { policy, resolve }: Rules): Promise<readonly Endpoint[]> {
  const names = (policy.parts ?? [])
    .map(splitPart)
    .flatMap((part) => (part?.port === port ? [part.host] : []));
  const found = await Promise.all(names.map((name) => addressesOfPart(name, port, resolve)));
  return found.flat().map((address) => ({ address, port }));
}

async function addressesOfPart(name: string, port: number, resolve: Resolve): Promise<readonly string[]> {
  if (isIP(name) !== 0) return [name];
  try {
    return (await resolve(name)).map(({ address }) => address);
  } catch (error) {
    const sentence =
      `cannot be judged by the URL policy, rule "own part": this host cannot resolve ${name}, a part of Bypass ` +
      `with port ${port} as well; make the host resolve the name`;
    throw new ImageError('Unreachable', sentence, { rule: 'own part', cause: error });
  }
}

const ownAddresses = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((found) => (found ?? []).map(({ address }) => address));

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

/** A proxy's addresses are judged as a source's are; its port is not. A proxy of the host's configuration may run on the host. */
async function viaProxy(
  { url, own }: ChosenProxy,
  way: Omit<NonNullable<Route['proxy']>, 'url'>,
  rules: Rules,
  dnsMs: number,
): Promise<Route> {
  const { onlyAddresses: _, openAddresses = [], ...policy } = rules.policy;
  const open = own ? [...openAddresses, ...LOOPBACK, ...ownAddresses()] : openAddresses;
  const forProxy = { ...rules, policy: { ...policy, openAddresses: open } };
  try {
    const port = proxyPort(url);
    const addresses = await judged(url, port, await resolved(hostName(url), rules, dnsMs), forProxy);
    return { addresses, port, proxy: { url, ...way } };
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
