/** Whether virtual machines can run on the hosts of a start. */
import type { ApiClient } from '../cli/client.ts';
import type { Host } from '../model/api-answers.ts';

export interface Machines {
  /** Why none can run, and what would be needed. */
  readonly problem?: string;
  /** What they run on, or why none can run. */
  readonly line: string;
}

export async function describeMachines(client: ApiClient): Promise<Machines> {
  const [host] = await client.list<Host>('listHosts', 'host');
  const { vmproblem, hypervisorversion = '', libvirtversion } = host ?? {};
  const problem = libvirtversion === undefined ? (vmproblem ?? 'its host has not reported yet') : vmproblem;
  if (problem !== undefined) return { problem, line: `none can run: ${problem}` };
  return { line: `QEMU ${hypervisorversion}, libvirt ${libvirtversion}` };
}
