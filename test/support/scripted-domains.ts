/** The domains and disks of a scripted host: enough of a hypervisor to see what the control side makes of it. */
import { applicationFailure } from '../../activities/context.ts';
import type { VmActivities } from '../../model/host-activities.ts';
import type { PoolReport } from '../../model/payloads.ts';
import type { StartVmJob } from '../../model/vm-payloads.ts';
import type { DomainReport, DomainState, HypervisorReport } from '../../model/vms.ts';

const GIB = 1_073_741_824;

export const SCRIPTED_HYPERVISOR: HypervisorReport = {
  libvirt: '9.0.0',
  qemu: '7.2.0',
  accelerator: 'tcg',
  cpus: 8,
  cpuSpeed: 2000,
  memory: 16 * GIB,
  firmware: ['LEGACY'],
  networks: [{ name: 'guest', kind: 'user', vlan: false }],
};

export interface ScriptedDomains {
  /** Received starts. */
  readonly starts: readonly StartVmJob[];
  /** State of each defined domain, by the UUID of its machine. A test may change it by hand. */
  readonly domains: Map<string, DomainState>;
  /** UUIDs of the volumes whose files exist. Hosts of one pool share them. */
  readonly disks: Set<string>;
  readonly activities: VmActivities;
}

const disksOfPools = new Map<string, Set<string>>();

export function scriptDomains(hostId: string, pool: () => PoolReport): ScriptedDomains {
  const starts: StartVmJob[] = [];
  const domains = new Map<string, DomainState>();
  const poolId = pool().id;
  const disks = disksOfPools.get(poolId) ?? new Set<string>();
  disksOfPools.set(poolId, disks);
  const common = { v: 1, hostId } as const;
  const stateOf = (vmId: string): DomainState => domains.get(vmId) ?? 'absent';
  const state = (vmId: string) => Promise.resolve({ ...common, vmId, state: stateOf(vmId) });
  const activities: VmActivities = {
    startVm(job) {
      starts.push(job);
      if (job.disk.made === true && !disks.has(job.disk.volumeId))
        return Promise.reject(applicationFailure({ kind: 'DiskMissing', message: 'the disk is gone' }));
      const ran = stateOf(job.vmId) === 'running';
      domains.set(job.vmId, 'running');
      disks.add(job.disk.volumeId);
      return Promise.resolve({
        ...common,
        vmId: job.vmId,
        state: 'running',
        ran,
        size: job.disk.size,
        physicalSize: 200,
        addresses: job.nics.map(({ mac }) => ({ mac, ip4: '10.0.2.15' })),
        pool: pool(),
      });
    },
    stopVm({ vmId }) {
      if (domains.has(vmId)) domains.set(vmId, 'shutoff');
      return state(vmId);
    },
    rebootVm: ({ vmId }) => state(vmId),
    releaseVm({ vmId, remove }) {
      const had = domains.delete(vmId);
      const files = remove.filter(({ volumeId }) => disks.delete(volumeId)).length;
      return Promise.resolve({ ...common, vmId, had, files });
    },
    changeIso: ({ vmId }) => state(vmId),
    consoleLog: ({ vmId }) =>
      Promise.resolve({ ...common, vmId, output: Buffer.from('login:').toString('base64'), size: 6 }),
    listDomains: () =>
      Promise.resolve({
        ...common,
        domains: [...domains].map(([vmId, one]): DomainReport => ({ vmId, state: one })),
      }),
  };
  return { starts, domains, disks, activities };
}
