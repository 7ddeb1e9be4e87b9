/**
 * What a fetch knows of one mirror, and in which mode the mirror is.
 *
 *   untried         The mirror has not given a part of the file yet. It may have two connections, or as many as its origin
 *                   allows once it says that it supports ranges.
 *   ranges          The mirror has given a part of the file. It may have as many connections as its origin allows.
 *   throttled       The origin refused one more connection. Until a point in time the mirror may have no more connections
 *                   than it had then; later it is treated as `ranges` or `untried`, as before.
 *   single-stream   The mirror refused a part of the file. It may only send the whole file, over one connection, as the
 *                   mirror that leads a transfer. A fetch tries that after all other mirrors.
 *   dropped         The mirror failed in a way that makes another request pointless. The fetch asks it for nothing more;
 *                   connections that are open go on.
 *
 *   untried → ranges          a request for a part was answered with the part                      `rangeGiven`
 *   ranges → untried          the sink forgot all bytes, and with them what proves their version   `forget`
 *   untried, ranges, throttled → throttled            a connection was refused                     `throttle`
 *   untried, ranges, throttled → single-stream        a part was refused                           `refuseRanges`
 *   all → dropped                                                                  `drop`, `noteCorruptPiece`
 *
 * A mirror never leaves `dropped`, and leaves `single-stream` only for `dropped`: otherwise a fetch could ask a mirror that
 * does not work again and again. `#enter` asserts this. Bytes of a mirror never come over several connections without a
 * strong entity tag or hashes of pieces, since they could be of two versions of the file (`maxConnections`,
 * `mayGivePart`).
 *
 * Which mirror is asked next: mirror-choice.ts. What follows a failure: retries.ts.
 */
import assert from 'node:assert/strict';
import type { ImageError } from '../../../model/failures.ts';
import type { Mirror } from '../../../model/source.ts';
import { isPeerUrl } from '../../../model/spread.ts';
import type { PassedOn, SourceFacts } from '../protocol.ts';
import { ORIGIN } from '../sink.ts';
import { strongEtag } from '../range.ts';

interface Throttled {
  readonly name: 'throttled';
  readonly maxConnections: number;
  /** On the clock of performance.now(). */
  readonly until: number;
}

type Mode =
  | { readonly name: 'untried' }
  | { readonly name: 'ranges' }
  | Throttled
  | { readonly name: 'single-stream'; readonly refusal: ImageError }
  | {
      readonly name: 'dropped';
      readonly failure: ImageError;
      /** Why the mirror gives no parts of the file, if it refused one. */
      readonly refusal: ImageError | undefined;
    };

/** From each mode, the modes that may follow. */
const TRANSITIONS: Readonly<Record<Mode['name'], readonly Mode['name'][]>> = {
  untried: ['ranges', 'throttled', 'single-stream', 'dropped'],
  ranges: ['untried', 'throttled', 'single-stream', 'dropped'],
  throttled: ['throttled', 'single-stream', 'dropped'],
  'single-stream': ['single-stream', 'dropped'],
  dropped: ['dropped'],
};

/** Connections that an untried mirror may have, if it does not say that it supports ranges. */
const PROBE_LIMIT = 2;
/** A mirror that sent so many pieces corrupted is dropped. */
const MAX_CORRUPT_PIECES = 2;
/** Milliseconds in which an origin that counts connections notices that one has ended. */
const NOTICING = 300;

export class MirrorState {
  readonly mirror: Mirror;
  /** Scheme, host and port: connections are limited for each origin. */
  readonly origin: string;
  #mode: Mode = { name: 'untried' };
  #probeLimit = PROBE_LIMIT;
  #supportsRanges = false;
  #finalUrl = '';
  #etag: string | undefined;
  #passedOn: PassedOn | undefined;
  #contributed = false;
  #connections = 0;
  #lastEndedAt = -Infinity;
  #bytes = 0;
  #bytesAtLastFailure = 0;
  #lastFailedAt = -Infinity;
  #lastError: ImageError | undefined;
  #corruptPieces = 0;

  constructor(mirror: Mirror) {
    this.mirror = mirror;
    this.origin = URL.canParse(mirror.url) ? originOf(mirror.url) : mirror.url;
  }

  get url(): string {
    return this.mirror.url;
  }

  /** The URL after redirects; empty before the first connection. */
  get finalUrl(): string {
    return this.#finalUrl;
  }

  /** The strong entity tag of the bytes that the sink holds from the mirror. */
  get etag(): string | undefined {
    return this.#etag;
  }

  /** What the bytes are that the mirror, another host, passes on. */
  get passedOn(): PassedOn | undefined {
    return this.#passedOn;
  }

  /** As the mirror stands among the givers of bytes. */
  get giver(): string {
    return isPeerUrl(this.url) ? this.url : ORIGIN;
  }

  /** Whether the sink holds bytes of the mirror. */
  get contributed(): boolean {
    return this.#contributed;
  }

