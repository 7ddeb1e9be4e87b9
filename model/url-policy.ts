/**
 * Where hosts may connect to. A host has its own policy, from its settings; a job carries the policy of its zone, which can only
 * narrow the host's. Both are plain data. A policy judges a scheme, a port and a resolved address.
 */
import { blockOf, commonBlocks, formsOf, isWithin, parseAddress, parseBlock } from './addresses.ts';
import type { Address } from './addresses.ts';
import { commonPorts, holdsPort, MIGRATION_PORTS, OTHER_SERVICES, parsePorts } from './ports.ts';
import { protocolOf, schemesOf } from './protocols.ts';
import type { Protocols } from './protocols.ts';
import { checkProxy } from './proxy.ts';
import type { Proxies } from './proxy.ts';
import { SPECIAL_RULES, specialRule } from './special-addresses.ts';
import type { SpecialRule } from './special-addresses.ts';

/** Lists hold texts as in the settings. An absent field restricts nothing, unless its comment says otherwise. */
export interface UrlPolicy {
  readonly schemes?: readonly string[];
  /** Only addresses within these blocks. */
  readonly onlyAddresses?: readonly string[];
  readonly denyAddresses?: readonly string[];
  /** Only these ports. */
  readonly onlyPorts?: readonly string[];
  readonly denyPorts?: readonly string[];
  /** Parts of Bypass itself, `host:port`, that no URL may lead to. */
  readonly parts?: readonly string[];
  /** Whether redirects are followed. Default: true. */
  readonly followRedirects?: boolean;
  /** Whether https may redirect to http. Default: true in a host's policy, false in a job's. */
  readonly allowDowngrade?: boolean;
  /** Whether a proxy may resolve names instead of the host. Default: true in a host's policy, false in a job's. */
  readonly proxyIsGuard?: boolean;
  /** Proxies for hosts without own ones. */
  readonly proxies?: Proxies;
  /** Blocks that are allowed although they are special. Read in a host's policy only. */
  readonly openAddresses?: readonly string[];
  /** Ports that are allowed although other services use them. Read in a host's policy only. */
  readonly openPorts?: readonly string[];
}

export type UrlRule =
  | SpecialRule
  | 'scheme'
  | 'port'
  | 'denied port'
  | 'denied address'
  | 'allowed addresses'
  | 'own part'
  | 'redirect'
  | 'downgrade';

export interface Denial {
  readonly rule: UrlRule;
  /** Why; it continues a sentence that begins with the URL. It has no resolved address, which not everybody may learn. */
  readonly sentence: string;
}

const deny = (rule: UrlRule, what: string): Denial => ({
  rule,
  sentence: `is refused by the URL policy, rule "${rule}": ${what}`,
});

/**
 * Combines the host's policy with the job's: what one of them refuses is refused. An absent field of a job's policy counts as its
 * strictest value.
 */
export function narrow(host: UrlPolicy, job: UrlPolicy = {}): UrlPolicy {
  const schemes = both(host.schemes, job.schemes, (a, b) => a.filter((scheme) => b.includes(scheme)));
  const onlyAddresses = both(host.onlyAddresses, job.onlyAddresses, commonBlocks);
  const onlyPorts = both(host.onlyPorts, job.onlyPorts, commonPorts);
  return {
    ...(schemes === undefined ? {} : { schemes }),
    ...(onlyAddresses === undefined ? {} : { onlyAddresses }),
    ...(onlyPorts === undefined ? {} : { onlyPorts }),
    denyAddresses: [...(host.denyAddresses ?? []), ...(job.denyAddresses ?? [])],
    denyPorts: [...(host.denyPorts ?? []), ...(job.denyPorts ?? [])],
    parts: [...(host.parts ?? []), ...(job.parts ?? [])],
    openAddresses: host.openAddresses ?? [],
    openPorts: host.openPorts ?? [],
    followRedirects: host.followRedirects !== false && job.followRedirects !== false,
    allowDowngrade: host.allowDowngrade !== false && job.allowDowngrade === true,
    proxyIsGuard: host.proxyIsGuard !== false && job.proxyIsGuard === true,
    ...(job.proxies === undefined ? {} : { proxies: job.proxies }),
  };
}

