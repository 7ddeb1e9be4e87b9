/** Lists the names of existing things for the completion of shells. The name of an argument says which kind to list. */
import { createClient } from './client.ts';
import type { ApiClient } from './client.ts';
import { ISO, listImages, TEMPLATE } from './images.ts';
import { listAccounts, listClusters, listHosts, listPools, listZones } from './lookup.ts';
import { listKeys, listNetworks, listOfferings, listVms } from './vms/lookup.ts';
import type { Named } from './lookup.ts';
import type { Certificate, User } from '../model/api-answers.ts';
import { chooseAccess } from './profiles.ts';
import type { Cli } from './context.ts';

type Lister = (api: ApiClient) => Promise<readonly Pick<Named, 'name'>[]>;

const LISTERS: Readonly<Record<string, Lister>> = {
  template: async (api) => (await Promise.all([listImages(api, TEMPLATE), listImages(api, ISO)])).flat(),
  iso: (api) => listImages(api, ISO),
  pool: listPools,
  zone: listZones,
  cluster: listClusters,
  host: listHosts,
  account: listAccounts,
  vm: listVms,
  offering: listOfferings,
  network: listNetworks,
  key: listKeys,
  user: async (api) =>
    (await api.list<User>('listUsers', 'user')).map(({ username }) => ({ name: username })),
  certificate: async (api) =>
    (await api.list<Certificate>('listTemplateDirectDownloadCertificates', 'directdownloadcertificate')).map(
      ({ alias }) => ({ name: alias }),
    ),
};

/** The kinds of things that have names. Arguments and option values are named after their kind. */
export const NAMED_KINDS: readonly string[] = Object.keys(LISTERS);

/** The distinct names of a kind. Names that a shell would split are left out; their ids can be typed instead. */
export async function namesOf({ environment }: Cli, kind: string): Promise<readonly string[]> {
  const lister = LISTERS[kind];
  if (lister === undefined) return [];
  const found = await lister(createClient(await chooseAccess(environment)));
  return [...new Set(found.map(({ name }) => name))].filter((name) => /^[\w.:@+-]+$/.test(name)).toSorted();
}
