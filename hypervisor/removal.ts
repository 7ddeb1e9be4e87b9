/** Removes a domain from libvirt, for certain. */
import { ImageError } from '../model/failures.ts';
import type { DomainList } from './domains.ts';
import { isAbsent } from './errors.ts';
import type { Power } from './power.ts';
import { domainState, isActive } from './states.ts';
import type { Virsh } from './virsh.ts';

export interface RemovalDeps {
  readonly virsh: Virsh;
  readonly power: Power;
  readonly list: DomainList;
}

/**
 * Stops a domain by force and undefines it, with all that libvirt keeps of it except the variables of its firmware, which
 * are beside the disk and are removed with it. @returns whether there was a domain
 * @throws ImageError DomainFailed when libvirt still knows the domain afterwards, or when this installation did not define it
 */
export type RemoveDomain = (vmId: string) => Promise<boolean>;

const WITH_ALL = ['--managed-save', '--snapshots-metadata', '--checkpoints-metadata', '--keep-nvram'];

export function createRemoval({ virsh, power, list }: RemovalDeps): RemoveDomain {
  return async (vmId) => {
    const state = await domainState(virsh, vmId);
    if (state === 'absent') return false;
    if (await list.isOfOtherHost(vmId)) return false;
    if (!(await list.isOurs(vmId)))
      throw new ImageError(
        'DomainFailed',
        `a domain that Bypass did not define has the id ${vmId} on this host`,
      );
    // A transient domain is gone when it stops.
    const left = isActive(state) ? await power.destroy(vmId) : state;
    if (left !== 'absent') await undefine(virsh, vmId);
    const after = await domainState(virsh, vmId);
    if (after !== 'absent')
      throw new ImageError('DomainFailed', `libvirt still has the domain, which is ${after}`);
    list.forget(vmId);
    return true;
  };
}

async function undefine(virsh: Virsh, vmId: string): Promise<void> {
  try {
    await virsh.run(['undefine', vmId, ...WITH_ALL]);
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}
