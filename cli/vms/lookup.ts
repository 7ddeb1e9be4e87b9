/** Finds virtual machines, offerings, networks and SSH keys by name or id. */
import type { Network, ServiceOffering, SshKeyPair, VirtualMachine } from '../../model/api-answers.ts';
import type { ApiClient, Parameters } from '../client.ts';
import { isId, pick } from '../lookup.ts';

export const listVms = (
  api: ApiClient,
  filter: Parameters = {},
  signal?: AbortSignal,
): Promise<readonly VirtualMachine[]> =>
  api.list('listVirtualMachines', 'virtualmachine', { listall: true, ...filter }, signal);

/** @throws CliError that suggests a similar name */
export async function findVm(api: ApiClient, text: string): Promise<VirtualMachine> {
  const filter = isId(text) ? { ids: text.toLowerCase() } : { keyword: text };
  const isMeant = ({ id, name }: VirtualMachine): boolean => id === text.toLowerCase() || name === text;
  const found = (await listVms(api, filter)).filter(isMeant);
  return pick('virtual machine', text, found.length > 0 ? found : await listVms(api));
}

export const listOfferings = (api: ApiClient, filter: Parameters = {}): Promise<readonly ServiceOffering[]> =>
  api.list('listServiceOfferings', 'serviceoffering', filter);

/** By name, by id, or by the beginning of a name that only one has: `small` is `Small Instance`. */
export const findOffering = async (api: ApiClient, text: string): Promise<ServiceOffering> =>
  pickByBeginning(text, await listOfferings(api));

export function pickByBeginning(text: string, offerings: readonly ServiceOffering[]): ServiceOffering {
  const isExact = offerings.some(({ id, name }) => id === text.toLowerCase() || name === text);
  const alike = offerings.filter(({ name }) => name.toLowerCase().startsWith(text.toLowerCase()));
  const [only, ...others] = alike;
  return !isExact && only !== undefined && others.length === 0
    ? only
    : pick('service offering', text, offerings);
}

export const listNetworks = (api: ApiClient, filter: Parameters = {}): Promise<readonly Network[]> =>
  api.list('listNetworks', 'network', { listall: true, ...filter });

export const findNetwork = async (api: ApiClient, text: string): Promise<Network> =>
  pick('network', text, await listNetworks(api));

export const listKeys = (api: ApiClient): Promise<readonly SshKeyPair[]> =>
  api.list('listSSHKeyPairs', 'sshkeypair', { listall: true });
