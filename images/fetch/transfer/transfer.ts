/**
 * Brings all bytes of a file that a sink does not hold yet, led by one mirror. One connection begins; others join it as long
 * as they bring more together (pace.ts), each with a segment of the file of its own (segments.ts).
 *
 * A transfer runs once, and is in one of these modes:
 *
 *   STARTING   The lead opens the first connection, and its answer says how long the file is. Where the sink holds all
 *              bytes already, no connection is opened. An abort ends the request.
 *   FETCHING   Connections bring bytes. After every change `#step` ends the transfer if it is complete, opens connections
 *              if more are wanted, and fails the transfer if no mirror can go on. A timer measures what comes and replaces
 *              connections that are far slower than others. A failed connection is dealt with by `#failed` (what is tried
 *              again: retries.ts; which mirror is next: mirror-choice.ts).
 *   DRAINING   It is decided how the transfer ends. Connections that are open are aborted; bytes that have arrived are
 *              written, and the transfer waits for that and for the sink to have them safe.
 *   DONE       All bytes are in the sink.
 *   FAILED     Bytes are missing. Those that arrived are in the sink.
 *
 *   STARTING → FETCHING   the first connection is open, or not needed
 *   STARTING → DRAINING   the first connection failed, or the signal aborted
 *   FETCHING → DRAINING   complete, failed, or aborted; the first of them counts
 *   DRAINING → DONE or FAILED
 *
 * What must never happen, and is asserted: a connection is started in another mode than FETCHING (the transfer would not
 * wait for it, and it would write into a sink that somebody else uses); a transfer ends while a connection is open.
 */
import assert from 'node:assert/strict';
import { ImageError } from '../../../model/failures.ts';
import { displayUrl } from '../../../model/url.ts';
import { lengthOf } from '../../spans.ts';
import type { Span } from '../../spans.ts';
import type { OpenedSource } from '../protocol.ts';
import { RangeRefused } from '../range.ts';
import { begin } from './begin.ts';
import { Connection } from './connection.ts';
import { Connections } from './connections.ts';
import { mixes } from './fetching.ts';
import type { Fetching } from './fetching.ts';
import { beginsGzip } from './gzip.ts';
import type { Need } from './mirror-choice.ts';
import type { MirrorState } from './mirror-state.ts';
import { Pace } from './pace.ts';
import { WrongPiece } from './pieces.ts';
import type { Piece } from './pieces.ts';
import { afterConnection, fetchesPieceAgain, verdict } from './retries.ts';
import { Segments } from './segments.ts';
import type { Segment } from './segments.ts';
import { applySetback, noteCorruptPiece } from './setbacks.ts';
import { changeSince } from './source-change.ts';
import { withUrl } from './tries.ts';
import type { Tries } from './tries.ts';

/** Connections to one origin, unless the settings say otherwise. */
const MAX_CONNECTIONS_TO_ORIGIN = 16;
/** Connections in all: each may hold some MiB. */
const MAX_CONNECTIONS = 32;
/** Milliseconds between looks at what comes. */
const TICK_MS = 50;
/** Bytes that must be missing for more connections to be worth it. */
const MIN_BYTES_TO_ADD = 8 * 1_048_576;
/** Seconds of its rate that one connection is given at once, and the bounds in bytes. */
const AHEAD_SECONDS = 20;
const [MIN_AHEAD, MAX_AHEAD] = [8 * 1_048_576, 256 * 1_048_576];
/** Maximum fraction of the file that may be lost by closing connections before their answers end. */
const MAX_LOST = 1 / 20;
/** The answer to a connection's request. */
interface Opened {
  readonly source: OpenedSource;
  /** The position after the last byte that the source is going to send. */
  readonly responseEnd: number;
}

/** The first connection of a transfer. */
interface First extends Opened {
  readonly segment: Segment;
  readonly aborter: AbortController;
}

interface FetchingMode {
  readonly name: 'FETCHING';
  readonly timer: NodeJS.Timeout;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

type Mode = FetchingMode | { readonly name: 'STARTING' | 'DRAINING' | 'DONE' | 'FAILED' };

/** From each mode, the modes that may follow. */
const TRANSITIONS: Readonly<Record<Mode['name'], readonly Mode['name'][]>> = {
  STARTING: ['FETCHING', 'DRAINING'],
  FETCHING: ['DRAINING'],
  DRAINING: ['DONE', 'FAILED'],
  DONE: [],
  FAILED: [],
};

export class Transfer {
  readonly #fetching: Fetching;
  readonly #lead: MirrorState;
  readonly #tries: Tries;
  readonly #maxToOrigin: number;
  readonly #maxConnections: number;
  readonly #pace: Pace;
  readonly #connections = new Connections();
  readonly #tasks = new Set<Promise<void>>();
  /** How often each piece was wrong, by its number. */
  readonly #timesWrong = new Map<number, number>();
  #mode: Mode = { name: 'STARTING' };
  #segments = new Segments({ total: 0, held: [] });
  /** Bytes of the file; 0 when unknown. */
  #total = 0;
  /** Bytes that splitting segments may have cost. */
  #lost = 0;
  /** The source did not say how long the file is, and its answer has ended. */
  #isEndReached = false;
  #lastError: ImageError | undefined;

