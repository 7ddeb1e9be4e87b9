/**
 * Every way in which an image can fail to arrive, or a virtual machine to run, and what follows from each: the one table. Code that retries, changes the
 * mirror or the host, keeps or discards bytes, or advises a person reads a column of it, and has no list of kinds of its own.
 *
 * One exception: `model/rules/version-N.ts` are what running deployments began with, and stay as they were released. They
 * have copies of what they need; a test compares those of the current version with this table.
 */

export type FailureClass =
  /** This URL does not give the file. */
  | 'source'
  /** The bytes are not what was promised. */
  | 'content'
  /** This host cannot do it. */
  | 'host'
  /** The source asks the client to wait. */
  | 'time'
  /** The pool has no room. */
  | 'space'
  /** The request itself is wrong. */
  | 'request';

/** What the columns of the table mean. */
export interface FailureRule {
  /** What fails in this way. A download never fails in a way of a machine, and the rules of downloads know none. */
  readonly of: 'image' | 'machine';
  readonly class: FailureClass;
  /** Whether the same request to the same source, from the same host, may succeed later although nobody changes anything. */
  readonly passes: boolean;
  /**
   * What an attempt may still ask of the mirror that failed.
   * `reconnect`: its answer was cut short, so that the rest is requested at once, as long as that gains bytes.
   * `probation`: more, if it brought enough bytes since its last failure; else it is dropped.
   * `drop`: nothing.
   */
  readonly sameMirror: 'reconnect' | 'probation' | 'drop';
  /**
   * What an attempt may still expect of other mirrors.
   * `next`: those that send go on, and the next one is tried.
   * `once`: nothing that was fetched can be used; one other mirror is tried, from the beginning, and no third one.
   * `beside`: those that send go on; when the mirror was the only one that sent, the attempt ends.
   * `none`: the attempt ends, since the mirror is not the cause.
   */
  readonly otherMirror: 'next' | 'once' | 'beside' | 'none';
  /** Whether another host of the pool may succeed now. One whose failure does not pass gets no further try. */
  readonly otherHost: boolean;
  /** Whether the bytes that were fetched stay for the next try; if not, they are wrong. */
  readonly keepsBytes: boolean;
  /** Whether the source has other than what was registered, so that only another registration can succeed. */
  readonly otherRegistration: boolean;
  /** CloudStack's error code. */
  readonly apiCode: 431 | 530 | 533 | 534;
  /** What a person can do: a sentence without its capital and its full stop. */
  readonly advice: string;
}

/* What most kinds of a class have in common. */
const SOURCE = {
  of: 'image',
  class: 'source',
  passes: false,
  sameMirror: 'probation',
  otherMirror: 'next',
  otherHost: false,
  keepsBytes: true,
  otherRegistration: false,
  apiCode: 530,
} as const;
const CONTENT = {
  ...SOURCE,
  class: 'content',
  sameMirror: 'drop',
  otherMirror: 'once',
  keepsBytes: false,
} as const;
const HOST = {
  ...SOURCE,
  class: 'host',
  sameMirror: 'drop',
  otherMirror: 'none',
  otherHost: true,
  apiCode: 534,
} as const;
/* No mirror plays a part in these. */
const MACHINE = { ...HOST, of: 'machine' } as const;