  /** Whether the mirror has answered a request for a part of the file with the part. */
  get supportsRanges(): boolean {
    return this.#supportsRanges;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#connections;
  }

  /** Bytes that the mirror sent in this fetch. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that the mirror sent since its last failure. */
  get bytesSinceFailure(): number {
    return this.#bytes - this.#bytesAtLastFailure;
  }

  /** On the clock of performance.now(); -Infinity without a failure. */
  get lastFailedAt(): number {
    return this.#lastFailedAt;
  }

  /** Why the last connection broke that the mirror was forgiven. */
  get lastError(): ImageError | undefined {
    return this.#lastError;
  }

  get corruptPieces(): number {
    return this.#corruptPieces;
  }

  /** Why the mirror was dropped; undefined while it may be asked. */
  get failure(): ImageError | undefined {
    return this.#mode.name === 'dropped' ? this.#mode.failure : undefined;
  }

  /** Why the mirror gives no parts of the file; undefined while it may give some. */
  get refusal(): ImageError | undefined {
    return 'refusal' in this.#mode ? this.#mode.refusal : undefined;
  }

  get isDropped(): boolean {
    return this.#mode.name === 'dropped';
  }

  /** Whether the mirror may be asked for a part of the file. */
  get mayGiveParts(): boolean {
    return this.#mode.name !== 'dropped' && this.#mode.name !== 'single-stream';
  }

  /** Connections over which parts of the file may come. @param now on the clock of performance.now() */
  maxConnections(now: number): number {
    if (!this.mayGiveParts) return 0;
    if (this.#etag === undefined) return 1;
    return this.#throttled(now)?.maxConnections ?? (this.#supportsRanges ? Infinity : this.#probeLimit);
  }

  /** Whether the throttled origin may still count a connection that has ended. @param now as above */
  isNoticing(now: number): boolean {
    return this.#throttled(now) !== undefined && now - this.#lastEndedAt < NOTICING;
  }

  /** The sink holds bytes that the mirror sent in an earlier attempt. */
  recall({ etag }: { readonly etag?: string }): void {
    this.#contributed = true;
    this.#etag = etag;
  }

  connectionStarted(): void {
    this.#connections += 1;
  }

  connectionEnded(): void {
    assert(this.#connections > 0, 'a mirror has no connection that could end');
    this.#connections -= 1;
    this.#lastEndedAt = performance.now();
  }

  /** The mirror answered, with the whole file or with a part of it. */
  answered({ finalUrl, etag, ranges, passedOn }: SourceFacts): void {
    this.#finalUrl = finalUrl;
    this.#passedOn = passedOn;
    this.#etag = strongEtag(etag) ?? this.#etag;
    if (ranges) this.#probeLimit = Infinity;
  }

  received(count: number): void {
    this.#contributed = true;
    this.#bytes += count;
  }

  /** The mirror answered a request for a part of the file with the part. */
  rangeGiven(): void {
    this.#supportsRanges = true;
    if (this.#mode.name === 'untried') this.#enter({ name: 'ranges' });
  }

  /** The origin refused one more connection: until `until` those that are open are enough. */
  throttle(until: number): void {
    if (!this.mayGiveParts) return;
    this.#enter({ name: 'throttled', maxConnections: this.#connections, until });
  }

  /** The mirror refused a part of the file. */
  refuseRanges(refusal: ImageError): void {
    const { failure } = this;
    this.#enter(
      failure === undefined ? { name: 'single-stream', refusal } : { name: 'dropped', failure, refusal },
    );
  }

  /** The mirror is asked for nothing more. When it is dropped twice, the later failure says why. */
  drop(failure: ImageError): void {
    this.#enter({ name: 'dropped', failure, refusal: this.refusal });
  }

  /** A connection broke, and the mirror is forgiven. */
  noteFailure(failure: ImageError): void {
    this.#bytesAtLastFailure = this.#bytes;
    this.#lastFailedAt = performance.now();
    this.#lastError = failure;
  }

  /** The mirror alone sent a piece, and the piece is corrupted. */
  noteCorruptPiece(failure: ImageError): void {
    this.#corruptPieces += 1;
    if (this.isDropped || this.#corruptPieces >= MAX_CORRUPT_PIECES) this.drop(failure);
  }

  /** The sink forgot all bytes. */
  forget(): void {
    this.#etag = undefined;
    this.#passedOn = undefined;
    this.#contributed = false;
    this.#supportsRanges = false;
    if (this.#mode.name === 'ranges') this.#enter({ name: 'untried' });
  }

  #throttled(now: number): Throttled | undefined {
    return this.#mode.name === 'throttled' && now < this.#mode.until ? this.#mode : undefined;
  }

  #enter(mode: Mode): void {
    const { name } = this.#mode;
    assert(TRANSITIONS[name].includes(mode.name), `a mirror never goes from '${name}' to '${mode.name}'`);
    this.#mode = mode;
  }
}

function originOf(url: string): string {
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}
