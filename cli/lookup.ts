/** Finds the one thing that a person means by a name or an id. */
import { distance } from 'fastest-levenshtein';
import type { ApiClient, Parameters } from './client.ts';
import type {
  Account,
  Cluster,
  Host,
  Template,
  OsType,
  StoragePool,
  User,
  Zone,
} from '../model/api-answers.ts';
import { CliError, UsageError } from './errors.ts';
import { imageNouns, listImages } from './images.ts';
import type { ImageNoun } from './images.ts';

export interface Named {
  readonly id: string;
  readonly name: string;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
export const isId = (text: string): boolean => UUID.test(text);

/** How many names an error lists. */
const MAX_NAMES = 8;

/**
 * Finds the one entry with this name or id.
 * @param what the noun for messages, such as `storage pool`
 * @throws CliError that lists the existing names, UsageError with the ids when several have the name
 */
export function pick<T extends Named>(what: string, text: string, candidates: readonly T[]): T {
  const byId = candidates.find(({ id }) => id.toLowerCase() === text.toLowerCase());
  if (byId !== undefined) return byId;
  const [first, ...others] = candidates.filter(({ name }) => name === text);
  if (first === undefined)
    throw new CliError(
      `there is no ${what} '${text}'${suggestion(text, candidates) ?? existing(candidates)}`,
    );
  if (others.length > 0) {
    const ids = [first, ...others].map(({ id }) => id);
    throw new UsageError(`more than one ${what} is called '${text}', so give an id: ${ids.join(' or ')}`);
  }
  return first;
}

/** The most similar name. At most one letter in three may differ; upper and lower case do not count. */
function suggestion(text: string, candidates: readonly Named[]): string | undefined {
  const mistakes = ({ name }: Named): number => distance(name.toLowerCase(), text.toLowerCase());
  const [nearest] = candidates.toSorted((a, b) => mistakes(a) - mistakes(b));
  if (nearest === undefined || mistakes(nearest) > nearest.name.length / 3) return undefined;
  return `; did you mean '${nearest.name}'?`;
}

function existing(candidates: readonly Named[]): string {
  if (candidates.length === 0) return '';
  const names = candidates.slice(0, MAX_NAMES).map(({ name }) => name);
  return ` (there ${candidates.length === 1 ? 'is' : 'are'}: ${names.join(', ')}${candidates.length > MAX_NAMES ? ', and others' : ''})`;
}

export const listZones = (api: ApiClient): Promise<readonly Zone[]> => api.list('listZones', 'zone');
export const listPools = (api: ApiClient): Promise<readonly StoragePool[]> =>
  api.list('listStoragePools', 'storagepool');
export const listHosts = (api: ApiClient): Promise<readonly Host[]> =>
  api.list('listHosts', 'host', { type: 'Routing' });
export const listClusters = (api: ApiClient): Promise<readonly Cluster[]> =>
  api.list('listClusters', 'cluster');

export const listAccounts = (api: ApiClient): Promise<readonly Account[]> =>
  api.list('listAccounts', 'account');

export const findZone = async (api: ApiClient, text: string): Promise<Zone> =>
  pick('zone', text, await listZones(api));
export const findPool = async (api: ApiClient, text: string): Promise<StoragePool> =>
  pick('storage pool', text, await listPools(api));
export const findCluster = async (api: ApiClient, text: string): Promise<Cluster> =>
  pick('cluster', text, await listClusters(api));
export const findHost = async (api: ApiClient, text: string): Promise<Host> =>
  pick('host', text, await listHosts(api));

export async function findUser(api: ApiClient, text: string): Promise<Named> {
  const users = await api.list<User>('listUsers', 'user');
  return pick(
    'user',
    text,
    users.map(({ id, username }) => ({ id, name: username })),
  );
}

/** The zone with this name or id. Default: the only zone, if there is just one. */
export const findZoneOrOnly = async (api: ApiClient, text: string | undefined): Promise<Zone> =>
  pickOrOnly('zone', text, await listZones(api), {
    option: '--zone',
    make: 'bypass zone create NAME',
  });

/**
 * The candidate with this name or id. Default: the only one, if there is just one.
 * @param option by which a person chooses, such as `--zone`
 * @param make the command that makes the first
 */
export function pickOrOnly<T extends Named>(
  what: string,
  text: string | undefined,
  candidates: readonly T[],
  { option, make }: { readonly option: string; readonly make: string },
): T {
  if (text !== undefined) return pick(what, text, candidates);
  const [only] = candidates;
  if (only === undefined) throw new UsageError(`there is no ${what} yet: make one with \`${make}\``);
  if (candidates.length > 1) {
    throw new UsageError(
      `there are ${candidates.length} ${what}s, so choose one with ${option}${existing(candidates)}`,
    );
  }
  return only;
}

/** The id of a guest operating system, by its id or its description, in any case. */
export async function findOsType(api: ApiClient, text: string): Promise<string> {
  if (isId(text)) return text;
  const types = await api.list<OsType>('listOsTypes', 'ostype');
  const named = types.map(({ id, description }) => ({ id, name: description }));
  const alike = named.find(({ name }) => name.toLowerCase() === text.toLowerCase());
  return (alike ?? pick('OS type', text, named)).id;
}

/** A template or ISO with all its zones. */
export interface Image extends Named {
  readonly noun: ImageNoun;
  readonly zones: readonly Named[];
  /** The entry of its first zone, as the api listed it. */
  readonly answer: Template;
}

/** Finds an image by name or id, among templates and ISOs, or among one of them if a noun is given. */
export async function findImage(
  api: ApiClient,
  text: string,
  nouns: readonly ImageNoun[] = imageNouns,
): Promise<Image> {
  const list = async (filter: Parameters): Promise<readonly Image[]> =>
    (await Promise.all(nouns.map(async (noun) => gather(noun, await listImages(api, noun, filter))))).flat();
  const what = nouns.map(({ title }) => title).join(' or ');
  // The id may belong to the other noun, so `ids` is used: an unknown id in `ids` gives an empty list, in `id` an error.
  const found = await list(isId(text) ? { ids: text.toLowerCase() } : { name: text });
  const meant = found.filter(({ id, name }) => id === text.toLowerCase() || name === text);
  if (meant.length > 0 || isId(text)) return pick(what, text, meant);
  // There may be thousands of images, so the message suggests a similar name instead of listing all.
  throw new CliError(`there is no ${what} '${text}'${suggestion(text, await list({})) ?? ''}`);
}

/** The api lists an image once per zone. */
export function gather(noun: ImageNoun, rows: readonly Template[]): readonly Image[] {
  const images = new Map<string, Image>();
  for (const answer of rows) {
    const { id, name, zoneid, zonename } = answer;
    const zone = zoneid === undefined ? [] : [{ id: zoneid, name: zonename ?? zoneid }];
    const known = images.get(id);
    images.set(id, {
      id,
      name,
      noun,
      answer: known?.answer ?? answer,
      zones: [...(known?.zones ?? []), ...zone],
    });
  }
  return [...images.values()];
}