const table = {
  NotFound: { ...SOURCE, sameMirror: 'drop', advice: 'check the URL' },
  Refused: { ...SOURCE, advice: 'check the credentials or HTTP_HEADER details' },
  ServerError: { ...SOURCE, passes: true, advice: 'try again later, or give another mirror' },
  Unreachable: {
    ...SOURCE,
    passes: true,
    otherHost: true,
    advice: 'check the address, the network and the firewall of the host',
  },
  TlsFailed: { ...SOURCE, advice: 'check the server certificate, or import its authority on the hosts' },
  ConnectionLost: {
    ...SOURCE,
    passes: true,
    sameMirror: 'reconnect',
    advice: 'try again: the bytes that are here are kept, where the source allows it',
  },
  Stalled: {
    ...SOURCE,
    passes: true,
    sameMirror: 'reconnect',
    advice: 'try again later, or give another mirror',
  },
  ProtocolError: { ...SOURCE, advice: 'check the server, or give another mirror' },
  TooManyRedirects: { ...SOURCE, advice: 'give the final URL' },
  NotAllowed: {
    ...SOURCE,
    sameMirror: 'drop',
    advice: 'an administrator can change the URL policy of the zone and of the hosts',
  },
  MetalinkInvalid: { ...SOURCE, otherRegistration: true, advice: 'correct the metalink document' },
  SourceChanged: {
    ...SOURCE,
    otherRegistration: true,
    advice: 'register the file again if the new one is wanted',
  },
  // Another host, not the template's source: the deployment asks for another source, and nothing counts against the template.
  PeerUnreachable: {
    ...SOURCE,
    passes: true,
    sameMirror: 'drop',
    advice: 'nothing is to be done: another host or the origin is asked; see whether hosts reach each other',
  },
  PeerWrong: {
    ...SOURCE,
    passes: true,
    sameMirror: 'drop',
    keepsBytes: false,
    advice: 'see the disk of the host that gave the bytes; another host or the origin is asked',
  },
  ChecksumMismatch: {
    ...CONTENT,
    otherRegistration: true,
    advice: 'check the checksum and the source; nothing was published',
  },
  SizeMismatch: {
    ...CONTENT,
    otherRegistration: true,
    advice: 'register the template again if the new file is wanted',
  },
  ContentRefused: { ...CONTENT, advice: 'see the log of the host worker; nothing was published' },
  FormatMismatch: {
    ...CONTENT,
    otherRegistration: true,
    apiCode: 431,
    advice: 'give the format that the file has',
  },
  DamagedArchive: { ...CONTENT, advice: 'compare the compressed file with the one that its publisher has' },
  HostileArchive: {
    ...CONTENT,
    otherRegistration: true,
    apiCode: 431,
    advice: 'give the URL of the unpacked image',
  },
  HostileImage: {
    ...CONTENT,
    otherRegistration: true,
    apiCode: 431,
    advice: 'flatten the image (qemu-img convert) so that it needs no other file',
  },
  // Also of an attempt that another attempt superseded. Version 1 of the rules would treat a kind of its own as HostFault and
  // exclude the host; a version that knows the kind may separate the two.
  HostGone: { ...HOST, passes: true, advice: 'see whether the host worker runs' },
  PoolNotMounted: { ...HOST, advice: 'mount the pool on the host' },
  DiskBroken: { ...HOST, advice: 'check the disk of the pool' },
  ProgramMissing: { ...HOST, advice: 'install the program on the host' },
  HostFault: { ...HOST, apiCode: 530, advice: 'see the log of the host worker' },
  NotSigned: {
    ...HOST,
    passes: true,
    advice: 'see who has access to the Temporal namespace: somebody else answers for the host',
  },
  SealBroken: { ...HOST, advice: 'let the host join again: it cannot open what was sealed for it' },
  Throttled: {
    ...SOURCE,
    class: 'time',
    passes: true,
    apiCode: 533,
    advice: 'wait until the source takes requests again, or give another mirror',
  },
  NoSpace: {
    ...HOST,
    class: 'space',
    passes: true,
    otherHost: false,
    apiCode: 533,
    advice: 'free space on the pool',
  },
  Unsupported: {
    ...SOURCE,
    class: 'request',
    otherMirror: 'beside',
    otherRegistration: true,
    apiCode: 431,
    advice: 'use a URL of a protocol that hosts fetch by, or a metalink of such URLs',
  },
  HypervisorMissing: {
    ...MACHINE,
    advice:
      'install libvirt and QEMU on the host: libvirt-daemon-system, libvirt-clients and qemu-system-x86',
  },
  HypervisorSilent: { ...MACHINE, passes: true, advice: 'see whether libvirtd runs on the host' },
  NetworkMissing: { ...MACHINE, advice: 'set up the network on the host, or correct BYPASS_NETWORKS there' },
  FirmwareMissing: { ...MACHINE, advice: 'install the UEFI firmware on the host: ovmf' },
  OutOfMemory: { ...MACHINE, passes: true, apiCode: 533, advice: 'stop other machines on the host' },
  DomainFailed: {
    ...MACHINE,
    apiCode: 530,
    advice: 'see the log of libvirtd and of the machine on the host',
  },
  DomainAbsent: { ...MACHINE, otherHost: false, advice: 'start the machine' },
  MachineReleased: {
    ...MACHINE,
    otherHost: false,
    apiCode: 530,
    advice: 'start the machine again',
  },
  DiskLocked: {
    ...MACHINE,
    passes: true,
    otherHost: false,
    advice:
      'see on which other host the disk is in use; its lock goes when that host has stopped the machine',
  },
  DiskMissing: {
    ...MACHINE,
    otherHost: false,
    apiCode: 530,
    advice: 'bring the file back from a back-up, or restore the machine from its template',
  },
  CopyMissing: {
    ...MACHINE,
    passes: true,
    otherHost: false,
    advice: 'prepare the template on the pool again',
  },
  MediumLocked: {
    ...MACHINE,
    passes: true,
    otherHost: false,
    apiCode: 530,
    advice: 'eject the disc in the guest, or detach the ISO with forced=true',
  },
} as const satisfies Record<string, FailureRule>;

