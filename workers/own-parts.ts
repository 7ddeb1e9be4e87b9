/** What of this installation no URL may lead to, as a process knows it: told to the database, from where jobs take it. */
import { randomUUID } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Database } from '../db/database.ts';
import { forgetParts, noteParts } from '../db/own-parts.ts';
import { splitPart } from '../model/url-policy.ts';
import { label, SettingError } from './settings.ts';
import type { Settings } from './settings.ts';
import type { Logger } from './runtime.ts';

const TELL_MS = 60_000;

/** What the process connects to: PostgreSQL and Temporal. @param temporalAddress `host:port` */
export const serversOf = (settings: Settings, temporalAddress: string): readonly string[] => [
  partOf(settings.required('databaseUrl'), 5432),
  temporalAddress,
];

/**
 * Where the api is reached, and what its page names.
 * @param port that it listens on
 * @throws SettingError when an address by which people reach it is none
 */
export function partsOfApi(settings: Settings, port: number): readonly string[] {
  const address = settings.text('apiAddress');
  const listens = isWildcard(address) ? allAddresses() : [address];
  const ui = settings.text('temporalUiUrl');
  return [
    ...listens.map((one) => `${isIP(one) === 6 ? `[${one}]` : one}:${port}`),
    ...publicUrls(settings).map((url) => partOf(url)),
    ...(URL.canParse(ui) ? [partOf(ui)] : []),
  ];
}

/**
 * Tells them, and again from time to time: names may come to mean other addresses. Hosts may resolve a name to other
 * addresses than this process, or not at all, so both are told: the name, and its addresses as seen from here.
 * @returns what ends it, and has them forgotten
 */
export async function tellParts(
  { db, logger }: { readonly db: Database; readonly logger: Logger },
  parts: readonly string[],
): Promise<() => Promise<void>> {
  const process = randomUUID();
  const known = parts.filter((part) => splitPart(part) !== undefined);
  const tell = async (): Promise<void> => noteParts(db, process, await withAddresses(known));
  await tell();
  const timer = setInterval(() => {
    tell().catch((error: unknown) =>
      logger.warn({ err: error }, 'where this process is reached could not be written down; trying again'),
    );
  }, TELL_MS);
  return async () => {
    clearInterval(timer);
    await forgetParts(db, process).catch(() => undefined);
  };
}

/** By which people reach the api, beside where it listens. */
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

function partOf(text: string, usual?: number): string {
  const { protocol, hostname, port } = new URL(text);
  return `${hostname}:${port || (usual ?? PORTS[protocol])}`;
}

const isWildcard = (address: string): boolean => address === '0.0.0.0' || address === '::';

const allAddresses = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((found) => (found ?? []).map(({ address }) => address));

async function withAddresses(parts: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(parts.map(addressesOf));
  return [...parts, ...found.flat()];
}

async function addressesOf(part: string): Promise<readonly string[]> {
  const { host = '', port } = splitPart(part) ?? {};
  if (isIP(host) !== 0) return [];
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.map(({ address, family }) => `${family === 6 ? `[${address}]` : address}:${port}`);
}