  constructor(fetching: Fetching, lead: MirrorState, tries: Tries) {
    this.#fetching = fetching;
    this.#lead = lead;
    this.#tries = tries;
    this.#maxToOrigin = fetching.task.connections ?? MAX_CONNECTIONS_TO_ORIGIN;
    const origins = mixes(fetching) ? new Set(fetching.mirrors.all.map(({ origin }) => origin)).size : 1;
    this.#maxConnections = Math.min(MAX_CONNECTIONS, this.#maxToOrigin * origins);
    this.#pace = new Pace({ maxConnections: this.#maxConnections });
  }

  /**
   * All bytes that arrived are on disk and recorded afterwards, however it ends.
   * @throws ImageError; the signal's reason when aborted
   */
  async run(): Promise<void> {
    try {
      await this.#untilDrained();
      this.#enter({ name: 'DONE' });
    } catch (error) {
      this.#enter({ name: 'FAILED' });
      throw error;
    }
  }

  async #untilDrained(): Promise<void> {
    const { signal } = this.#fetching.task;
    const aborter = new AbortController();
    const onAbort = (): void => {
      aborter.abort(signal.reason);
      this.#fail(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      signal.throwIfAborted();
      await this.#fetch(await this.#openFirst(aborter));
    } finally {
      signal.removeEventListener('abort', onAbort);
      await this.#drain();
    }
  }

