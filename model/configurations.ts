/** Settings that are kept in the database: for everything, and for a zone instead of that. The one table of them. */
import { checkNoProxy, checkProxy } from './proxy.ts';
import { MOST_TIMEOUT_MS } from './source-rules.ts';
import type { SourceTimeouts } from './source-rules.ts';
import { entryChecks, SCHEMES } from './url-policy.ts';
import type { UrlPolicy } from './url-policy.ts';

export interface Configuration {
  readonly name: string;
  readonly category: string;
  readonly type: 'String' | 'Boolean' | 'CSV' | 'Integer';
  /** `Zone`: a zone may have a value of its own. */
  readonly scope: 'Zone' | 'Global';
  readonly fallback: string;
  readonly description: string;
  /**
   * The value as it is kept.
   * @throws ConfigurationError with a sentence that says what would be right
   */
  readonly read: (value: string) => string;
}

export class ConfigurationError extends Error {}

type Check = (entry: string) => string | undefined;
type Definition = Omit<Configuration, 'category' | 'scope'>;

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

const flag = (name: string, description: string, fallback: 'true' | 'false' = 'false'): Definition => ({
  name,
  type: 'Boolean',
  fallback,
  description,
  read(value) {
    const word = value.trim().toLowerCase();
    if (word === 'true' || word === 'false') return word;
    throw new ConfigurationError(`'${value}' is neither true nor false`);
  },
});

const count = (
  name: string,
  description: string,
  { fallback, most }: { readonly fallback: number; readonly most: number },
): Definition => ({
  name,
  type: 'Integer',
  fallback: String(fallback),
  description,
  read(value) {
    const text = value.trim();
    if (/^\d{1,9}$/.test(text) && Number(text) <= most) return String(Number(text));
    throw new ConfigurationError(`'${value}' is not a whole number from 0 to ${most}`);
  },
});

/** Where it is empty, each host's own setting holds. */
const timeout = (name: string, setting: string, description: string): Definition => ({
  name,
  type: 'Integer',
  fallback: '',
  description: `milliseconds ${description}; as ${setting} of each host says when empty`,
  read(value) {
    const text = value.trim();
    if (text === '') return '';
    const ms = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (ms >= 1 && ms <= MOST_TIMEOUT_MS) return String(ms);
    throw new ConfigurationError(`'${value}' is not a whole number from 1 to ${MOST_TIMEOUT_MS}`);
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

const URLS: readonly Definition[] = [
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
  list(NAMES.schemes, entryChecks.scheme, 'schemes of URLs that are fetched', SCHEMES.join(',')),
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

const RETENTION = { jobs: 'job.expire.minutes', events: 'event.purge.delay' } as const;

const KEEPING: readonly Definition[] = [
  count(RETENTION.jobs, 'minutes that a job is kept after its end; 0 for ever', {
    fallback: 1440,
    most: 5_256_000,
  }),
  count(RETENTION.events, 'days that an event is kept; 0 for ever', { fallback: 15, most: 36_500 }),
];

/** Those of another subject go behind these. */
export const CONFIGURATIONS: readonly Configuration[] = [
  ...[...URLS, ...WAITING].map((one) => ({ ...one, category: 'Direct download', scope: 'Zone' }) as const),
  ...KEEPING.map((one) => ({ ...one, category: 'Advanced', scope: 'Global' }) as const),
];

/** @param name in any case */
export const findConfiguration = (name: string): Configuration | undefined =>
  CONFIGURATIONS.find((known) => known.name === name.trim().toLowerCase());

/** Values by name, of those that were set. */
export type ConfigurationValues = Readonly<Record<string, string>>;

/** What the jobs of a zone carry for its hosts. */
export function policyOf(values: ConfigurationValues): UrlPolicy {
  const text = (name: string): string => values[name] ?? findConfiguration(name)?.fallback ?? '';
  const entries = (name: string): readonly string[] => split(text(name));
  const whenGiven = (key: keyof UrlPolicy, name: string): UrlPolicy =>
    entries(name).length === 0 ? {} : { [key]: entries(name) };
  const [http, https, none] = [text(NAMES.http), text(NAMES.https), entries(NAMES.none)];
  return {
    ...whenGiven('onlyAddresses', NAMES.only),
    ...whenGiven('denyAddresses', NAMES.deny),
    ...whenGiven('onlyPorts', NAMES.onlyPorts),
    ...whenGiven('denyPorts', NAMES.denyPorts),
    ...whenGiven('schemes', NAMES.schemes),
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
  const number = (name: string): number => Number(values[name] ?? findConfiguration(name)?.fallback ?? 0);
  return { jobMinutes: number(RETENTION.jobs), eventDays: number(RETENTION.events) };
}

/** Origins that a zone trusts with headers. */
export const headerOriginsOf = (values: ConfigurationValues): readonly string[] =>
  split(values[NAMES.origins] ?? '');
