/** How much processor time a guest gets: a weight among guests, and a limit where the offering has one. */
import { ImageError } from '../model/failures.ts';
import { CPU_PERIOD } from './domain-plan.ts';
import type { DomainPlan } from './domain-plan.ts';
import type { Machine } from './hypervisor.ts';
import type { Virsh } from './virsh.ts';

type Tuned = Pick<Machine, 'cpus' | 'cpuSpeed' | 'limitCpu'>;

export interface CpuTuning {
  of(machine: Tuned): Promise<Pick<DomainPlan, 'cpuShares' | 'cpuQuota'>>;
  /**
   * Whether a start failed because this libvirt has no cgroups, as that of a user without root. From then on guests get no
   * weights here; those with a limit cannot run here.
   */
  gaveUp(machine: Tuned, error: unknown): boolean;
}

/** cgroups of version 2 allow 1 to 10 000, those of version 1 from 2; a processor of 2 GHz counts as their usual 100. */
const MHZ_OF_SHARE = 20;
const MAX_SHARES = 10_000;
const MIN_SHARES = 2;
/** libvirt's least. */
const MIN_QUOTA = 1000;

export function createCpuTuning(virsh: Virsh): CpuTuning {
  let hasCgroups = true;
  let speed: number | undefined;

  const hostSpeed = async (): Promise<number> => {
    const [, mhz] = /CPU frequency:\s+(\d+) MHz/.exec(await virsh.run(['nodeinfo'])) ?? [];
    if (mhz === undefined)
      throw new ImageError(
        'DomainFailed',
        "libvirt does not know the speed of this host's processors, which a limit needs",
      );
    return Number(mhz);
  };

  return {
    async of({ cpus, cpuSpeed, limitCpu }) {
      if (cpuSpeed === 0) return {};
      const shares = Math.min(MAX_SHARES, Math.max(MIN_SHARES, Math.round((cpus * cpuSpeed) / MHZ_OF_SHARE)));
      const weight = hasCgroups ? { cpuShares: shares } : {};
      if (!limitCpu) return weight;
      speed ??= await hostSpeed();
      const quota = Math.max(MIN_QUOTA, Math.round((CPU_PERIOD * cpuSpeed) / speed));
      return quota >= CPU_PERIOD ? weight : { ...weight, cpuQuota: quota };
    },
    gaveUp({ limitCpu }, error) {
      if (
        !hasCgroups ||
        !/CPU tuning is not available|cgroup cpu is required/i.test((error as Error).message)
      )
        return false;
      hasCgroups = false;
      return !limitCpu;
    },
  };
}
