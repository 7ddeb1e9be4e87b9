/**
 * Every setting of every process: its flag, its environment variable, its default and what it means. This table is
 * the one place where the environment is read, and what the README's table is compared with. Temporal's own settings
 * (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_TLS_…) are read by @temporalio/envconfig.
 */
export type ProcessName = 'dev' | 'demo' | 'api' | 'control' | 'host' | 'admin';

interface Setting {
  readonly variable: `BYPASS_${string}`;
  /** As commander writes it; the process commands take it. */
  readonly flag: `--${string}`;
  readonly fallback: string;
  readonly meaning: string;
  readonly processes: readonly ProcessName[];
}

const setting = (
  processes: readonly ProcessName[],
  variable: Setting['variable'],
  flag: Setting['flag'],
  fallback: string,
  meaning: string,
): Setting => ({ processes, variable, flag, fallback, meaning });

export const SETTINGS = {
  dataDir: setting(['dev'], 'BYPASS_DATA_DIR', '--data-dir', '.bypass', 'folder of all state of `npm start`'),
  hosts: setting(['dev'], 'BYPASS_HOSTS', '--hosts', '1', 'how many host workers `npm start` runs'),
  databaseUrl: setting(
    ['dev', 'api', 'control', 'admin'],
    'BYPASS_DATABASE_URL',
    '--database-url',
    '',
    'PostgreSQL 15 or newer, as `postgres://user:password@host:5432/bypass`; `npm start` without it runs its own',
  ),
  masterKeyFile: setting(
    ['dev', 'api', 'control', 'admin'],
    'BYPASS_MASTER_KEY_FILE',
    '--master-key-file',
    '/etc/bypass/master.key',
    'file (mode 0600) with the key that seals secrets in the database; made when absent by `bypass admin create`',
  ),
  apiAddress: setting(
    ['dev', 'api'],
    'BYPASS_API_ADDRESS',
    '--address',
    '127.0.0.1',
    'address on which the api listens',
  ),
  apiPort: setting(
    ['dev', 'api'],
    'BYPASS_API_PORT',
    '--port',
    '8080',
    'port of the api; 0 takes a free one (`npm start -- --port 0`: free ones for everything)',
  ),
  publicUrl: setting(
    ['api'],
    'BYPASS_PUBLIC_URL',
    '--public-url',
    '',
    'addresses by which people reach the api when a proxy is before it, such as `https://bypass.example.org`; no URL of an image may lead there',
  ),
  apiCalls: setting(
    ['dev', 'api'],
    'BYPASS_API_CALLS',
    '--api-calls',
    '500',
    'calls of one user in a second; more are answered 429 (0: no limit)',
  ),
  sessionIdle: setting(
    ['dev', 'api'],
    'BYPASS_SESSION_IDLE',
    '--session-idle',
    '30',
    'minutes after which a session that nobody uses is over',
  ),
  apiTlsCert: setting(
    ['api'],
    'BYPASS_API_TLS_CERT',
    '--tls-cert',
    '',
    'file (PEM) of the certificate, with its chain, by which the api speaks HTTPS; read again when it changes',
  ),
  apiTlsKey: setting(
    ['api'],
    'BYPASS_API_TLS_KEY',
    '--tls-key',
    '',
    'file (PEM, mode 0600) of the private key of that certificate',
  ),
  temporalPort: setting(
    ['dev'],
    'BYPASS_TEMPORAL_PORT',
    '--temporal-port',
    '7233',
    "port of the development server's gRPC",
  ),
  temporalUiPort: setting(
    ['dev'],
    'BYPASS_TEMPORAL_UI_PORT',
    '--temporal-ui-port',
    '8233',
    "port of Temporal's Web UI",
  ),
  temporalUiUrl: setting(
    ['api'],
    'BYPASS_TEMPORAL_UI_URL',
    '--temporal-ui-url',
    '',
    "address of Temporal's Web UI, which the api's page names; `npm start` gives that of its own",
  ),
  postgresPort: setting(
    ['dev'],
    'BYPASS_POSTGRES_PORT',
    '--postgres-port',
    '5433',
    'port of the embedded PostgreSQL',
  ),
  readyFile: setting(
    ['dev'],
    'BYPASS_READY_FILE',
    '--ready-file',
    '',
    'file (JSON, mode 0600) written once everything answers, and removed last',
  ),
  temporalAddress: setting(
    ['dev', 'api', 'control', 'host'],
    'BYPASS_TEMPORAL_ADDRESS',
    '--temporal-address',
    '',
    'Temporal server as `host:port`; when empty, as TEMPORAL_ADDRESS says; `npm start` without either runs its own',
  ),
  temporalNamespace: setting(
    ['dev', 'api', 'control', 'host'],
    'BYPASS_TEMPORAL_NAMESPACE',
    '--temporal-namespace',
    '',
    'Temporal namespace; when empty, as TEMPORAL_NAMESPACE says, else `default`',
  ),
  healthPort: setting(
    ['control', 'host'],
    'BYPASS_HEALTH_PORT',
    '--health-port',
    '',
    'port on 127.0.0.1 for /healthz and /readyz, and /metrics of the control worker; none when empty, a free one when 0',
  ),
  stateDir: setting(
    ['host'],
    'BYPASS_STATE_DIR',
    '--state-dir',
    '/var/lib/bypass',
    "folder (mode 0700) of the host's keys, id and lock",
  ),
  hostName: setting(
    ['host'],
    'BYPASS_HOST_NAME',
    '--name',
    '',
    "name of the host; the system's host name when empty",
  ),
  zone: setting(['host'], 'BYPASS_ZONE', '--zone', '', 'zone that the host belongs to, by name or id'),
  cluster: setting(
    ['host'],
    'BYPASS_CLUSTER',
    '--cluster',
    '',
    'cluster that the host belongs to, by name or id',
  ),
  pools: setting(
    ['host'],
    'BYPASS_POOLS',
    '--pools',
    '',
    'storage pools, separated by commas: `NAME=TYPE:SCOPE:PATH`, with `:create` behind it where this host may mark a new shared pool',
  ),
  invite: setting(
    ['host'],
    'BYPASS_INVITE',
    '--invite',
    '',
    'one-time token of `bypass host invite`; also read from a file when it begins with @',
  ),
  downloads: setting(
    ['host'],
    'BYPASS_DOWNLOADS',
    '--downloads',
    '2',
    'downloads at a time; others wait, by priority, then age',
  ),
  rateLimit: setting(
    ['host'],
    'BYPASS_RATE_LIMIT',
    '--rate-limit',
    '0',
    'bytes per second over all downloads of the host; 0 for no limit',
  ),
  connections: setting(
    ['host'],
    'BYPASS_CONNECTIONS',
    '--connections',
    '16',
    'connections of one download to one origin, at most; more than one are kept only where they bring more',
  ),
  unpackRatio: setting(
    ['host'],
    'BYPASS_UNPACK_RATIO',
    '--unpack-ratio',
    '500',
    'bytes that each byte of a packed image may unpack to; up to 256 MiB in all it may be more',
  ),
  maxVirtualSize: setting(
    ['host'],
    'BYPASS_MAX_VIRTUAL_SIZE',
    '--max-virtual-size',
    '16384',
    'GiB that an image may have as a VM sees it',
  ),
  allowSnapshots: setting(
    ['host'],
    'BYPASS_ALLOW_SNAPSHOTS',
    '--allow-snapshots',
    'no',
    'whether a QCOW2 image may have internal snapshots: yes or no',
  ),
  allowBitmaps: setting(
    ['host'],
    'BYPASS_ALLOW_BITMAPS',
    '--allow-bitmaps',
    'no',
    'whether a QCOW2 image may have persistent dirty bitmaps: yes or no',
  ),
  dnsTimeout: setting(
    ['host'],
    'BYPASS_DNS_TIMEOUT',
    '--dns-timeout',
    '10',
    'seconds for the name of a source to be resolved',
  ),
  connectTimeout: setting(
    ['host'],
    'BYPASS_CONNECT_TIMEOUT',
    '--connect-timeout',
    '10',
    'seconds for a source to accept a connection',
  ),
  tlsTimeout: setting(
    ['host'],
    'BYPASS_TLS_TIMEOUT',
    '--tls-timeout',
    '10',
    'seconds for the TLS handshake with a source',
  ),
  headersTimeout: setting(
    ['host'],
    'BYPASS_HEADERS_TIMEOUT',
    '--headers-timeout',
    '30',
    'seconds from a request to a source until the headers of its answer are complete',
  ),
  idleTimeout: setting(
    ['host'],
    'BYPASS_IDLE_TIMEOUT',
    '--idle-timeout',
    '60',
    'seconds that a source may send nothing in the middle of a file',
  ),
  minimumRate: setting(
    ['host'],
    'BYPASS_MINIMUM_RATE',
    '--minimum-rate',
    '1024',
    'bytes per second that a source must give; 0 for no minimum',
  ),
  minimumRateTime: setting(
    ['host'],
    'BYPASS_MINIMUM_RATE_TIME',
    '--minimum-rate-time',
    '30',
    'seconds over which the minimum rate is measured',
  ),
  retryAfterMost: setting(
    ['host'],
    'BYPASS_RETRY_AFTER_MOST',
    '--retry-after-most',
    '3600',
    'the longest wait in seconds that a source can ask for by Retry-After; no more than 3600 count',
  ),
  urlAllow: setting(
    ['host'],
    'BYPASS_URL_ALLOW',
    '--url-allow',
    '',
    'address blocks that URLs may lead to although they are refused at first, such as `fd00::/8,127.0.0.0/8`; `npm start` opens loopback',
  ),
  urlOnly: setting(
    ['host'],
    'BYPASS_URL_ONLY',
    '--url-only',
    '',
    'address blocks that URLs must lead to; any public or RFC 1918 address when empty',
  ),
  urlDeny: setting(
    ['host'],
    'BYPASS_URL_DENY',
    '--url-deny',
    '',
    'address blocks, and parts of Bypass as `host:port`, that no URL may lead to',
  ),
  urlPorts: setting(
    ['host'],
    'BYPASS_URL_PORTS',
    '--url-ports',
    '',
    'ports that URLs must have, such as `80,443,8000-8999`; all but those of other services when empty',
  ),
  urlDenyPorts: setting(
    ['host'],
    'BYPASS_URL_DENY_PORTS',
    '--url-deny-ports',
    '',
    'ports that no URL may have',
  ),
  urlSchemes: setting(
    ['host'],
    'BYPASS_URL_SCHEMES',
    '--url-schemes',
    'http,https,nfs',
    'schemes of URLs that are fetched',
  ),
  urlDowngrade: setting(
    ['host'],
    'BYPASS_URL_DOWNGRADE',
    '--url-downgrade',
    'zone',
    'whether https may redirect to http: `zone` for as the zone says, or `never`',
  ),
  httpProxy: setting(
    ['host'],
    'BYPASS_HTTP_PROXY',
    '--http-proxy',
    '',
    'proxy for http URLs, `http://user:password@host:port` or `https://…`, which is asked by CONNECT; when empty, as http_proxy says',
  ),
  httpsProxy: setting(
    ['host'],
    'BYPASS_HTTPS_PROXY',
    '--https-proxy',
    '',
    'the same for https URLs; when empty, as https_proxy says',
  ),
  noProxy: setting(
    ['host'],
    'BYPASS_NO_PROXY',
    '--without-proxy',
    '',
    'names, addresses and blocks that are reached without a proxy; when empty, as no_proxy says',
  ),
  proxyGuard: setting(
    ['host'],
    'BYPASS_PROXY_GUARD',
    '--proxy-guard',
    'zone',
    'whether a proxy may resolve names in the place of this host: `zone` for as the zone says, or `never`',
  ),
  fileMode: setting(['host'], 'BYPASS_FILE_MODE', '--file-mode', '0644', 'mode of published files, octal'),
  fileOwner: setting(
    ['host'],
    'BYPASS_FILE_OWNER',
    '--file-owner',
    '',
    'owner of published files as `UID:GID`; that of the host worker when empty',
  ),
  logLevel: setting(
    ['dev', 'demo', 'api', 'control', 'host', 'admin'],
    'BYPASS_LOG_LEVEL',
    '--log-level',
    'info',
    'trace, debug, info, warn, error or silent',
  ),
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

/** What was given: flags first, then the environment, then the default. */
export type Given = Readonly<Partial<Record<SettingName, string>>>;

export interface Settings {
  /** The text of a setting; empty when it has no default and was not given. */
  text(name: SettingName): string;
  /** @throws SettingError when it is no whole number from `min` on */
  number(name: SettingName, min?: number): number;
  /** @throws SettingError when it is empty */
  required(name: SettingName): string;
  /** Whether it was given at all. */
  given(name: SettingName): boolean;
}

/** A setting that cannot be used; its message says which and what would be right. */
export class SettingError extends Error {}

/** Variables of other programs that stand in for ours. */
const OTHERS: Readonly<Partial<Record<SettingName, string>>> = {
  httpProxy: 'http_proxy',
  httpsProxy: 'https_proxy',
  noProxy: 'no_proxy',
};

export function readSettings(flags: Given, environment: NodeJS.ProcessEnv): Settings {
  const value = (name: SettingName): string | undefined => {
    const other = OTHERS[name] ?? '';
    const variables = [SETTINGS[name].variable, other, other.toUpperCase()];
    return flags[name] ?? variables.map((variable) => environment[variable]).find((text) => text);
  };
  const text = (name: SettingName): string => value(name) ?? SETTINGS[name].fallback;
  return {
    text,
    given: (name) => value(name) !== undefined,
    number(name, min = 0) {
      const number = Number(text(name));
      if (/^\d+$/.test(text(name)) && Number.isSafeInteger(number) && number >= min) return number;
      throw new SettingError(`${label(name)} must be a whole number from ${min} on, not '${text(name)}'`);
    },
    required(name) {
      if (text(name) !== '') return text(name);
      throw new SettingError(`${label(name)} is missing: ${SETTINGS[name].meaning}`);
    },
  };
}

/** How a person gives a setting. */
export const label = (name: SettingName): string => `${SETTINGS[name].flag} (or ${SETTINGS[name].variable})`;
