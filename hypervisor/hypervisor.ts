/** What a host does with virtual machines: the interface between its activities and libvirt. */
import type { Pools } from '../images/pools/pools.ts';
import type { ChangeIsoJob, ReleaseVmJob, StartVmJob, StopVmJob, VmSecrets } from '../model/vm-payloads.ts';
import type { DomainReport, DomainState, HostNetworkKind, NicAddresses, VmPhase } from '../model/vms.ts';
import type { Virsh } from './virsh.ts';

/** How this host connects guests to a network, as in `lan=bridge:br0`. */
export interface NetworkSetting {
  /** lan */
  readonly name: string;
  readonly kind: HostNetworkKind;
  /** Name of the bridge, or of libvirt's network; of `user`, nothing. */
  readonly target?: string;
}

export interface HypervisorOptions {
  readonly virsh: Virsh;
  /** By it, hosts that share a libvirt, as those of `npm start` do, distinguish their domains. */
  readonly hostId: string;
  /** How guests run here: on KVM, or emulated by QEMU. */
  readonly accelerator: () => Promise<'kvm' | 'tcg'>;
  readonly networks: readonly NetworkSetting[];
  readonly pools: Pools;
  /**
   * Folder of seeds, logs of consoles and notes. The first start makes it; QEMU's user must be able to pass through the folders
   * above it.
   */
  readonly folder: string;
}

/** A machine to start, and what its guest gets. */
export interface Machine extends Omit<StartVmJob, 'v' | 'sealed'> {
  readonly secrets?: VmSecrets;
}

export interface Running {
  readonly state: DomainState;
  /** Whether the domain ran before. */
  readonly ran: boolean;
  /** Bytes of the disk's virtual size, and those that its file takes. */
  readonly size: number;
  readonly physicalSize: number;
  readonly addresses: readonly NicAddresses[];
}

export interface StartCall {
  readonly signal: AbortSignal;
  readonly onPhase: (phase: VmPhase) => void;
}

/** Jobs of one machine run one after the other. Every failure is an ImageError. */
export interface Hypervisor {
  /**
   * Makes sure that the domain runs; makes what is missing of disk, seed and domain. A failed start leaves none of what it
   * made.
   */
  start(machine: Machine, call: StartCall): Promise<Running>;
  stop(job: Omit<StopVmJob, 'v'>, signal: AbortSignal): Promise<DomainState>;
  reboot(job: Omit<StopVmJob, 'v'>, signal: AbortSignal): Promise<DomainState>;
  /** @returns whether there was a domain, and the number of removed files */
  release(job: Omit<ReleaseVmJob, 'v'>): Promise<{ readonly had: boolean; readonly files: number }>;
  changeIso(job: Omit<ChangeIsoJob, 'v'>): Promise<DomainState>;
  /** @returns the last bytes of the serial console, and how many there were in all */
  consoleLog(vmId: string, bytes: number): Promise<{ readonly output: Buffer; readonly size: number }>;
  /** Whether a job starts the domain of this name, or did until a moment ago: its events may come a little later. */
  isStarting(instanceName: string): boolean;
  /**
   * Every path that a domain of this libvirt names, also one of other installations.
   * @throws ImageError when libvirt does not answer
   */
  pathsOfDomains(): Promise<readonly string[]>;
  /** All domains of this installation. */
  domains(): Promise<readonly DomainReport[]>;
  /** Stops the work in the background. Guests keep running. */
  close(): void;
}