type List = readonly string[];

const both = (
  one: List | undefined,
  other: List | undefined,
  common: (a: List, b: List) => List,
): List | undefined => (one === undefined || other === undefined ? (one ?? other) : common(one, other));

/** Judges a URL before its name is resolved. @param scheme without a colon */
export function judgeScheme(
  policy: UrlPolicy,
  scheme: string,
  port: number,
  protocols: Protocols,
): Denial | undefined {
  const schemes = policy.schemes ?? schemesOf(protocols);
  if (!schemes.includes(scheme)) return deny('scheme', `only ${schemes.join(', ')} URLs are fetched`);
  if (holdsPort(policy.denyPorts ?? [], port)) return deny('denied port', `port ${port} is not connected to`);
  if (policy.onlyPorts !== undefined && !holdsPort(policy.onlyPorts, port)) {
    return deny('port', `port ${port} is not one of those allowed`);
  }
  const own = protocolOf(protocols, scheme)?.servicePorts ?? [];
  if (holdsPort([...own, ...(policy.openPorts ?? [])], port) || !holdsPort(OTHER_SERVICES, port))
    return undefined;
  return deny('port', `port ${port} is that of another kind of service`);
}

/** A part of Bypass, resolved. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** What a host knows of its own surroundings. */
export interface Surroundings {
  /** Resolved addresses of those `policy.parts` that have the port. */
  readonly parts?: readonly Endpoint[];
  /** Addresses of the host beside loopback. */
  readonly ownAddresses?: readonly string[];
}

export function judgeAddress(
  policy: UrlPolicy,
  text: string,
  port: number,
  { parts = [], ownAddresses = [] }: Surroundings = {},
): Denial | undefined {
  const address = parseAddress(text);
  if (address === undefined) return deny('reserved', 'it has no address that can be judged');
  const forms = formsOf(address);
  const isHere = (other: string): boolean =>
    isLoopback(other) || ownAddresses.some((own) => isEqual(own, other));
  // A part of Bypass on this machine may listen on each of its addresses.
  const isAt = (part: Endpoint): boolean =>
    part.port === port &&
    (isEqual(part.address, text) || (isHere(text) && (isHere(part.address) || isWildcard(part.address))));
  if (parts.some(isAt)) return deny('own part', 'it leads to a part of Bypass itself');
  if (isInAny(forms, policy.denyAddresses ?? []))
    return deny('denied address', 'it leads to an address that is denied');
  const isOpened = (form: Address): boolean => isInAny([form], policy.openAddresses ?? []);
  const special = forms
    .filter((form) => !isOpened(form))
    .map(specialRule)
    .find((rule) => rule !== undefined);
  const rule = special ?? (isHere(text) && !forms.some(isOpened) ? 'own address' : undefined);
  if (rule !== undefined) return deny(rule, `it leads to ${SPECIAL_RULES[rule]}`);
  if (holdsPort(MIGRATION_PORTS, port) && !holdsPort(policy.openPorts ?? [], port) && !forms.every(isOpened))
    return deny('port', `port ${port} is that of another kind of service`);
  if (policy.onlyAddresses === undefined || isInAny(forms, policy.onlyAddresses)) return undefined;
  return deny('allowed addresses', 'it leads to an address that is not one of those allowed');
}

/** Judges a connection by the whole policy. */
export const judge = (
  policy: UrlPolicy,
  protocols: Protocols,
  { scheme, address, port }: { readonly scheme: string; readonly address: string; readonly port: number },
): Denial | undefined => judgeScheme(policy, scheme, port, protocols) ?? judgeAddress(policy, address, port);

/** A redirect from https to http loses the protection of TLS. */
export function judgeRedirect(policy: UrlPolicy, from: string, to: string): Denial | undefined {
  if (policy.followRedirects === false) return deny('redirect', 'it redirects, which is not followed');
  return from === 'https:' && to === 'http:' && policy.allowDowngrade !== true
    ? deny('downgrade', 'it redirects from https to http')
    : undefined;
}

