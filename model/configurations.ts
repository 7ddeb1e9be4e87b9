/** Settings that are kept in the database: for everything, and for a zone instead of that. The one table of them. */
import { ConfigurationError, count, flag, MAX_SECONDS, valueOf } from './configuration-kinds.ts';
import type { Configuration, ConfigurationValues, Definition } from './configuration-kinds.ts';
import { schemeCheck, schemesOf } from './protocols.ts';
import type { Protocols } from './protocols.ts';
import { checkNoProxy, checkProxy } from './proxy.ts';
import { MAX_TIMEOUT_MS } from './source-rules.ts';
import type { SourceTimeouts } from './source-rules.ts';
import { STORAGE } from './storage-configurations.ts';
import { entryChecks } from './url-policy.ts';
import type { UrlPolicy } from './url-policy.ts';
import { HOST_NETWORK_NAME } from './vms.ts';

export { ConfigurationError } from './configuration-kinds.ts';
export type { Configuration, ConfigurationValues } from './configuration-kinds.ts';
export { cleanupRulesOf, verificationRulesOf } from './storage-configurations.ts';

type Check = (entry: string) => string | undefined;
const split = (text: string): readonly string[] => text.split(/[\s,]+/).filter((entry) => entry !== '');

const list = (name: string, check: Check, description: string, fallback = ''): Definition => ({
  name,
  type: 'CSV',
  fallback,
  description,
  read(value) {
    const entries = split(value);
    const wrong = entries.map(check).find((sentence) => sentence !== undefined);
    if (wrong !== undefined) throw new ConfigurationError(wrong);
    return [...new Set(entries)].join(',');
  },
});

/** An empty value leaves the timeout to each host's own setting. */
const timeout = (name: string, setting: string, description: string): Definition => ({
  name,
  type: 'Integer',
  fallback: '',
  description: `milliseconds ${description}; as ${setting} of each host says when empty`,
  read(value) {
    const text = value.trim();
    if (text === '') return '';
    const ms = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (ms >= 1 && ms <= MAX_TIMEOUT_MS) return String(ms);
    throw new ConfigurationError(`'${value}' is not a whole number from 1 to ${MAX_TIMEOUT_MS}`);
  },
});

const proxy = (name: string, description: string): Definition => ({
  name,
  type: 'String',
  fallback: '',
  description,
  read(value) {
    const text = value.trim();
    if (text === '') return '';
    const wrong = checkProxy(text);
    if (wrong !== undefined) throw new ConfigurationError(`the proxy ${wrong}`);
    const { username, password, origin } = new URL(text);
    if (username === '' && password === '') return origin;
    throw new ConfigurationError(
      'the proxy has a password in it, which would be shown to administrators; give it to the hosts, as BYPASS_HTTP_PROXY and BYPASS_HTTPS_PROXY',
    );
  },
});

function originOf(entry: string): string | undefined {
  const url = URL.canParse(entry) ? new URL(entry) : undefined;
  const bare =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    entry.toLowerCase().replace(/\/$/, '') === url.origin;
  return bare
    ? undefined
    : `'${entry}' is not an origin such as https://cdn.example.org or http://10.0.0.5:8080`;
}

const NAMES = {
  only: 'direct.download.url.allow.cidr',
  deny: 'direct.download.url.deny.cidr',
  onlyPorts: 'direct.download.url.allow.ports',
  denyPorts: 'direct.download.url.deny.ports',
  schemes: 'direct.download.url.schemes',
  userSchemes: 'direct.download.url.user.schemes',
  parts: 'direct.download.url.deny.endpoints',
  downgrade: 'direct.download.url.allow.downgrade',
  origins: 'direct.download.url.header.origins',
  http: 'direct.download.url.http.proxy',
  https: 'direct.download.url.https.proxy',
  none: 'direct.download.url.no.proxy',
  guard: 'direct.download.url.proxy.is.guard',
  redirects: 'store.download.follow.redirects',
} as const;

