/**
 * What hosts may be made to connect to. A host has a policy of its own, its configuration; a job brings that of its
 * zone, which can only narrow it. Both are plain data; what is judged is a scheme, a port and a resolved address.
 */
import { blockOf, commonBlocks, formsOf, isWithin, parseAddress, parseBlock } from './addresses.ts';
import type { Address } from './addresses.ts';
import { commonPorts, holdsPort, OTHER_SERVICES, parsePorts } from './ports.ts';
import { checkProxy } from './proxy.ts';
import type { Proxies } from './proxy.ts';
import { SPECIAL_RULES, specialRule } from './special-addresses.ts';
import type { SpecialRule } from './special-addresses.ts';

export const SCHEMES: readonly string[] = ['http', 'https', 'nfs'];

/** All lists are of texts as settings write them; what is absent restricts nothing. */
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
  /** Whether redirects are followed at all; they are when absent. */
  readonly followRedirects?: boolean;
  /** Whether https may redirect to http. A host allows it when absent, a job does not. */
  readonly allowDowngrade?: boolean;
  /** Whether a proxy may resolve names in the host's place. A host allows it when absent, a job does not. */
  readonly proxyIsGuard?: boolean;
  /** For hosts that have none of their own. */
  readonly proxies?: Proxies;
  /** Of a host alone: blocks that are allowed although they are special. In a job it means nothing. */
  readonly openAddresses?: readonly string[];
  /** Of a host alone: ports that are allowed although other services have them. */
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
  /** Why, so that it can stand behind the URL: no address that was found, which is not for everybody to know. */
  readonly sentence: string;
}

const deny = (rule: UrlRule, what: string): Denial => ({
  rule,
  sentence: `is refused by the URL policy, rule "${rule}": ${what}`,
});

/**
 * The host's policy where the job's holds as well: nothing is allowed that either refuses. What a job does not say is
 * as strict as can be.
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

/** What can be judged of a URL before its name is resolved. @param scheme without a colon */
export function judgeScheme(policy: UrlPolicy, scheme: string, port: number): Denial | undefined {
  const schemes = policy.schemes ?? SCHEMES;
  if (!schemes.includes(scheme)) return deny('scheme', `only ${schemes.join(', ')} URLs are fetched`);
  if (holdsPort(policy.denyPorts ?? [], port)) return deny('denied port', `port ${port} is not connected to`);
  if (policy.onlyPorts !== undefined && !holdsPort(policy.onlyPorts, port)) {
    return deny('port', `port ${port} is not one of those allowed`);
  }
  const own = scheme === 'nfs' ? ['111', '2049'] : [];
  if (holdsPort([...own, ...(policy.openPorts ?? [])], port) || !holdsPort(OTHER_SERVICES, port))
    return undefined;
  return deny('port', `port ${port} is that of another kind of service`);
}

/** A part of Bypass, resolved. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** @param parts what `policy.parts` of this port resolve to */
export function judgeAddress(
  policy: UrlPolicy,
  text: string,
  port: number,
  parts: readonly Endpoint[] = [],
): Denial | undefined {
  const address = parseAddress(text);
  if (address === undefined) return deny('reserved', 'it has no address that can be judged');
  const forms = formsOf(address);
  const isAt = (endpoint: Endpoint): boolean =>
    endpoint.port === port && forms.some((form) => isSame(form, parseAddress(endpoint.address)));
  if (parts.some(isAt)) return deny('own part', 'it leads to a part of Bypass itself');
  if (isInAny(forms, policy.denyAddresses ?? []))
    return deny('denied address', 'it leads to an address that is denied');
  for (const form of forms) {
    const rule = specialRule(form);
    if (rule !== undefined && !isInAny([form], policy.openAddresses ?? [])) {
      return deny(rule, `it leads to ${SPECIAL_RULES[rule]}`);
    }
  }
  if (policy.onlyAddresses === undefined || isInAny(forms, policy.onlyAddresses)) return undefined;
  return deny('allowed addresses', 'it leads to an address that is not one of those allowed');
}

/** All of it at once: whether a connection may be made. */
export const judge = (policy: UrlPolicy, scheme: string, address: string, port: number): Denial | undefined =>
  judgeScheme(policy, scheme, port) ?? judgeAddress(policy, address, port);

/** A redirect from https to http loses what TLS gave. */
export function judgeRedirect(policy: UrlPolicy, from: string, to: string): Denial | undefined {
  if (policy.followRedirects === false) return deny('redirect', 'it redirects, which is not followed');
  return from === 'https:' && to === 'http:' && policy.allowDowngrade !== true
    ? deny('downgrade', 'it redirects from https to http')
    : undefined;
}

/** For the names that stand for the host itself wherever they are resolved. */
export const LOOPBACK: readonly string[] = ['127.0.0.0/8', '::1/128'];
const LOOPBACK_BLOCKS = LOOPBACK.map(blockOf);

export function isLoopback(text: string): boolean {
  const address = parseAddress(text);
  return (
    address !== undefined &&
    formsOf(address).some((form) => LOOPBACK_BLOCKS.some((block) => isWithin(form, block)))
  );
}

const isSame = (one: Address, other: Address | undefined): boolean =>
  other !== undefined && formsOf(other).some(({ bits, value }) => bits === one.bits && value === one.value);

const isInAny = (forms: readonly Address[], blocks: readonly string[]): boolean =>
  blocks.some((text) => {
    const block = parseBlock(text);
    return block !== undefined && forms.some((form) => isWithin(form, block));
  });

/** @returns what is wrong with one entry of a list, as a sentence; undefined when nothing is */
export const entryChecks = {
  block: (text: string): string | undefined =>
    parseBlock(text) === undefined
      ? `'${text}' is not an address block such as 10.20.0.0/16 or fd12:3456::/32, with zeros behind its prefix`
      : undefined,
  ports: (text: string): string | undefined =>
    parsePorts(text) === undefined
      ? `'${text}' is not a port such as 443, or a range such as 8000-8999`
      : undefined,
  scheme: (text: string): string | undefined =>
    SCHEMES.includes(text) ? undefined : `'${text}' is not one of ${SCHEMES.join(', ')}`,
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

/** @returns what is wrong with a policy that came from elsewhere: one that cannot be read must not be taken as wide */
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

/** `host:port`, with brackets around an IPv6 address. */
export function splitPart(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, six, name = '', digits = ''] = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(text) ?? [];
  const port = Number(digits);
  const host = six ?? name;
  return host !== '' && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}