export type FailureKind = keyof typeof table;

export const failures: Readonly<Record<FailureKind, FailureRule>> = table;

/** What stands for a kind that this release does not know, by its class. */
export const genericKinds = {
  source: 'ServerError',
  content: 'ContentRefused',
  host: 'HostFault',
  time: 'Throttled',
  space: 'NoSpace',
  request: 'Unsupported',
} as const satisfies Record<FailureClass, FailureKind>;

export const isFailureKind = (name: string): name is FailureKind => Object.hasOwn(failures, name);

/** A host in a record. The name is kept beside the id, since hosts can be deleted. */
export interface NamedHost {
  readonly id: string;
  readonly name: string;
}

/** A failure as plain data: what happened, to which URL, when to try again. */
export interface Failure {
  readonly kind: FailureKind;
  /** Added when the failure crosses a queue: a release that does not know the kind treats the failure by its class. */
  readonly class?: FailureClass;
  /** For every user: it never names a host. */
  readonly message: string;
  /** The host that did not do its job. Only administrators may learn it. */
  readonly host?: NamedHost;
  readonly url?: string;
  /** Of the URL policy: which refused it. */
  readonly rule?: string;
  /** Of a pool: the file that somebody else put where a file of Bypass belongs. */
  readonly path?: string;
  /** Milliseconds that the source asked to wait. */
  readonly retryAfterMs?: number;
}

/** For a queue, whose other end may be of an older release. */
export const withClass = (failure: Failure): Failure => ({
  ...failure,
  class: failures[failure.kind].class,
});

/** Thrown by everything that moves or looks at image bytes, or runs virtual machines. */
export class ImageError extends Error {
  readonly kind: FailureKind;
  readonly url: string | undefined;
  readonly rule: string | undefined;
  readonly path: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    kind: FailureKind,
    message: string,
    options: { url?: string; rule?: string; path?: string; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.url = options.url;
    this.rule = options.rule;
    this.path = options.path;
    this.retryAfterMs = options.retryAfterMs;
  }

  get class(): FailureClass {
    return this.consequences.class;
  }

  get consequences(): FailureRule {
    return failures[this.kind];
  }

  toFailure(): Failure {
    return {
      kind: this.kind,
      message: this.message,
      ...(this.url === undefined ? {} : { url: this.url }),
      ...(this.rule === undefined ? {} : { rule: this.rule }),
      ...(this.path === undefined ? {} : { path: this.path }),
      ...(this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs }),
    };
  }
}

/** What happened and what to do, as one sentence for every user. */
export const describeFailure = ({ kind, url, message }: Failure): string =>
  `${url === undefined ? '' : `${url}: `}${message} (${failures[kind].advice})`;

/** The same for administrators, and for Temporal: it names the host. */
export const describeFailureWithHost = (failure: Failure): string =>
  withHost(describeFailure(failure), failure.host);

/** Adds the host to a sentence that names none: for administrators. */
export const withHost = (sentence: string, host: Pick<NamedHost, 'name'> | null | undefined): string =>
  host ? `${sentence} (host ${host.name})` : sentence;