const TIMEOUTS = {
  connectMs: 'direct.download.connect.timeout',
  headersMs: 'direct.download.connection.request.timeout',
  idleMs: 'direct.download.socket.timeout',
} as const satisfies Record<keyof SourceTimeouts, string>;

const urlDefinitions = (protocols: Protocols): readonly Definition[] => [
  list(
    NAMES.only,
    entryChecks.block,
    'address blocks that URLs must lead to; empty for all that hosts allow',
  ),
  list(NAMES.deny, entryChecks.block, 'address blocks that no URL may lead to'),
  list(
    NAMES.onlyPorts,
    entryChecks.ports,
    'ports that URLs must have, such as 443,8000-8999; empty for all that hosts allow',
  ),
  list(NAMES.denyPorts, entryChecks.ports, 'ports that no URL may have'),
  list(
    NAMES.schemes,
    schemeCheck(protocols),
    'schemes of URLs that are fetched',
    schemesOf(protocols).join(','),
  ),
  list(
    NAMES.userSchemes,
    schemeCheck(protocols),
    'those of them that are fetched for templates and ISOs of accounts other than administrators; empty for none',
    schemesOf(protocols.filter(({ openToUsers }) => openToUsers)).join(','),
  ),
  list(
    NAMES.parts,
    entryChecks.part,
    'endpoints, as host:port, that no URL may lead to, beside the parts of Bypass, which are known',
  ),
  flag(NAMES.redirects, 'whether redirects are followed', 'true'),
  flag(NAMES.downgrade, 'whether https may redirect to http'),
  list(
    NAMES.origins,
    originOf,
    "origins that get a template's headers and credentials when its own origin redirects there",
  ),
  proxy(NAMES.http, 'proxy for http URLs on hosts that have none of their own; it is asked by CONNECT'),
  proxy(NAMES.https, 'proxy for https URLs on hosts that have none of their own'),
  list(NAMES.none, checkNoProxy, 'names, addresses and blocks that are reached without these proxies'),
  flag(
    NAMES.guard,
    'whether proxies resolve and judge names in the place of hosts, which then judge literal addresses only',
  ),
];

const WAITING: readonly Definition[] = [
  timeout(TIMEOUTS.connectMs, 'BYPASS_CONNECT_TIMEOUT', 'for a source to accept a connection'),
  timeout(
    TIMEOUTS.headersMs,
    'BYPASS_HEADERS_TIMEOUT',
    'from a request to a source until the headers of its answer are complete',
  ),
  timeout(TIMEOUTS.idleMs, 'BYPASS_IDLE_TIMEOUT', 'that a source may send nothing in the middle of a file'),
];

const ORIGIN_FETCHES = count(
  'direct.download.origin.fetches',
  'copies of a template that are fetched from its origin at a time; other hosts of the zone get it from those that have it, where hosts have a door. 0: every host fetches from the origin',
  { fallback: 1, most: 1000 },
);

const ROLLOUTS = {
  perZone: count(
    'template.rollout.max.per.zone',
    'copies that roll-outs (prepareTemplate for many pools) bring onto pools of the zone at a time; downloads that others want count, and go first. 0: no limit',
    { fallback: 1000, most: 100_000 },
  ),
  perOrigin: count(
    'template.rollout.max.per.origin',
    'copies that roll-outs of the zone fetch from the same origin (the host of the URL) at a time, downloads from it to other zones included. 0: no limit',
    { fallback: 10, most: 100_000 },
  ),
} as const;

const RETENTION = { jobs: 'job.expire.minutes', events: 'event.purge.delay' } as const;

const KEEPING: readonly Definition[] = [
  count(RETENTION.jobs, 'minutes that a job is kept after its end; 0 for ever', {
    fallback: 1440,
    most: 5_256_000,
  }),
  count(RETENTION.events, 'days that an event is kept; 0 for ever', { fallback: 15, most: 36_500 }),
];

const MAX_FACTOR = 100;