  #enter(mode: Mode): void {
    const { name } = this.#mode;
    assert(TRANSITIONS[name].includes(mode.name), `a transfer never goes from ${name} to ${mode.name}`);
    this.#mode = mode;
  }

  /** STARTING → FETCHING. @returns a promise that settles when the transfer leaves FETCHING */
  #fetch(first: First | undefined): Promise<void> {
    const { signal } = this.#fetching.task;
    return new Promise((resolve, reject) => {
      const timer = setInterval(() => this.#tick(), TICK_MS);
      this.#enter({ name: 'FETCHING', timer, resolve, reject });
      if (first !== undefined) this.#start(this.#lead, first.segment, first.aborter, first);
      if (signal.aborted) this.#fail(signal.reason);
      else this.#step();
    });
  }

  #complete(): void {
    this.#end(({ resolve }) => resolve());
  }

  #fail(error: unknown): void {
    this.#end(({ reject }) => reject(error));
  }

  /** FETCHING → DRAINING. In any other mode it changes nothing: the first outcome counts. */
  #end(settle: (mode: FetchingMode) => void): void {
    if (this.#mode.name !== 'FETCHING') return;
    const mode = this.#mode;
    clearInterval(mode.timer);
    this.#enter({ name: 'DRAINING' });
    settle(mode);
  }

  async #drain(): Promise<void> {
    const { task, pieces } = this.#fetching;
    if (this.#mode.name === 'STARTING') this.#enter({ name: 'DRAINING' });
    if (pieces !== undefined) pieces.onJudged = pieces.onWrong = undefined;
    const reason = new Error('the transfer is over');
    for (const connection of this.#connections) connection.stop(reason);
    await Promise.all(this.#tasks);
    assert.equal(this.#connections.size, 0, 'a transfer never ends while a connection is open');
    await task.sink.settle();
  }

  /** @returns undefined when the sink holds all bytes, or the source has none that are missing */
  async #openFirst(aborter: AbortController): Promise<First | undefined> {
    const { task, remarks } = this.#fetching;
    const { sink, progress } = task;
    const known = sink.recorded?.total ?? 0;
    if (known > 0 && sink.heldBytes === known) {
      this.#plan(known);
      return undefined;
    }
    progress.phase('connecting', { source: displayUrl(this.#lead.url) });
    const note = (sentence: string): void => this.#tries.of(this.#lead.url).note(sentence);
    for (const remark of remarks.splice(0)) note(remark);
    this.#tries.of(this.#lead.url);
    const { signal } = aborter;
    const { source, responseEnd, total } = await begin(this.#lead, this.#fetching, { signal, note });
    this.#lead.answered(source);
    this.#compare(source);
    this.#plan(total);
    progress.phase('downloading', { total, bytes: sink.heldBytes });
    const segment = this.#segments.take({ maxBytes: Infinity, secondsLeft: () => 0 });
    if (segment !== undefined) return { source, responseEnd, segment, aborter };
    source.close();
    return undefined;
  }

  /** Without a checksum, only the date and the tag at the source show whether the file is the registered one. */
  #compare(source: OpenedSource): void {
    const change = changeSince(this.#lead.mirror, source);
    if (change === undefined || this.#fetching.task.verifiable) return;
    const sentence = `nothing proves that the file is the one that was registered: it ${change}`;
    this.#tries.of(this.#lead.url).changed(sentence);
  }

  #plan(total: number): void {
    const { task, pieces } = this.#fetching;
    const { sink } = task;
    this.#total = total;
    this.#segments = new Segments({
      total: total || Infinity,
      held: sink.held,
      ...(pieces === undefined ? {} : { align: pieces.length }),
    });
    this.#describe();
    if (pieces === undefined) return;
    pieces.onJudged = () => this.#step();
    pieces.onWrong = (piece) => this.#onWrong(piece);
    for (const span of sink.held) pieces.written(span, sink.held);
  }

  /** Tells the sink from where the bytes are. */
  #describe(): void {
    const { task, mirrors } = this.#fetching;
    task.sink.recordAs({ total: this.#total, ...mirrors.record(this.#lead) });
  }

  #tick(): void {
    const look = this.#connections.look();
    const left = this.#segments.missing;
    if (left >= MIN_BYTES_TO_ADD) this.#pace.look({ ...look, left });
    this.#step();
  }

  /** Does what is to be done after a change. */
  #step(): void {
    if (this.#mode.name !== 'FETCHING') return;
    const { pieces, mirrors } = this.#fetching;
    try {
      pieces?.check();
      if (this.#isIdle && (this.#total === 0 ? this.#isEndReached : this.#segments.complete)) {
        return this.#complete();
      }
      this.#fill();
      if (this.#isIdle && !mirrors.awaits(this.#need)) throw this.#stuck();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Whether no connection is open and no piece is being judged. */
  get #isIdle(): boolean {
    return this.#connections.size === 0 && this.#fetching.pieces?.pending !== true;
  }

  /** Opens connections, as many as are wanted and mirrors allow. */
  #fill(): void {
    const wanted = Math.max(1, this.#pace.target);
    while (this.#connections.size < wanted) {
      if (this.#startOne()) continue;
      if (this.#total > 0 && wanted > 1) this.#replaceLaggard();
      return;
    }
  }

  #startOne(): boolean {
    const { pieces } = this.#fetching;
    for (const state of this.#fetching.mirrors.candidates(this.#need)) {
      const segment = this.#segments.take({
        maxBytes: this.#ahead(),
        secondsLeft: (one) => this.#connections.secondsLeft(one),
        affords: (one) => this.#lost + this.#connections.underWay(one) <= this.#total * MAX_LOST,
        onSplit: (one) => (this.#lost += this.#connections.underWay(one)),
        useless: (span) => pieces?.wasCorrupted(span, state.url) === true,
      });
      if (segment === undefined) continue;
      this.#start(state, segment, new AbortController());
      return true;
    }
    return false;
  }

  get #need(): Need {
    return {
      now: performance.now(),
      maxConnections: this.#maxToOrigin,
      pieces: this.#fetching.pieces !== undefined,
      only: mixes(this.#fetching) ? undefined : this.#lead,
    };
  }

  /** Bytes that one connection is given at once: few enough that connections that join later find free ones. */
  #ahead(): number {
    const bytes = Math.min(MAX_AHEAD, Math.max(MIN_AHEAD, this.#connections.usualRate * AHEAD_SECONDS));
    return Math.min(bytes, Math.ceil(this.#segments.missing / this.#maxConnections));
  }

  /** Closes a connection that lags, if a mirror is free that can bring its bytes. */
  #replaceLaggard(): void {
    if (this.#fetching.mirrors.candidates(this.#need).length === 0) return;
    this.#connections.laggard()?.stop(new Error('others are faster'));
  }

  #start(state: MirrorState, segment: Segment, aborter: AbortController, opened?: Opened): void {
    assert.equal(this.#mode.name, 'FETCHING', 'a transfer starts connections only while it is fetching');
    const { task, pieces } = this.#fetching;
    const connection = new Connection({
      aborter,
      state,
      segment,
      segments: this.#segments,
      sink: task.sink,
      rateLimit: task.rateLimit,
      head: task.head,
      total: this.#total,
      onBytes: (span, sent) => this.#onBytes(state, span, sent),
      useless: (span) => pieces?.wasCorrupted(span, state.url) === true,
    });
    this.#connections.add(connection);
    state.connectionStarted();
    const serving = this.#serve(connection, opened);
    this.#tasks.add(serving);
    void serving.finally(() => this.#tasks.delete(serving));
  }

  async #serve(connection: Connection, opened?: Opened): Promise<void> {
    let failure: unknown;
    try {
      const { source, responseEnd } = opened ?? (await this.#open(connection));
      await connection.receive(source, responseEnd);
      this.#isEndReached = this.#total === 0;
    } catch (error) {
      failure = error;
    }
    const { state, segment } = connection;
    this.#connections.delete(connection);
    state.connectionEnded();
    this.#segments.release(segment);
    if (failure !== undefined) this.#failed(connection, failure);
    this.#step();
  }

  async #open(connection: Connection): Promise<Opened> {
    const { task, pieces } = this.#fetching;
    const { state, segment, signal } = connection;
    const { url } = state;
    // Where each piece is checked, the tag of the file does not matter.
    const etag = pieces === undefined ? state.etag : undefined;
    const range = { first: segment.position, last: segment.end - 1, total: this.#total, etag };
    const gzip = await beginsGzip(task.sink);
    const source = await task.sources.for(url).open({ url, secrets: task.secrets, signal, range, gzip });
    if (state.refusal !== undefined) {
      source.close();
      throw state.refusal;
    }
    state.rangeGiven();
    state.answered(source);
    return { source, responseEnd: range.last + 1 };
  }

  #onBytes(state: MirrorState, span: Span, sent: number): void {
    const { task, pieces } = this.#fetching;
    const count = lengthOf(span);
    const isFirst = !state.contributed;
    state.received(count);
    if (isFirst) this.#describe();
    pieces?.sent(span, state.url);
    this.#tries.of(state.url).addBytes(sent);
    task.progress.addFetched(count, sent);
  }

  #failed(connection: Connection, error: unknown): void {
    if (this.#mode.name !== 'FETCHING' || connection.signal.aborted) return;
    const { mirrors } = this.#fetching;
    const { state, flowing, openedAt } = connection;
    const othersMayContinue = mixes(this.#fetching) && mirrors.othersMayContinue(state);
    const facts = { mirror: state, flowing, openedAt, total: this.#total, othersMayContinue };
    const next = afterConnection(error, facts);
    if (next === 'end transfer' || !(error instanceof ImageError)) return this.#fail(error);
    const failure = error instanceof RangeRefused ? error : withUrl(error, state.url);
    applySetback(next, state, failure, { tries: this.#tries, isLast: this.#connections.size === 0 });
    if (next === 'begin anew') return this.#fail(failure);
    if (next !== 'keep one connection' && next !== 'leave to others') this.#lastError = failure;
    // Without another mirror the transfer ends: the next one may begin at the beginning of the file.
    const others = mirrors.candidates(this.#need).some((candidate) => candidate !== state);
    if (this.#connections.size === 0 && !others) this.#fail(this.#stuck(failure));
  }

  /** A wrong piece is fetched again from another mirror. The mirror that sent it is used last from now on. */
  #onWrong(piece: Piece): void {
    const { task, mirrors, pieces } = this.#fetching;
    const { all } = mirrors;
    this.#segments.reopen(piece);
    task.progress.phase('downloading', { total: this.#total, bytes: task.sink.heldBytes });
    const sender = piece.from.size === 1 ? all.find(({ url }) => piece.from.has(url)) : undefined;
    const failure = noteCorruptPiece(piece, sender, {
      count: pieces?.count ?? 0,
      lead: this.#lead,
      tries: this.#tries,
    });
    this.#lastError = failure;
    const times = (this.#timesWrong.get(piece.number) ?? 0) + 1;
    this.#timesWrong.set(piece.number, times);
    const left = all.filter((one) => !one.isDropped && pieces?.wasCorrupted(piece, one.url) !== true);
    if (!fetchesPieceAgain(times, { all: all.length, left: left.length })) return this.#fail(failure);
    for (const connection of this.#connections) {
      if (connection.state === sender) connection.stop(new Error('it sent a wrong piece'));
    }
  }

  /** Why the transfer cannot go on although bytes are missing. */
  #stuck(failure?: ImageError): ImageError {
    const { all } = this.#fetching.mirrors;
    const failed = all.flatMap(({ failure: why }) => (why === undefined ? [] : [why]));
    const wrong = failed.find((one) => one instanceof WrongPiece);
    return wrong ?? this.#lastError ?? failure ?? this.#lead.refusal ?? verdict(failed);
  }
}
