/** The control side of restores, and of the CD-ROM drive. */
import { isoChange, isoPlace, setIso } from '../../db/vms/isos.ts';
import { checkRestore, renewDisk } from '../../db/vms/restores.ts';
import type { NewDisk } from '../../db/vms/restores.ts';
import type { ChangeIsoJob } from '../../model/vm-payloads.ts';
import type { ControlDeps } from './deps.ts';
import { removeUnused } from './unused-copies.ts';

export interface VmChangeActivities {
  /** Fails when no new disk can be made. @param templateId another template than the machine has */
  checkVmRestore(vmId: string, templateId?: string): Promise<void>;
  /** Gives a machine whose disk is removed a new one, which its next start makes. */
  renewVmDisk(vmId: string, disk: NewDisk): Promise<void>;
  /** The pool on which an ISO must be for a machine, with names. */
  vmIsoPlace(
    vmId: string,
    isoId: string,
  ): Promise<{ readonly name: string; readonly poolId: string; readonly poolName: string }>;
  /** Attaches an ISO by the machine's row; null: none. @returns false while its copy is not ready for a running machine */
  setVmIso(vmId: string, isoId: string | null): Promise<boolean>;
  /** The job by which the host changes the drive; null: to nothing. */
  planVmIso(vmId: string, isoId: string | null): Promise<Omit<ChangeIsoJob, 'forced'>>;
}

export function createVmChangeActivities(deps: ControlDeps): VmChangeActivities {
  const { db } = deps;
  return {
    checkVmRestore: (vmId, templateId) => checkRestore(db, vmId, templateId),
    async renewVmDisk(vmId, disk) {
      await renewDisk(db, vmId, disk);
      await removeUnused(deps);
    },
    vmIsoPlace: (vmId, isoId) => isoPlace(db, vmId, isoId),
    async setVmIso(vmId, isoId) {
      const done = await setIso(db, vmId, isoId);
      await removeUnused(deps);
      return done;
    },
    planVmIso: (vmId, isoId) => isoChange(db, vmId, isoId),
  };
}