const factor = (name: string, what: string, fallback: number): Definition => ({
  name,
  type: 'Float',
  fallback: String(fallback),
  description: `how many times the ${what} may be promised to virtual machines`,
  read(value) {
    const text = value.trim();
    if (/^\d{1,3}(\.\d{1,3})?$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_FACTOR)
      return String(Number(text));
    throw new ConfigurationError(`'${value}' is not a number from 1 to ${MAX_FACTOR}`);
  },
});

const FACTORS = {
  cpu: factor('cpu.overprovisioning.factor', 'processors of a host', 1),
  memory: factor('mem.overprovisioning.factor', 'memory of a host', 1),
  storage: factor('storage.overprovisioning.factor', 'space of a storage pool', 2),
} as const;

const DEFAULT_NETWORK: Definition = {
  name: 'vm.network.default',
  type: 'String',
  fallback: 'guest',
  description: 'the network, by the name with which hosts offer it, for networks that name none',
  read(value) {
    const name = value.trim();
    if (HOST_NETWORK_NAME.test(name)) return name;
    throw new ConfigurationError(`'${value}' is no name of a network of hosts, such as guest or lan`);
  },
};

const MAX_USER_DATA = count('vm.userdata.max.length', 'characters of base64 that user data may have', {
  fallback: 32_768,
  most: 1_048_576,
});

const FOR_USERS = {
  expunge: flag(
    'allow.user.expunge.recover.vm',
    'whether users may expunge and recover their virtual machines',
  ),
  destroyed: flag(
    'allow.user.view.destroyed.vm',
    'whether users see their virtual machines that are destroyed',
  ),
} as const;

const FORCED_DESTROY = flag(
  'vm.destroy.forcestop',
  'whether a virtual machine that is destroyed is stopped by force, without asking its guest',
);

const EXPUNGE_DELAY = count(
  'expunge.delay',
  'seconds after which a destroyed virtual machine is expunged; until then it can be recovered',
  { fallback: 86_400, most: MAX_SECONDS },
);

const EXPUNGE_INTERVAL = count(
  'expunge.interval',
  'seconds between two looks for machines to expunge, for clients that wait for it; Bypass looks each minute, whatever it says',
  { fallback: 60, most: MAX_SECONDS },
);

/** Every setting, by subject. */
export const configurations = (protocols: Protocols): readonly Configuration[] => [
  ...[...urlDefinitions(protocols), ...WAITING, ORIGIN_FETCHES, ...Object.values(ROLLOUTS)].map(
    (one) => ({ ...one, category: 'Direct download', scope: 'Zone' }) as const,
  ),
  ...STORAGE.map((one) => ({ ...one, category: 'Storage', scope: 'Zone' }) as const),
  ...[DEFAULT_NETWORK, ...Object.values(FACTORS)].map(
    (one) => ({ ...one, category: 'Virtual machines', scope: 'Zone' }) as const,
  ),
  ...[MAX_USER_DATA, EXPUNGE_DELAY, EXPUNGE_INTERVAL, ...Object.values(FOR_USERS), FORCED_DESTROY].map(
    (one) => ({ ...one, category: 'Virtual machines', scope: 'Global' }) as const,
  ),
  ...KEEPING.map((one) => ({ ...one, category: 'Advanced', scope: 'Global' }) as const),
];

/** @param name in any case */
export const findConfiguration = (name: string, protocols: Protocols): Configuration | undefined =>
  configurations(protocols).find((known) => known.name === name.trim().toLowerCase());

/**
 * What the jobs of a zone carry for its hosts.
 * @param isAdmin whether the template or ISO is an administrator's
 */
