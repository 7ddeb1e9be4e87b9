/**
 * Stops and restarts guests: by ACPI, as the power button does, and by force when the guest does not act in
 * time. A guest without ACPI, or one that is still booting, ignores the button, so it is pressed again from time to time.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { StopVmJob } from '../model/vm-payloads.ts';
import type { DomainState } from '../model/vms.ts';
import { domainState, isActive } from './states.ts';
import type { Virsh } from './virsh.ts';

type Job = Omit<StopVmJob, 'v'>;

export interface Power {
  /** @returns the state that the domain has then: off, or absent */
  stop(job: Job, signal: AbortSignal): Promise<DomainState>;
  reboot(job: Job, signal: AbortSignal): Promise<DomainState>;
  /** Stops a guest by force, whatever it does. */
  destroy(vmId: string): Promise<DomainState>;
}

const POLL_MS = 250;
const PRESS_AGAIN_MS = 10_000;
const REBOOT_EVENT = /event 'reboot'/;

export function createPower(virsh: Virsh): Power {
  const destroy = async (vmId: string): Promise<DomainState> => {
    try {
      await virsh.run(['destroy', vmId]);
    } catch (error) {
      // The guest may have stopped meanwhile.
      if (isActive(await domainState(virsh, vmId))) throw error;
    }
    return domainState(virsh, vmId);
  };

  return {
    destroy,

    async stop({ vmId, forced, patienceMs }, signal) {
      const end = Date.now() + patienceMs;
      let state = await domainState(virsh, vmId, { signal });
      for (let pressed = 0; isActive(state); state = await domainState(virsh, vmId, { signal })) {
        if (forced || Date.now() >= end) return destroy(vmId);
        if (Date.now() - pressed >= PRESS_AGAIN_MS) {
          pressed = Date.now();
          // A guest that stops at this moment refuses, and the next poll sees that it stopped.
          await virsh.run(['shutdown', vmId, '--mode', 'acpi'], { signal }).catch(() => undefined);
        }
        await sleep(Math.min(POLL_MS, Math.max(0, end - Date.now())), undefined, { signal });
      }
      return state;
    },

    async reboot({ vmId, forced, patienceMs }, signal) {
      const state = await domainState(virsh, vmId, { signal });
      if (!isActive(state)) return state;
      if (forced || !(await rebootsByAcpi(virsh, vmId, patienceMs, signal))) {
        await virsh.run(['reset', vmId], { signal });
      }
      return domainState(virsh, vmId, { signal });
    },
  };
}

/** Presses the button and waits for libvirt's event. @returns whether the guest restarted in time */
async function rebootsByAcpi(
  virsh: Virsh,
  vmId: string,
  patienceMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const done = new AbortController();
  const late = AbortSignal.timeout(patienceMs);
  let rebooted = false;
  const onLine = (line: string): void => {
    rebooted ||= REBOOT_EVENT.test(line);
    if (rebooted) done.abort();
  };
  const events = ['event', '--domain', vmId, '--event', 'reboot', '--loop'];
  const following = virsh.follow(events, onLine, {
    signal: AbortSignal.any([signal, late, done.signal]),
  });
  following.catch(() => undefined);
  try {
    await virsh.run(['reboot', vmId, '--mode', 'acpi'], { signal });
    await following;
  } finally {
    done.abort();
  }
  signal.throwIfAborted();
  return rebooted;
}
