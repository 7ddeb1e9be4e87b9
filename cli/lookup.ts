/** Names or ids, wherever one is expected: what a person types → the one thing meant. */
import type { ApiClient } from './client.ts';
import type {
  ClusterAnswer,
  HostAnswer,
  ImageAnswer,
  OsTypeAnswer,
  PoolAnswer,
  ZoneAnswer,
} from './answers.ts';
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
const NAMES_TOLD = 8;

/**
 * @param what the thing in words, such as `storage pool`
 * @throws CliError listing what there is, UsageError with the ids among which to choose
 */
export function pick<T extends Named>(what: string, text: string, candidates: readonly T[]): T {
  const byId = candidates.find(({ id }) => id.toLowerCase() === text.toLowerCase());
  if (byId !== undefined) return byId;
  const [first, ...others] = candidates.filter(({ name }) => name === text);
  if (first === undefined) throw new CliError(`there is no ${what} '${text}'${told(candidates)}`);
  if (others.length > 0) {
    const ids = [first, ...others].map(({ id }) => id);
    throw new UsageError(`more than one ${what} is called '${text}', so give an id: ${ids.join(' or ')}`);
  }
  return first;
}

function told(candidates: readonly Named[]): string {
  if (candidates.length === 0) return '';
  const names = candidates.slice(0, NAMES_TOLD).map(({ name }) => name);
  return ` (there ${candidates.length === 1 ? 'is' : 'are'}: ${names.join(', ')}${candidates.length > NAMES_TOLD ? ', and others' : ''})`;
}

export const listZones = (api: ApiClient): Promise<readonly ZoneAnswer[]> => api.list('listZones', 'zone');
export const listPools = (api: ApiClient): Promise<readonly PoolAnswer[]> =>
  api.list('listStoragePools', 'storagepool');
export const listHosts = (api: ApiClient): Promise<readonly HostAnswer[]> =>
  api.list('listHosts', 'host', { type: 'Routing' });
export const listClusters = (api: ApiClient): Promise<readonly ClusterAnswer[]> =>
  api.list('listClusters', 'cluster');

export const findZone = async (api: ApiClient, text: string): Promise<ZoneAnswer> =>
  pick('zone', text, await listZones(api));
export const findPool = async (api: ApiClient, text: string): Promise<PoolAnswer> =>
  pick('storage pool', text, await listPools(api));
export const findHost = async (api: ApiClient, text: string): Promise<HostAnswer> =>
  pick('host', text, await listHosts(api));

/** The zone of that name or id; without one, the only zone there is. */
export async function findZoneOrOnly(api: ApiClient, text: string | undefined): Promise<ZoneAnswer> {
  if (text !== undefined) return findZone(api, text);
  const zones = await listZones(api);
  const [only] = zones;
  if (only === undefined)
    throw new UsageError('there is no zone yet: make one with `bypass zone create NAME`');
  if (zones.length > 1) {
    throw new UsageError(`there are ${zones.length} zones, so choose one with --zone${told(zones)}`);
  }
  return only;
}

/** The id of a guest OS type, by its id or description, in any case. */
export async function findOsType(api: ApiClient, text: string): Promise<string> {
  if (isId(text)) return text;
  const types = await api.list<OsTypeAnswer>('listOsTypes', 'ostype');
  const named = types.map(({ id, description }) => ({ id, name: description }));
  const alike = named.find(({ name }) => name.toLowerCase() === text.toLowerCase());
  return (alike ?? pick('OS type', text, named)).id;
}

/** A template or ISO with all zones it is in. */
export interface Image extends Named {
  readonly noun: ImageNoun;
  readonly zones: readonly Named[];
  /** As the api listed it; the first of its zones where there are several. */
  readonly answer: ImageAnswer;
}

/** By name or id, among templates and ISOs unless a noun says which. */
export async function findImage(
  api: ApiClient,
  text: string,
  nouns: readonly ImageNoun[] = imageNouns,
): Promise<Image> {
  // `ids` of none is an empty list, where `id` of none is an error; and it may be the other noun's.
  const filter = isId(text) ? { ids: text.toLowerCase() } : { name: text };
  const found = await Promise.all(
    nouns.map(async (noun) => gather(noun, await listImages(api, noun, filter))),
  );
  return pick(
    nouns.map(({ title }) => title).join(' or '),
    text,
    found.flat().filter(({ id, name }) => id === text.toLowerCase() || name === text),
  );
}

/** The api lists an image once per zone. */
export function gather(noun: ImageNoun, rows: readonly ImageAnswer[]): readonly Image[] {
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