export function policyOf(values: ConfigurationValues, isAdmin: boolean, protocols: Protocols): UrlPolicy {
  const text = (name: string): string => values[name] ?? findConfiguration(name, protocols)?.fallback ?? '';
  const entries = (name: string): readonly string[] => split(text(name));
  const whenGiven = (key: keyof UrlPolicy, name: string): UrlPolicy =>
    entries(name).length === 0 ? {} : { [key]: entries(name) };
  const [http, https, none] = [text(NAMES.http), text(NAMES.https), entries(NAMES.none)];
  const schemes = entries(NAMES.schemes).length === 0 ? schemesOf(protocols) : entries(NAMES.schemes);
  return {
    ...whenGiven('onlyAddresses', NAMES.only),
    ...whenGiven('denyAddresses', NAMES.deny),
    ...whenGiven('onlyPorts', NAMES.onlyPorts),
    ...whenGiven('denyPorts', NAMES.denyPorts),
    schemes: isAdmin ? schemes : schemes.filter((scheme) => entries(NAMES.userSchemes).includes(scheme)),
    ...whenGiven('parts', NAMES.parts),
    ...(text(NAMES.redirects) === 'false' ? { followRedirects: false } : {}),
    allowDowngrade: text(NAMES.downgrade) === 'true',
    proxyIsGuard: text(NAMES.guard) === 'true',
    ...(http === '' && https === ''
      ? {}
      : { proxies: { ...(http === '' ? {} : { http }), ...(https === '' ? {} : { https }), none } }),
  };
}

/** What the jobs of a zone carry instead of their hosts' own. */
export function timeoutsOf(values: ConfigurationValues): SourceTimeouts {
  const set = Object.entries(TIMEOUTS).filter(([, name]) => (values[name] ?? '') !== '');
  return Object.fromEntries(set.map(([key, name]) => [key, Number(values[name])]));
}

export interface Retention {
  /** Minutes after the end of a job. */
  readonly jobMinutes: number;
  readonly eventDays: number;
}

/** How long what has happened is kept; 0 for ever. */
export function retentionOf(values: ConfigurationValues): Retention {
  const number = (name: string): number =>
    Number(values[name] ?? KEEPING.find((one) => one.name === name)?.fallback ?? 0);
  return { jobMinutes: number(RETENTION.jobs), eventDays: number(RETENTION.events) };
}

/** Origins that a zone trusts with headers. */
export const headerOriginsOf = (values: ConfigurationValues): readonly string[] =>
  split(values[NAMES.origins] ?? '');

/** Copies of a template in a zone that are fetched from the origin at a time; 0: peers are off. */
export const originFetchesOf = (values: ConfigurationValues): number =>
  Number(valueOf(values, ORIGIN_FETCHES));

/** How many copies the roll-outs of a zone bring at a time: Infinity where there is no limit. */
export const rolloutLimitsOf = (
  values: ConfigurationValues,
): Readonly<Record<keyof typeof ROLLOUTS, number>> => ({
  perZone: Number(valueOf(values, ROLLOUTS.perZone)) || Infinity,
  perOrigin: Number(valueOf(values, ROLLOUTS.perOrigin)) || Infinity,
});

/** The network of hosts for networks of a zone that name none. */
export const defaultNetworkOf = (values: ConfigurationValues): string => valueOf(values, DEFAULT_NETWORK);

/** Characters of base64 that user data may have. */
export const maxUserDataOf = (values: ConfigurationValues): number => Number(valueOf(values, MAX_USER_DATA));

/** Seconds after which a destroyed machine is expunged. */
export const expungeDelayOf = (values: ConfigurationValues): number => Number(valueOf(values, EXPUNGE_DELAY));

/** The settings that `overprovisioningOf` reads. */
export const OVERPROVISIONING_NAMES = Object.values(FACTORS).map(({ name }) => name);

/** How many times what a zone has may be promised to virtual machines. */
export const overprovisioningOf = (
  values: ConfigurationValues,
): Readonly<Record<keyof typeof FACTORS, number>> => ({
  cpu: Number(valueOf(values, FACTORS.cpu)),
  memory: Number(valueOf(values, FACTORS.memory)),
  storage: Number(valueOf(values, FACTORS.storage)),
});

export const mayUsersExpunge = (values: ConfigurationValues): boolean =>
  valueOf(values, FOR_USERS.expunge) === 'true';

export const mayUsersSeeDestroyed = (values: ConfigurationValues): boolean =>
  valueOf(values, FOR_USERS.destroyed) === 'true';

export const isDestroyForced = (values: ConfigurationValues): boolean =>
  valueOf(values, FORCED_DESTROY) === 'true';
