/** Virtual machines: CloudStack's words for them, and what hosts report of their hypervisor and domains. */

/** Bytes of a gigabyte as CloudStack counts sizes of disks. */
export const GIB = 2 ** 30;

/** `vm_instance.state`. Starting, Stopping and Expunging last while a workflow works on the machine. */
export const VM_STATES = [
  'Starting',
  'Running',
  'Stopping',
  'Stopped',
  'Destroyed',
  'Expunging',
  'Error',
] as const;
export type VmState = (typeof VM_STATES)[number];

/** `vm_instance.power_state`: what the domain was when its host reported it last. */
export type PowerState = 'PowerOn' | 'PowerOff' | 'PowerUnknown' | 'PowerReportMissing';

/** What a start is doing. `place` chooses a host; `copy` waits for the image; the rest happens on the host. */
export const VM_PHASES = ['place', 'copy', 'disk', 'seed', 'define', 'start', 'boot'] as const;
export type VmPhase = (typeof VM_PHASES)[number];

export type VolumeType = 'ROOT' | 'DATADISK';
export type VolumeState = 'Allocated' | 'Creating' | 'Ready' | 'Destroy' | 'Expunging';

/** Of which pools disks are. `any` is Bypass's own: a fleet without shared storage can use the offerings that exist from the start. */
export const STORAGE_TYPES = ['shared', 'local', 'any'] as const;
export type StorageType = (typeof STORAGE_TYPES)[number];

/** `thin`: an overlay on the image; `sparse` and `fat`: a copy of the image's content, without or with all blocks. */
export const PROVISIONING_TYPES = ['thin', 'sparse', 'fat'] as const;
export type ProvisioningType = (typeof PROVISIONING_TYPES)[number];

export const CACHE_MODES = ['none', 'writeback', 'writethrough'] as const;
export type CacheMode = (typeof CACHE_MODES)[number];

export const BOOT_TYPES = ['BIOS', 'UEFI'] as const;
export type BootType = (typeof BOOT_TYPES)[number];

/** SECURE: UEFI with Secure Boot. */
export const BOOT_MODES = ['LEGACY', 'SECURE'] as const;
export type BootMode = (typeof BOOT_MODES)[number];

/** Of networks that Bypass has; CloudStack's third, Isolated, needs a router. */
export const GUEST_TYPES = ['L2', 'Shared'] as const;
export type GuestType = (typeof GUEST_TYPES)[number];

/** Account: a network for its owner; Domain: for everybody. */
export const ACL_TYPES = ['Account', 'Domain'] as const;
export type AclType = (typeof ACL_TYPES)[number];

/** How a host connects guests to a network that it offers by a name (`BYPASS_NETWORKS`). */
export const HOST_NETWORK_KINDS = ['bridge', 'libvirt', 'user'] as const;
export type HostNetworkKind = (typeof HOST_NETWORK_KINDS)[number];

/** The first release of libvirt that gives guests on a bridge of Linux a VLAN tag. */
export const LIBVIRT_WITH_VLAN_ON_BRIDGES = 11;

/** The names by which hosts offer networks. */
export const HOST_NETWORK_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/;

export interface HostNetwork {
  /** As in `lan=bridge:br0`: lan. */
  readonly name: string;
  readonly kind: HostNetworkKind;
  /** Whether guests can be given a VLAN tag. */
  readonly vlan: boolean;
  /** Why it cannot be used now, such as a bridge that does not exist. */
  readonly problem?: string;
}

/** What a host reports of its hypervisor. */
export interface HypervisorReport {
  /** Why no virtual machine can run here, and which package or setting would help; absent when one can. */
  readonly problem?: string;
  /** libvirt's version, such as `9.0.0`; absent when it does not answer. */
  readonly libvirt?: string;
  readonly qemu?: string;
  /** How guests run: on KVM, or emulated by QEMU. */
  readonly accelerator?: 'kvm' | 'tcg';
  /** Why, where guests were tried for it. */
  readonly acceleratorReason?: string;
  readonly cpus: number;
  /** MHz of one processor. */
  readonly cpuSpeed: number;
  /** Bytes. */
  readonly memory: number;
  /** The firmware modes with which guests can boot by UEFI. */
  readonly firmware: readonly BootMode[];
  readonly networks: readonly HostNetwork[];
}

/** What libvirt says of a domain. `absent`: it does not know the domain. */
export const DOMAIN_STATES = ['running', 'paused', 'shutdown', 'shutoff', 'crashed', 'absent'] as const;
export type DomainState = (typeof DOMAIN_STATES)[number];

/** Addresses of a network card, from a lease, from ARP or from the guest agent. */
export interface NicAddresses {
  readonly mac: string;
  readonly ip4?: string;
  readonly ip6?: string;
}

export interface DomainReport {
  /** UUID: the machine's id is the domain's. */
  readonly vmId: string;
  readonly state: DomainState;
  /** Such as `I/O error: no space is left on the pool`. */
  readonly reason?: string;
  readonly addresses?: readonly NicAddresses[];
}
