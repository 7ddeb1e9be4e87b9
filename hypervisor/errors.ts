/**
 * What libvirt's errors mean. virsh prints a sentence and no code, in English, since it runs with LC_ALL=C; so this table,
 * and nothing else, reads sentences.
 */
import { ImageError } from '../model/failures.ts';
import type { FailureKind } from '../model/failures.ts';
import { sentenceOf } from './program.ts';

interface Meaning {
  readonly kind: FailureKind;
  readonly text: RegExp;
  readonly sentence: string;
}

/** Of QEMU's errors about a disk, which virsh and qemu-img print. The first that matches counts. */
const DISK_MEANINGS: readonly Meaning[] = [
  {
    kind: 'DiskBroken',
    text: /failed to lock byte .*no locks available/i,
    sentence:
      "the pool's file system locks no files: on NFS, rpc.statd must run on the host and on the server",
  },
  {
    kind: 'DiskLocked',
    text: /failed to get .*lock|failed to lock byte|is another process using the image|failed to acquire lock/i,
    sentence: 'the disk is locked: another host or process has it open',
  },
  {
    kind: 'NoSpace',
    text: /no space left on device|disk quota exceeded/i,
    sentence: 'no space is left on the pool',
  },
];

/** The first that matches counts. */
const MEANINGS: readonly Meaning[] = [
  {
    kind: 'DomainAbsent',
    text: /no domain with matching|failed to get domain|domain not found/i,
    sentence: 'libvirt knows no such domain',
  },
  {
    kind: 'DomainFailed',
    text: /domain '[^']*' already exists with uuid/i,
    sentence:
      'libvirt has another domain of this name, which Bypass did not make: rename or undefine it with virsh',
  },
  {
    kind: 'HypervisorMissing',
    text: /no connection driver available|cannot find suitable emulator|no emulator found|does not support virt type|invalid argument: could not find capabilities/i,
    sentence: 'libvirt has no QEMU that can run the machine',
  },
  {
    kind: 'HypervisorSilent',
    text: /failed to connect (?:socket )?to|cannot recv data|end of file while reading data|connection reset|client socket is closed|timed out during operation|cannot acquire state change lock|disconnected from/i,
    sentence: 'libvirt does not answer',
  },
  ...DISK_MEANINGS,
  {
    kind: 'DomainFailed',
    text: /(?:could not open|cannot access storage file) .*permission denied/i,
    sentence:
      "QEMU's user may not open a file of the machine: it must pass through the folders above (chmod o+x), and AppArmor or SELinux must let it",
  },
  {
    kind: 'NetworkMissing',
    text: /network not found|no network with matching name|network '[^']*' is not active|cannot get interface mtu|failed to add tap interface|unable to add bridge|bridge .*(?:no such device|does not exist)|cannot find bridge|unable to create tap device/i,
    sentence: 'a network of the machine is not there',
  },
  {
    kind: 'OutOfMemory',
    text: /cannot (?:set up|allocate) (?:guest )?(?:memory|ram)|cannot allocate memory|out of memory|unable to allocate memory/i,
    sentence: 'the host has not enough memory for the machine',
  },
  {
    kind: 'FirmwareMissing',
    text: /unable to find any (?:firmware|master var store)|unable to find .*firmware|no compatible firmware|uefi/i,
    sentence: 'the host has no such firmware',
  },
  {
    kind: 'MediumLocked',
    text: /tray .*(?:is locked|locked)|is locked and force was not specified|device .*is locked/i,
    sentence: 'the guest has locked the drive',
  },
];

/**
 * The failure that an error of virsh means; DomainFailed when it is unknown.
 * @param text of its standard error
 */
export function libvirtError(text: string): ImageError {
  return errorOf(MEANINGS, text) ?? new ImageError('DomainFailed', `libvirt refused: ${sentenceOf(text)}`);
}

/** The failure that an error of qemu-img means. */
export function diskError(text: string): ImageError {
  return (
    errorOf(DISK_MEANINGS, text) ??
    new ImageError('DiskBroken', `the disk cannot be made (${sentenceOf(text)})`)
  );
}

function errorOf(meanings: readonly Meaning[], text: string): ImageError | undefined {
  const meaning = meanings.find((one) => one.text.test(text));
  return meaning && new ImageError(meaning.kind, `${meaning.sentence} (${sentenceOf(text)})`);
}

/** Newer libvirt names the machine at the end. */
const WITHOUT_REASON =
  /(?:qemu unexpectedly closed the monitor|process exited while connecting to monitor)(?: \(vm='[^']*'\))?:?\s*$/i;

/** libvirt had found the port of the console free, and another program took it before QEMU did. */
const PORT_TAKEN = /failed to find an available port/i;

/**
 * Whether a second start can help, or tell why the first failed: QEMU ended before libvirt could read what it had said, or a port
 * was taken in a moment.
 */
export const deservesAnotherStart = (error: unknown): boolean =>
  error instanceof ImageError && (WITHOUT_REASON.test(error.message) || PORT_TAKEN.test(error.message));

export const isAbsent = (error: unknown): boolean =>
  error instanceof ImageError && error.kind === 'DomainAbsent';
