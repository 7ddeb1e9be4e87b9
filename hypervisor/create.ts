/**
 * Starts, stops and releases machines. The domain is the truth about itself: every job looks it up first, so that each can be
 * repeated at any point, also after the host worker, libvirtd or both were killed.
 *
 * A release ends a job of the machine that is under way, raises the fence (fences.ts), and only then looks for the domain; it
 * answers when libvirt no longer knows the domain.
 */
import { unlinkIfThere } from '../images/regular-files.ts';
import { ImageError } from '../model/failures.ts';
import type { DomainState } from '../model/vms.ts';
import { openConsoleLogs } from './console-log.ts';
import { findImage } from './disks.ts';
import { createDomainList } from './domains.ts';
import { changeIso } from './drives.ts';
import { openFences } from './fences.ts';
import { pathsOfDomains } from './files-in-use.ts';
import { foldersOf } from './folders.ts';
import type { Hypervisor, HypervisorOptions } from './hypervisor.ts';
import { createPower } from './power.ts';
import { createRemoval } from './removal.ts';
import { createStart } from './start.ts';
import { createStartingDomains } from './starting.ts';
import { domainState } from './states.ts';
import { createTurns } from './turns.ts';

const TRIM_MS = 10_000;

export function createHypervisor(options: HypervisorOptions): Hypervisor {
  const { virsh, pools } = options;
  const folders = foldersOf(options.folder);
  const fences = openFences(folders.fences);
  const logs = openConsoleLogs(folders.consoles);
  const trimming = setInterval(() => void logs.trim().catch(() => undefined), TRIM_MS);
  trimming.unref();
  const list = createDomainList(options);
  const turns = createTurns();
  const power = createPower(virsh);
  const removeDomain = createRemoval({ virsh, power, list });
  const starting = createStartingDomains();
  const start = createStart({ options, folders, fences, logs, list, removeDomain });

  /** The state of a machine. A domain that this host did not define counts as absent. */
  const stateOf = async (vmId: string): Promise<DomainState> => {
    const state = await domainState(virsh, vmId);
    return state === 'absent' || (await list.isOurs(vmId)) ? state : 'absent';
  };

  return {
    start: (machine, { signal, onPhase }) =>
      turns.take(machine.vmId, signal, (either) =>
        starting.during(machine.instanceName, () => start(machine, { signal: either, onPhase })),
      ),

    stop: (job, signal) =>
      turns.take(job.vmId, signal, async (either) => {
        const state = await stateOf(job.vmId);
        return state === 'absent' ? state : power.stop(job, either);
      }),

    reboot: (job, signal) =>
      turns.take(job.vmId, signal, async (either) => {
        const state = await stateOf(job.vmId);
        return state === 'absent' ? state : power.reboot(job, either);
      }),

    release: ({ vmId, generation, remove, forget }) =>
      turns.takeOver(vmId, released(), async () => {
        await fences.raise(vmId, generation);
        const had = await removeDomain(vmId);
        let files = Number(await unlinkIfThere(folders.seedOf(vmId)));
        for (const { poolId, volumeId } of remove) {
          files += await (await pools.require(poolId)).removeVolume(volumeId);
        }
        if (forget) files += await logs.remove(vmId);
        return { had, files };
      }),

    changeIso: ({ vmId, poolId, iso, forced }) =>
      turns.take(vmId, undefined, async () => {
        const state = await stateOf(vmId);
        if (state === 'absent') return state;
        const image = iso && (await findImage(await pools.require(poolId), iso));
        await changeIso(virsh, { vmId, forced, state, ...(image && { iso: image.path }) });
        return domainState(virsh, vmId);
      }),

    consoleLog: (vmId, bytes) => logs.read(vmId, bytes),
    isStarting: (name) => starting.has(name),
    pathsOfDomains: () => pathsOfDomains(virsh),
    domains: () => list.read(),
    close() {
      clearInterval(trimming);
      starting.close();
    },
  };
}

const released = (): ImageError =>
  new ImageError('MachineReleased', 'the machine was released from this host during the job');
