/**
 * The endpoints of this process that no URL of a template may lead to. The process publishes them in the database, from
 * where the jobs of hosts take them.
 */
import { randomUUID } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Database } from '../db/database.ts';
import { recordProtectedEndpoints, removeProtectedEndpoints } from '../db/hosts/protected-endpoints.ts';
import { isWildcard, joinPart, splitPart } from '../model/url-policy.ts';
import { label, SettingError } from './settings.ts';
import type { Settings } from './settings.ts';
import type { Logger } from './runtime.ts';

const PUBLISH_EVERY_MS = 60_000;

/** The servers that the process connects to: PostgreSQL and Temporal. @param temporalAddress `host:port` */
export const serverEndpoints = (settings: Settings, temporalAddress: string): readonly string[] => [
  endpointOf(settings.required('databaseUrl'), 5432),
  temporalAddress,
];

/**
 * The endpoints of the api, and of Temporal's Web UI, which the page links to.
 * @param port on which the api listens
 * @throws SettingError when a public URL of the settings is no URL
 */
export function apiEndpoints(settings: Settings, port: number): readonly string[] {
  const address = settings.text('apiAddress');
  const listens = isWildcard(address) ? allAddresses() : [address];
  const ui = settings.text('temporalUiUrl');
  return [
    ...listens.map((one) => joinPart(one, port)),
    ...publicUrls(settings).map((url) => endpointOf(url)),
    ...(URL.canParse(ui) ? [endpointOf(ui)] : []),
  ];
}

/**
 * Publishes the endpoints, and again every minute, since a name may resolve to other addresses later. Hosts may resolve a
 * name to other addresses than this process, or not at all: both the name and its addresses as seen from here are published.
 * @returns stops publishing and removes the endpoints
 */
export async function publishEndpoints(
  { db, logger }: { readonly db: Database; readonly logger: Logger },
  endpoints: readonly string[],
): Promise<() => Promise<void>> {
  const process = randomUUID();
  const known = endpoints.filter((endpoint) => splitPart(endpoint) !== undefined);
  const publish = async (): Promise<void> =>
    recordProtectedEndpoints(db, process, await withAddresses(known));
  await publish();
  const timer = setInterval(() => {
    publish().catch((error: unknown) =>
      logger.warn({ err: error }, 'where this process is reached could not be written down; trying again'),
    );
  }, PUBLISH_EVERY_MS);
  return async () => {
    clearInterval(timer);
    await removeProtectedEndpoints(db, process).catch(() => undefined);
  };
}

/** URLs at which people reach the api, besides the address that it listens on. */
export function publicUrls(settings: Settings): readonly string[] {
  const urls = settings
    .text('publicUrl')
    .split(/[\s,]+/)
    .filter((url) => url !== '');
  const wrong = urls.find((url) => !/^https?:\/\//i.test(url) || !URL.canParse(url));
  if (wrong === undefined) return urls;
  throw new SettingError(
    `${label('publicUrl')} has '${wrong}', which is no URL such as https://bypass.example.org`,
  );
}

const PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

function endpointOf(text: string, defaultPort?: number): string {
  const { protocol, hostname, port } = new URL(text);
  return `${hostname}:${port || (defaultPort ?? PORTS[protocol])}`;
}

const allAddresses = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((found) => (found ?? []).map(({ address }) => address));

async function withAddresses(endpoints: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(endpoints.map(addressesOf));
  return [...endpoints, ...found.flat()];
}

async function addressesOf(endpoint: string): Promise<readonly string[]> {
  const { host, port } = splitPart(endpoint) ?? { host: '', port: 0 };
  if (isIP(host) !== 0) return [];
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.map(({ address }) => joinPart(address, port));
}
