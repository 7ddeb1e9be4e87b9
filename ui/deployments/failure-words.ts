/** Short words for kinds of failures, and whether another attempt can succeed. */
import { failures, isFailureKind } from '../../model/failures.ts';
import type { FailureKind } from '../../model/failures.ts';
import type { Deployment } from '../../model/api-answers.ts';

const WORDS: Readonly<Record<FailureKind, string>> = {
  NotFound: 'Not found at the source',
  Refused: 'Refused by the source',
  ServerError: 'Error of the source',
  Unreachable: 'Source cannot be reached',
  TlsFailed: 'Certificate of the source not trusted',
  ConnectionLost: 'Connection lost',
  Stalled: 'Source fell silent',
  ProtocolError: 'Source does not keep to HTTP',
  TooManyRedirects: 'Too many redirects',
  NotAllowed: 'URL not allowed',
  MetalinkInvalid: 'Metalink cannot be used',
  SourceChanged: 'Changed at the source',
  PeerUnreachable: 'Peer cannot be reached',
  PeerWrong: 'Wrong bytes from a peer',
  ChecksumMismatch: 'Wrong checksum',
  SizeMismatch: 'Wrong size',
  ContentRefused: 'File refused',
  FormatMismatch: 'Wrong format',
  DamagedArchive: 'Damaged archive',
  HostileArchive: 'Archive not allowed',
  HostileImage: 'Image not allowed',
  HostGone: 'Host gone',
  PoolNotMounted: 'Pool not mounted',
  DiskBroken: 'Disk of the pool broken',
  ProgramMissing: 'Program missing on the host',
  HostFault: 'Fault of the host',
  NotSigned: 'Host not who it says it is',
  SealBroken: 'Host cannot open its secrets',
  Throttled: 'Source asks to come back later',
  NoSpace: 'No space on the pool',
  Unsupported: 'Not supported',
  HypervisorMissing: 'No libvirt on the host',
  HypervisorSilent: 'libvirt does not answer',
  NetworkMissing: 'Network missing on the host',
  FirmwareMissing: 'UEFI firmware missing on the host',
  OutOfMemory: 'No memory left on the host',
  DomainFailed: 'Domain failed to start',
  DomainAbsent: 'No domain on the host',
  MachineReleased: 'Released from the host meanwhile',
  DiskLocked: 'Disk in use by another host',
  DiskMissing: 'Disk missing on the pool',
  CopyMissing: 'Image missing on the pool',
  MediumLocked: 'Disc locked by the guest',
};

/** `ChecksumMismatch` as `Wrong checksum`; a kind of a newer release unchanged. */
export const wordsOf = (kind: string): string => (isFailureKind(kind) ? WORDS[kind] : kind);

/** The kind of the last failure of a failed deployment. */
export const failureOf = ({ state, attempts }: Deployment): string | undefined =>
  state === 'Failed' ? attempts.at(-1)?.errorkind : undefined;

/** Whether another attempt would fail too, since the source does not have the registered content. */
export const needsAnotherRegistration = (deployment: Deployment): boolean => {
  const kind = failureOf(deployment) ?? '';
  return isFailureKind(kind) && failures[kind].otherRegistration;
};
