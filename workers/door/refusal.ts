/** Why the door refuses somebody, as it answers and as its metrics count. */

export type RefusalReason =
  /** No certificate, or one that no authority of the installation issued, or that has ended. */
  | 'certificate'
  /** A host that may not ask, such as one that was removed. */
  | 'host'
  /** No ticket, or one that is not for this host and this copy now. */
  | 'ticket'
  /** Something else than a request for a copy. */
  | 'request'
  | 'range'
  /** Too many connections. */
  | 'connections'
  /** All uploads are taken. */
  | 'uploads'
  /** Too slow to ask, or to take what it asked for. */
  | 'slow'
  /** The copy, or its digest, was not there in time. */
  | 'absent';

/** A request that is answered by a status and a sentence instead of bytes. */
export class Refused extends Error {
  readonly status: number;
  readonly reason: RefusalReason;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    { status, reason }: { readonly status: number; readonly reason: RefusalReason },
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.headers = headers;
  }
}