/** For names that mean the host itself wherever they are resolved. */
export const LOOPBACK: readonly string[] = ['127.0.0.0/8', '::1/128'];
const LOOPBACK_BLOCKS = LOOPBACK.map(blockOf);

export function isLoopback(text: string): boolean {
  const address = parseAddress(text);
  return (
    address !== undefined &&
    formsOf(address).some((form) => LOOPBACK_BLOCKS.some((block) => isWithin(form, block)))
  );
}

/** Whether two texts name one address, such as `10.0.0.5` and `::ffff:10.0.0.5`. */
function isEqual(one: string, other: string): boolean {
  const [a, b] = [parseAddress(one), parseAddress(other)];
  if (a === undefined || b === undefined) return false;
  return formsOf(a).some((x) => formsOf(b).some((y) => x.bits === y.bits && x.value === y.value));
}

/** A server that listens on every address of its machine. */
export const isWildcard = (text: string): boolean => isEqual(text, '0.0.0.0') || isEqual(text, '::');

const isInAny = (forms: readonly Address[], blocks: readonly string[]): boolean =>
  blocks.some((text) => {
    const block = parseBlock(text);
    return block !== undefined && forms.some((form) => isWithin(form, block));
  });

/** @returns what is wrong with one entry of a list, as a sentence; undefined for a good entry */
export const entryChecks = {
  block: (text: string): string | undefined =>
    parseBlock(text) === undefined
      ? `'${text}' is not an address block such as 10.20.0.0/16 or fd12:3456::/32, with zeros behind its prefix`
      : undefined,
  ports: (text: string): string | undefined =>
    parsePorts(text) === undefined
      ? `'${text}' is not a port such as 443, or a range such as 8000-8999`
      : undefined,
  /** An unknown scheme is accepted and allows nothing: a newer control side may list it. */
  scheme: (text: string): string | undefined =>
    /^[a-z][a-z0-9+.-]*$/.test(text) ? undefined : `'${text}' is not a scheme such as https`,
  part: (text: string): string | undefined =>
    splitPart(text) === undefined
      ? `'${text}' is not an address or name with a port, such as db.example.org:5432`
      : undefined,
} as const;

const CHECKS: Readonly<Record<string, (text: string) => string | undefined>> = {
  schemes: entryChecks.scheme,
  onlyAddresses: entryChecks.block,
  denyAddresses: entryChecks.block,
  onlyPorts: entryChecks.ports,
  denyPorts: entryChecks.ports,
  parts: entryChecks.part,
};

/** @returns what is wrong with a received policy: an unreadable one must not count as one that restricts nothing */
export function checkPolicy(policy: unknown): string | undefined {
  if (typeof policy !== 'object' || policy === null) return 'is no object';
  const given = policy as Readonly<Record<string, unknown>>;
  for (const [name, check] of Object.entries(CHECKS)) {
    const list = given[name];
    if (list === undefined) continue;
    if (!Array.isArray(list)) return `has ${name} that is no list`;
    const wrong = list.map((entry: unknown) => (typeof entry === 'string' ? check(entry) : 'holds no text'));
    const first = wrong.find((sentence) => sentence !== undefined);
    if (first !== undefined) return `has ${name} that is not right: ${first}`;
  }
  const { http, https, none = [] } = (given['proxies'] ?? {}) as Readonly<Record<string, unknown>>;
  const proxies = [http, https]
    .filter((proxy) => proxy !== undefined)
    .map((proxy) => (typeof proxy === 'string' ? checkProxy(proxy) : 'is no text'));
  const wrong = proxies.find((sentence) => sentence !== undefined);
  if (wrong !== undefined) return `has a proxy that ${wrong}`;
  return Array.isArray(none) ? undefined : 'has a list of what needs no proxy that is none';
}

/** `host:port`, with brackets around an IPv6 address. @param host a name or an address */
export const joinPart = (host: string, port: number): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** The reverse of `joinPart`. @returns undefined for any other text */
export function splitPart(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, six, name = '', digits = ''] = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(text) ?? [];
  const port = Number(digits);
  const host = six ?? name;
  return host !== '' && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}
