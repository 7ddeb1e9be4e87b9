/**
 * Every way in which an image can fail to arrive, and what each means: the one table.
 *
 * The class decides what the deployment does next; the API code is what a caller of the API sees;
 * the hint says what a person can do.
 */

export type FailureClass =
  /** This URL does not give the file: the next mirror; all mirrors dead, stop. */
  | 'source'
  /** The bytes are not what was promised: one other mirror, then stop. */
  | 'content'
  /** This host cannot: the next host of the pool. */
  | 'host'
  /** The origin asks for patience: wait as told. */
  | 'time'
  /** No room: wait until there is, or someone cancels. */
  | 'space'
  /** The request itself is wrong: stop. */
  | 'request';

interface FailureRule {
  readonly class: FailureClass;
  /** CloudStack's error code. */
  readonly apiCode: number;
  readonly hint: string;
}

const rule = (failureClass: FailureClass, apiCode: number, hint: string): FailureRule => ({
  class: failureClass,
  apiCode,
  hint,
});

export const failures = {
  NotFound: rule('source', 530, 'check the URL'),
  Refused: rule('source', 530, 'check the credentials or HTTP_HEADER details'),
  ServerError: rule('source', 530, 'try again later, or give another mirror'),
  Unreachable: rule('source', 530, 'check the address, the network and the firewall of the host'),
  TlsFailed: rule('source', 530, 'check the server certificate, or import its authority on the hosts'),
  ConnectionLost: rule('source', 530, 'the download resumes with the next attempt'),
  Stalled: rule('source', 530, 'the source sent nothing for too long'),
  ProtocolError: rule('source', 530, 'the server does not keep to HTTP'),
  TooManyRedirects: rule('source', 530, 'give the final URL'),
  NotAllowed: rule('source', 530, 'an administrator can change the URL policy of the zone and of the hosts'),
  MetalinkInvalid: rule('source', 530, 'correct the metalink document'),
  SourceChanged: rule('source', 530, 'the file changed at the source; register it again if that is intended'),
  ChecksumMismatch: rule('content', 530, 'check the checksum and the source; nothing was published'),
  SizeMismatch: rule('content', 530, 'the source has another file than the one registered'),
  FormatMismatch: rule('content', 431, 'give the format that the file has'),
  DamagedArchive: rule('content', 530, 'compare the compressed file with the one that its publisher has'),
  HostileArchive: rule('content', 431, 'give the URL of the unpacked image'),
  HostileImage: rule('content', 431, 'flatten the image (qemu-img convert) so that it needs no other file'),
  HostGone: rule('host', 534, 'see whether the host worker runs'),
  PoolNotMounted: rule('host', 534, 'mount the pool on the host'),
  DiskBroken: rule('host', 534, 'check the disk of the pool'),
  ProgramMissing: rule('host', 534, 'install the program on the host'),
  HostFault: rule('host', 530, 'see the log of the host worker'),
  NotSigned: rule(
    'host',
    534,
    'somebody else answers for the host: see who has access to the Temporal namespace',
  ),
  SealBroken: rule('host', 534, 'the host cannot open what was sealed for it; let it join again'),
  Throttled: rule('time', 533, 'the source asks to come back later'),
  NoSpace: rule('space', 533, 'free space on the pool'),
  Unsupported: rule('request', 431, 'use http, https, nfs or a metalink of such URLs'),
} as const satisfies Record<string, FailureRule>;

export type FailureKind = keyof typeof failures;

export const isFailureKind = (name: string): name is FailureKind => Object.hasOwn(failures, name);

/** A failure as plain data: what happened, to which URL, when to come back. */
export interface Failure {
  readonly kind: FailureKind;
  readonly message: string;
  readonly url?: string;
  /** Of the URL policy: which refused it. */
  readonly rule?: string;
  /** Milliseconds that the source asked to wait. */
  readonly retryAfterMs?: number;
}

/** Thrown by everything that moves or looks at image bytes. */
export class ImageError extends Error {
  readonly kind: FailureKind;
  readonly url: string | undefined;
  readonly rule: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    kind: FailureKind,
    message: string,
    options: { url?: string; rule?: string; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.url = options.url;
    this.rule = options.rule;
    this.retryAfterMs = options.retryAfterMs;
  }

  get class(): FailureClass {
    return failures[this.kind].class;
  }

  toFailure(): Failure {
    return {
      kind: this.kind,
      message: this.message,
      ...(this.url === undefined ? {} : { url: this.url }),
      ...(this.rule === undefined ? {} : { rule: this.rule }),
      ...(this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs }),
    };
  }
}

/** What happened and what to do, as one sentence for a person. */
export const describeFailure = (failure: Failure): string =>
  `${failure.url === undefined ? '' : `${failure.url}: `}${failure.message} (${failures[failure.kind].hint})`;
