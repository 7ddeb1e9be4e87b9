/**
 * Messages about virtual machines that cross a queue; the rules of payloads.ts hold for them. Only `sealed` is secret:
 * user data, the values of its variables and the password of the console (`VmSecrets`), which the addressed host alone can open.
 */
import type { HostAnswer, PoolReport } from './payloads.ts';
import type { DomainsTiming, RunParameters } from './timing.ts';
import type { VmTiming } from './vm-timing.ts';
import type {
  BootMode,
  CacheMode,
  DomainReport,
  DomainState,
  NicAddresses,
  ProvisioningType,
  VmPhase,
} from './vms.ts';

/** Input of the workflow `vm:<id>`, which works through the jobs that wait for the machine, the oldest first. */
export interface VmInput {
  readonly v: 1;
  readonly vmId: string;
  /** By which this run goes on until its end, also after an upgrade. */
  readonly timing: VmTiming;
}

/** The API commands whose jobs the workflow of a machine works on. */
export const VM_COMMANDS = [
  'deployVirtualMachine',
  'startVirtualMachine',
  'stopVirtualMachine',
  'rebootVirtualMachine',
  'destroyVirtualMachine',
  'expungeVirtualMachine',
  'restoreVirtualMachine',
  'attachIso',
  'detachIso',
] as const;
export type VmCommand = (typeof VM_COMMANDS)[number];

/** `async_job.job_params` of a job of a machine, and of a job by which a machine waits for a copy. */
export interface VmJobParameters {
  /** Of a stop, a reboot or a detachment: at once, without the guest's consent. */
  readonly forced?: boolean;
  /** Of a destroy: expunge at once. */
  readonly expunge?: boolean;
  /** Of a start: the host that an administrator wants. */
  readonly hostId?: string;
  /** Of a deployment: whether it starts the machine. Default true. */
  readonly start?: boolean;
  /** Of attachIso: the ISO. Of a restore: another template. */
  readonly templateId?: string;
  /** Of a restore: bytes of the new disk, and its disk offering. Absent: those of the old one. */
  readonly size?: number;
  readonly diskOfferingId?: string;
  /** Of a reboot: restores the machine, since its offering is volatile. */
  readonly renew?: boolean;
  /** Of a wait for a copy: the machine that waits. */
  readonly vmId?: string;
}

/** A job that waits for the machine. */
export interface VmTask extends VmJobParameters {
  readonly jobId: string;
  readonly command: VmCommand;
  /** Name of the requester, for people. */
  readonly by: string;
}

/** Result of a run of the workflow. */
export interface VmResult {
  readonly v: 1;
  /** Jobs that it worked on. */
  readonly jobs: number;
}

/** An image of a pool that a disk stands on, or that is a CD-ROM. */
export interface VmImage {
  /** The published file's name in the pool: the UUID of the copy. */
  readonly copyId: string;
  readonly format: 'QCOW2' | 'RAW' | 'ISO';
}

export interface VmDisk {
  /** UUID of the volume; the name of its file in the pool. */
  readonly volumeId: string;
  /** Bytes that the guest sees; a host makes it no smaller than the image. */
  readonly size: number;
  readonly provisioning: ProvisioningType;
  readonly cache: CacheMode;
  /** Absent: an empty disk. */
  readonly image?: VmImage;
  /** Whether it was made before: then a host that does not find it makes no new one in its place. Default false. */
  readonly made?: boolean;
}

export interface VmNic {
  readonly nicId: string;
  readonly mac: string;
  /** The name by which the host offers the network. */
  readonly network: string;
  readonly vlan?: number;
  /** Megabits per second. */
  readonly rate?: number;
  /** For the guest's network configuration, where the user gave addresses. */
  readonly address?: string;
  readonly netmask?: string;
  readonly gateway?: string;
  readonly address6?: string;
}

