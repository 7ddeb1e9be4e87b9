/** The jobs of virtual machines: they open what was sealed for the machine, send heartbeats, and answer. */
import type { Hypervisor } from '../../hypervisor/hypervisor.ts';
import { ImageError } from '../../model/failures.ts';
import type { VmActivities } from '../../model/host-activities.ts';
import {
  changeIsoJob,
  consoleLogJob,
  listDomainsJob,
  releaseVmJob,
  startVmJob,
  stopVmJob,
} from '../../model/messages/vms.ts';
import type { ListDomainsResult, StartVmJob, StartVmResult, VmProgress } from '../../model/vm-payloads.ts';
import type { DomainState } from '../../model/vms.ts';
import { withHeartbeats } from '../context.ts';
import type { HostActivityDeps } from './deps.ts';
import { withReadJob } from './jobs.ts';

export function createVmActivities(deps: HostActivityDeps): VmActivities {
  const { hostId } = deps;
  const answer = (vmId: string, state: DomainState) => ({ v: 1, hostId, vmId, state }) as const;
  return {
    startVm: withReadJob(startVmJob, (job) => startVm(job, deps)),

    stopVm: withReadJob(stopVmJob, async (job) => {
      const state = await withPulse((signal) => hypervisorOf(deps).stop(job, signal));
      return answer(job.vmId, state);
    }),

    rebootVm: withReadJob(stopVmJob, async (job) => {
      const state = await withPulse((signal) => hypervisorOf(deps).reboot(job, signal));
      return answer(job.vmId, state);
    }),

    releaseVm: withReadJob(releaseVmJob, async (job) => {
      const released = await hypervisorOf(deps).release(job);
      return { v: 1, hostId, vmId: job.vmId, ...released };
    }),

    changeIso: withReadJob(changeIsoJob, async (job) =>
      answer(job.vmId, await hypervisorOf(deps).changeIso(job)),
    ),

    consoleLog: withReadJob(consoleLogJob, async ({ vmId, bytes }) => {
      const { output, size } = await hypervisorOf(deps).consoleLog(vmId, bytes);
      return { v: 1, hostId, vmId, output: output.toString('base64'), size };
    }),

    listDomains: withReadJob(listDomainsJob, () => listDomains(deps)),
  };
}

/** @throws ImageError HypervisorMissing */
function hypervisorOf({ hypervisor }: Pick<HostActivityDeps, 'hypervisor'>): Hypervisor {
  if (hypervisor !== undefined) return hypervisor;
  throw new ImageError('HypervisorMissing', 'this host runs no virtual machines: it has no libvirt');
}

async function startVm(job: StartVmJob, deps: HostActivityDeps): Promise<StartVmResult> {
  const { sealed, v: _version, ...machine } = job;
  const { vmId, poolId } = job;
  const hypervisor = hypervisorOf(deps);
  const secrets = sealed === undefined ? undefined : await deps.openVmSecrets({ vmId, sealed });
  const first: VmProgress = { v: 1, phase: 'disk' };
  const running = await withHeartbeats(first, ({ signal, report }) =>
    hypervisor.start(
      { ...machine, ...(secrets && { secrets }) },
      { signal, onPhase: (phase) => report({ v: 1, phase }, true) },
    ),
  );
  const pool = await deps.pools.require(poolId);
  return { v: 1, hostId: deps.hostId, vmId, ...running, pool: await pool.report() };
}

/** With heartbeats, by which an activity learns that it was cancelled. */
const withPulse = <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> =>
  withHeartbeats({ v: 1 }, ({ signal }) => work(signal));

/** A libvirt that does not answer is no failure of the job: the answer says so. */
async function listDomains(deps: HostActivityDeps): Promise<ListDomainsResult> {
  const { hostId } = deps;
  try {
    return { v: 1, hostId, domains: await hypervisorOf(deps).domains() };
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return { v: 1, hostId, domains: [], problem: error.message };
  }
}
