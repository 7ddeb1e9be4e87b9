/**
 * Whether guests of a host run on KVM, or are emulated (TCG). That libvirt offers KVM does not suffice: some machines that are
 * themselves virtual offer it, and every guest hangs at its first instruction. So one guest is tried. It has no disk: its
 * firmware finds nothing to boot and resets the machine at once, and libvirt removes a guest of this kind that resets. One that
 * is still there after some seconds hangs. It has the processor that machines get: QEMU may start with one of its own models
 * and fail with that of the host. Others of these machines boot on KVM, but many times slower than emulated: where the guest
 * takes long, an emulated one is tried as well.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ImageError } from '../model/failures.ts';
import { XML_INPUT } from './virsh.ts';
import type { Virsh } from './virsh.ts';
import { node, toXml } from './xml.ts';
import type { XmlNode } from './xml.ts';

export const ACCELERATORS = ['auto', 'kvm', 'tcg'] as const;
export type Accelerator = Exclude<(typeof ACCELERATORS)[number], 'auto'>;

/**
 * The processor of a domain. A guest that QEMU emulates gets all that QEMU can: many distributions need more than its smallest
 * processor has.
 */
export const processor = (type: 'kvm' | 'qemu'): XmlNode =>
  node('cpu', { mode: type === 'kvm' ? 'host-passthrough' : 'maximum', check: 'none' });

/** A guest that boots resets after half a second. */
const PATIENCE_MS = 8000;
const POLL_MS = 100;

export interface GuestTrial {
  /** Tells the guests of hosts that share a libvirt apart. */
  readonly hostId: string;
  /** Default kvm. */
  readonly type?: 'kvm' | 'qemu';
  /** How long the guest may take to reset. Default 8000. */
  readonly patienceMs?: number;
  readonly signal?: AbortSignal;
}

/** What came of a trial. */
export interface Tried {
  /** Why the guest did not boot; absent when it did. */
  readonly problem?: string;
  /** Milliseconds until it had booted. */
  readonly ms: number;
}

/** A guest on KVM that takes no longer than this is not compared. */
const QUICK_MS = 2000;
/** One trial of each says little: so many times faster must an emulated guest be. */
const MUCH_FASTER = 2;

const seconds = (ms: number): string => (ms / 1000).toFixed(1);

/**
 * @param emulated tries an emulated guest
 * @returns why guests are emulated; undefined when KVM is better
 */
export async function whyNotKvm(kvm: Tried, emulated: () => Promise<Tried>): Promise<string | undefined> {
  if (kvm.problem !== undefined || kvm.ms <= QUICK_MS) return kvm.problem;
  const { problem, ms } = await emulated();
  if (problem !== undefined || ms * MUCH_FASTER > kvm.ms) return undefined;
  return `a guest took ${seconds(kvm.ms)} s to boot on KVM, an emulated one ${seconds(ms)} s`;
}

/**
 * Tries whether a guest boots.
 * @throws ImageError HypervisorSilent when libvirt does not answer; the signal's reason when aborted
 */
export async function tryGuest(virsh: Virsh, trial: GuestTrial): Promise<Tried> {
  const { hostId, type = 'kvm', patienceMs = PATIENCE_MS, signal } = trial;
  const name = `bypass-probe-${hostId}`;
  // A host worker that was killed during a trial leaves its guest behind.
  await remove(virsh, name);
  const begun = performance.now();
  const passed = (): number => performance.now() - begun;
  try {
    await virsh.run(['create', XML_INPUT], { xml: trialXml(name, type) });
  } catch (error) {
    if (!(error instanceof ImageError) || error.kind === 'HypervisorSilent') throw error;
    return ENDED_BY_LIBVIRT.test(error.message) ? { ms: passed() } : { problem: error.message, ms: passed() };
  }
  try {
    const end = performance.now() + patienceMs;
    while (performance.now() < end) {
      if (!(await exists(virsh, name))) return { ms: passed() };
      await sleep(POLL_MS, undefined, { signal });
    }
    return { problem: `a guest did not boot in ${patienceMs / 1000} s`, ms: passed() };
  } finally {
    await remove(virsh, name);
  }
}

/** The guest booted, and libvirt ended it for its reset, before it had said that the guest was started. */
const ENDED_BY_LIBVIRT = /terminating on signal 15 from pid \d+ \(\S*libvirtd/;

async function remove(virsh: Virsh, name: string): Promise<void> {
  await virsh.run(['destroy', name]).catch(unlessAbsent);
}

const exists = (virsh: Virsh, name: string): Promise<boolean> =>
  virsh
    .run(['domstate', name])
    .then(() => true)
    .catch(unlessAbsent);

function unlessAbsent(error: unknown): false {
  if (error instanceof ImageError && error.kind === 'DomainAbsent') return false;
  throw error;
}

/** The guest of a trial. */
export const trialXml = (name: string, type: 'kvm' | 'qemu'): string =>
  toXml(
    node(
      'domain',
      { type },
      node('name', {}, name),
      node('memory', { unit: 'MiB' }, 16),
      node('vcpu', {}, 1),
      node(
        'os',
        {},
        node('type', { arch: 'x86_64', machine: 'q35' }, 'hvm'),
        // Milliseconds from a failed boot to the reset.
        node('bios', { rebootTimeout: 0 }),
      ),
      processor(type),
      node('on_poweroff', {}, 'destroy'),
      node('on_reboot', {}, 'destroy'),
      node('on_crash', {}, 'destroy'),
      node(
        'devices',
        {},
        node('controller', { type: 'usb', model: 'none' }),
        node('memballoon', { model: 'none' }),
      ),
    ),
  );