/** Makes sure that the domain runs: makes what is missing of disk, seed and domain. Repeating it changes nothing. */
export interface StartVmJob {
  readonly v: 1;
  readonly vmId: string;
  /** The name of the domain. */
  readonly instanceName: string;
  /** Grows with each start: a host refuses a start that is older than a release it has confirmed. */
  readonly generation: number;
  readonly zoneId: string;
  readonly accountId: string;
  readonly poolId: string;
  readonly disk: VmDisk;
  /** The CD-ROM, on the same pool; absent: an empty drive. */
  readonly iso?: VmImage;
  /** The guest boots from the CD-ROM first. */
  readonly bootFromIso: boolean;
  readonly cpus: number;
  /** MHz; the weight among guests. 0: no weight. */
  readonly cpuSpeed: number;
  /** Whether the guest may use no more than `cpuSpeed`. */
  readonly limitCpu: boolean;
  /** Megabytes. */
  readonly memory: number;
  readonly nics: readonly VmNic[];
  /** Absent: BIOS. */
  readonly uefi?: BootMode;
  readonly seed: {
    readonly instanceId: string;
    readonly hostName: string;
    readonly publicKeys: readonly string[];
  };
  /** Values of details that the domain heeds: rootDiskController, nicAdapter, video.hardware, keyboard. */
  readonly details: Readonly<Record<string, string>>;
  /** `VmSecrets`, sealed for this host and machine. */
  readonly sealed?: string;
}

export interface VmSecrets {
  /** Base64. */
  readonly userData?: string;
  /** Values of variables of the user data, which are metadata for the guest. */
  readonly userDataDetails?: Readonly<Record<string, string>>;
  /** At most 8 characters. */
  readonly vncPassword: string;
}

/** Heartbeats of `startVm`. */
export interface VmProgress {
  readonly v: 1;
  readonly phase: VmPhase;
}

export interface StartVmResult extends HostAnswer {
  readonly vmId: string;
  readonly state: DomainState;
  /** Whether the domain ran before the job. */
  readonly ran: boolean;
  /** Bytes of the disk's virtual size, and those that its file takes. */
  readonly size: number;
  readonly physicalSize: number;
  readonly addresses: readonly NicAddresses[];
  readonly pool: PoolReport;
}

export interface StopVmJob {
  readonly v: 1;
  readonly vmId: string;
  /** At once; else by ACPI, and by force when the guest has not stopped after `patienceMs`. */
  readonly forced: boolean;
  readonly patienceMs: number;
}

export interface RebootVmJob extends StopVmJob {}

/** The answer of a stop, a reboot and a change of the CD-ROM. */
export interface VmStateResult extends HostAnswer {
  readonly vmId: string;
  readonly state: DomainState;
}

/**
 * Confirms that this host has no domain of the machine: stops it by force, undefines it and removes its seed. The disk
 * stays in its pool, unless it is named here. Starts of this generation and older ones are refused from then on.
 */
export interface ReleaseVmJob {
  readonly v: 1;
  readonly vmId: string;
  readonly generation: number;
  /** Disks to remove. */
  readonly remove: readonly { readonly poolId: string; readonly volumeId: string }[];
  /** Removes the log of the serial console as well. */
  readonly forget: boolean;
}

export interface ReleaseVmResult extends HostAnswer {
  readonly vmId: string;
  /** Whether there was a domain. */
  readonly had: boolean;
  /** Number of removed files. */
  readonly files: number;
}

/** Puts an ISO into the CD-ROM drive of a running machine, or takes it out. */
export interface ChangeIsoJob {
  readonly v: 1;
  readonly vmId: string;
  readonly poolId: string;
  readonly iso?: VmImage;
  readonly forced: boolean;
}

export interface ConsoleLogJob {
  readonly v: 1;
  readonly vmId: string;
  /** Bytes from the end of the log; at most 65536. */
  readonly bytes: number;
}

export interface ConsoleLogResult extends HostAnswer {
  readonly vmId: string;
  /** Base64 of the last bytes that the guest wrote. */
  readonly output: string;
  /** Bytes that the guest has written so far, of which `output` is the end. */
  readonly size: number;
}

export interface ListDomainsJob {
  readonly v: 1;
}

/** All domains of this installation on the host. */
export interface ListDomainsResult extends HostAnswer {
  readonly domains: readonly DomainReport[];
  /** Why libvirt does not answer; then `domains` is empty, and means nothing. */
  readonly problem?: string;
}

/** Input of the workflow `host:<id>:domains`, which hosts start when a domain has changed, and each minute. */
export interface DomainsInput extends RunParameters<DomainsTiming> {
  readonly v: 1;
  readonly hostId: string;
}

/** Input of the workflow `vm:<id>:log`. */
export interface ConsoleLogInput {
  readonly v: 1;
  readonly vmId: string;
  readonly hostId: string;
  readonly bytes: number;
}

export interface ConsoleLogAnswer {
  readonly v: 1;
  readonly output: string;
  readonly size: number;
  /** Why there is no log. */
  readonly problem?: string;
}
