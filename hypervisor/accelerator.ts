/**
 * Whether guests of a host run on KVM, or are emulated (TCG). That libvirt offers KVM does not suffice: some machines that are
 * themselves virtual offer it, and every guest hangs at its first instruction. So one guest is tried. It has no disk: its
 * firmware finds nothing to boot and resets the machine at once, and libvirt removes a guest of this kind that resets. One that
 * is still there after some seconds hangs. It has the processor that machines get: QEMU may start with one of its own models
 * and fail with that of the host. Others of these machines boot on KVM, but many times slower than emulated: where the guest
 * takes long, emulated ones are tried as well.
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

/** A guest that boots resets after half a second, on a host with little else to do. */
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
  /** Whether the guest was started, and had not booted when the time was over. */
  readonly hangs?: boolean;
  /** Milliseconds until it had booted. */
  readonly ms: number;
}

export interface AcceleratorChoice {
  readonly accelerator: Accelerator;
  /** What the trials showed, for administrators. */
  readonly reason: string;
  /** Whether other trials may show something else, as when the host has much else to do. */
  readonly isDoubtful: boolean;
}

/** A guest on KVM that takes no longer than this is not compared. */
const QUICK_MS = 2000;
/** Each takes longer when the host has much else to do: so many times faster must an emulated guest be. */
const MUCH_FASTER = 2;
/** Comparisons until KVM is taken all the same. */
const ROUNDS = 3;

/** Tries one guest. @param patienceMs absent: as long as any guest may take */
export type TryOne = (type: 'kvm' | 'qemu', patienceMs?: number) => Promise<Tried>;

/**
 * Chooses how guests run. Other work on the host can only make a trial longer: so of several trials the shortest counts, and both
 * kinds are tried in turns. Where KVM's first guest boots quickly, it is the only one.
 */
export async function compareAccelerators(tryOne: TryOne): Promise<AcceleratorChoice> {
  let kvm = await tryOne('kvm');
  if (kvm.problem !== undefined && kvm.hangs !== true) return taken('tcg', kvm.problem);
  if (isQuick(kvm)) return taken('kvm', sentenceOf(kvm));
  let tcg: Tried | undefined;
  for (let round = 0; round < ROUNDS; round += 1) {
    tcg = shorter(tcg, await tryOne('qemu'));
    kvm = shorter(kvm, await tryOne('kvm', tcg.problem === undefined ? enoughFor(tcg) : undefined));
    if (isQuick(kvm)) return taken('kvm', sentenceOf(kvm, tcg));
    if (tcg.problem === undefined && (kvm.problem !== undefined || tcg.ms * MUCH_FASTER <= kvm.ms))
      return taken('tcg', sentenceOf(kvm, tcg));
  }
  const accelerator = kvm.problem === undefined ? 'kvm' : 'tcg';
  return { accelerator, reason: sentenceOf(kvm, tcg), isDoubtful: true };
}

const taken = (accelerator: Accelerator, reason: string): AcceleratorChoice => ({
  accelerator,
  reason,
  isDoubtful: false,
});

const isQuick = ({ problem, ms }: Tried): boolean => problem === undefined && ms <= QUICK_MS;

/** A guest on KVM that has not booted by then is no better than the emulated one. */
const enoughFor = ({ ms }: Tried): number => Math.max(QUICK_MS, ms * MUCH_FASTER);

/** One that booted goes before one that did not. */
function shorter(before: Tried | undefined, now: Tried): Tried {
  if (before === undefined) return now;
  if ((before.problem === undefined) !== (now.problem === undefined))
    return before.problem === undefined ? before : now;
  return now.ms < before.ms && now.problem === undefined ? now : before;
}

function sentenceOf(kvm: Tried, tcg?: Tried): string {
  const ofKvm = kvm.problem ?? `a guest took ${seconds(kvm.ms)} s to boot on KVM`;
  if (tcg === undefined) return ofKvm;
  return `${ofKvm}, ${tcg.problem === undefined ? `an emulated one ${seconds(tcg.ms)} s` : 'and no emulated one booted'}`;
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1);

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
    const problem = `a guest did not boot in ${patienceMs / 1000} s${type === 'kvm' ? ' on KVM' : ''}`;
    return { problem, hangs: true, ms: passed() };
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
