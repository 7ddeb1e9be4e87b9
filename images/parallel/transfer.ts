/**
 * Brings all bytes of a file that are missing. One connection begins; others join it as long as they bring more
 * (pace.ts), each with a part of the file of its own (segments.ts).
 */
import { ImageError } from '../../model/failures.ts';
import { displayUrl } from '../../model/url.ts';
import type { FailureClass } from '../../model/failures.ts';
import type { Attempt } from '../attempt.ts';
import { diskError } from '../files.ts';
import { verdict } from '../mirrors.ts';
import { RangeRefused, strongEtag } from '../sources/range.ts';
import type { OpenedSource } from '../sources/source.ts';
import { withUrl } from '../tries.ts';
import type { Tries } from '../tries.ts';
import { begin } from './begin.ts';
import { Connection } from './connection.ts';
import { Gauge } from './gauge.ts';
import type { Choice, MirrorState } from './mirror-state.ts';
import { Pace } from './pace.ts';
import { WrongPiece } from './pieces.ts';
import type { Piece } from './pieces.ts';
import { Segments } from './segments.ts';
import { drop, keepToOne, setBack, tellWrong } from './setbacks.ts';
import type { Segment } from './segments.ts';
import { lengthOf } from './spans.ts';
import type { Span } from './spans.ts';

/** Connections to one origin, unless the settings say otherwise. */
const CONNECTIONS = 16;
/** Connections in all: each may hold some MiB. */
const MOST = 32;
/** Milliseconds between looks at what comes. */
const TICK = 50;
/** Bytes that are worth more connections than there are. */
const WORTH = 8 * 1_048_576;
/** Seconds of its rate that one connection is given at once, and the bounds in bytes. */
const AHEAD_SECONDS = 20;
const [AHEAD_LEAST, AHEAD_MOST] = [8 * 1_048_576, 256 * 1_048_576];
/** Of the file, what may be lost with connections that are left before their answers end. */
const MOST_LOST = 1 / 20;
/** A connection is replaced that others would be done with in a quarter of the time, if that takes it so many seconds. */
const [LAGGING, LAGGING_SECONDS] = [4, 5];
/** Seconds that it has to show what it can. */
const TRIED_SECONDS = 2;
/** Of the file, what a mirror must have given between two failures; at most so many bytes. */
const [GAIN, GAIN_MOST] = [1 / 100, 4 * 1_048_576];
/** With these the others may go on; with any other class none would. */
const OTHERS_MAY_HELP: ReadonlySet<FailureClass> = new Set(['source', 'time', 'request']);

export class Transfer {
  readonly #attempt: Attempt;
  readonly #lead: MirrorState;
  readonly #tries: Tries;
  readonly #most: number;
  readonly #pace: Pace;
  readonly #gauge = new Gauge();
  readonly #connections = new Set<Connection>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #wrong = new Map<number, number>();
  #segments = new Segments({ total: 0, held: [] });
  #total = 0;
  /** Bytes that splitting segments may have cost. */
  #lost = 0;
  /** The source said no length, and its answer has ended. */
  #ended = false;
  #lastError: ImageError | undefined;
  #over: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;

  constructor(attempt: Attempt, lead: MirrorState, tries: Tries) {
    this.#attempt = attempt;
    this.#lead = lead;
    this.#tries = tries;
    const origins = this.#mixes ? new Set(attempt.mirrors.all.map(({ origin }) => origin)).size : 1;
    this.#most = Math.min(MOST, this.#ceiling * origins);
    this.#pace = new Pace({ most: this.#most });
  }

  /**
   * All bytes that arrived are on disk and recorded afterwards, whatever ended it.
   * @throws ImageError; the signal's reason when aborted
   */
  async run(): Promise<void> {
    const { request, intake, pieces } = this.#attempt;
    const first = new AbortController();
    const onAbort = (): void => {
      first.abort(request.signal.reason);
      this.#over?.reject(request.signal.reason);
    };
    request.signal.addEventListener('abort', onAbort, { once: true });
    try {
      request.signal.throwIfAborted();
      await this.#begin(first);
      await this.#completed();
    } finally {
      request.signal.removeEventListener('abort', onAbort);
      this.#over = undefined;
      if (pieces !== undefined) pieces.onJudged = pieces.onWrong = undefined;
      const reason = new Error('the transfer is over');
      for (const connection of this.#connections) connection.stop(reason);
      await Promise.all(this.#tasks);
      await intake.settle();
    }
  }

  /** Whether bytes of several mirrors may come together: something tells in the end whether they are of one file. */
  get #mixes(): boolean {
    const { request, alone } = this.#attempt;
    return request.checksum !== undefined && !alone;
  }

  get #ceiling(): number {
    return this.#attempt.deps.connections ?? CONNECTIONS;
  }

  async #begin(aborter: AbortController): Promise<void> {
    const { intake, meter, remarks } = this.#attempt;
    const known = intake.part.checkpoint?.total ?? 0;
    if (known > 0 && intake.heldBytes === known) return this.#plan(known);
    meter.phase('connecting', { source: displayUrl(this.#lead.url) });
    const note = (sentence: string): void => this.#tries.of(this.#lead.url).note(sentence);
    for (const remark of remarks.splice(0)) note(remark);
    this.#tries.of(this.#lead.url);
    const { source, responseEnd, total } = await begin(this.#lead, this.#attempt, {
      signal: aborter.signal,
      note,
    });
    this.#met(this.#lead, source);
    this.#plan(total);
    meter.phase('downloading', { total, bytes: intake.heldBytes });
    const segment = this.#segments.take({ most: Infinity, secondsLeft: () => 0 });
    if (segment === undefined) source.close();
    else this.#start(this.#lead, segment, aborter, { source, responseEnd });
  }

  #plan(total: number): void {
    const { intake, pieces } = this.#attempt;
    this.#total = total;
    this.#segments = new Segments({
      total: total || Infinity,
      held: intake.held,
      ...(pieces === undefined ? {} : { align: pieces.length }),
    });
    this.#describe();
    if (pieces === undefined) return;
    pieces.onJudged = () => this.#step();
    pieces.onWrong = (piece) => this.#onWrong(piece);
    for (const span of intake.held) pieces.written(span, intake.held);
  }

  /** Says with what the bytes are recorded. */
  #describe(): void {
    const { intake, deps, mirrors } = this.#attempt;
    intake.from({ hostId: deps.hostId, total: this.#total, ...mirrors.record(this.#lead) });
  }

  #completed(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setInterval(() => this.#tick(), TICK);
      const ended = <T>(settle: (value: T) => void): ((value: T) => void) => {
        return (value) => {
          clearInterval(timer);
          this.#over = undefined;
          settle(value);
        };
      };
      this.#over = { resolve: ended(resolve), reject: ended(reject) };
      if (this.#attempt.request.signal.aborted) this.#over.reject(this.#attempt.request.signal.reason);
      else this.#step();
    });
  }

  #tick(): void {
    const look = this.#gauge.look([...this.#connections]);
    const left = this.#segments.missing;
    if (left >= WORTH) this.#pace.look({ ...look, left });
    this.#step();
  }

  /** Looks what is to be done, after anything has changed. */
  #step(): void {
    if (this.#over === undefined) return;
    const { pieces } = this.#attempt;
    try {
      pieces?.check();
      const settled = this.#connections.size === 0 && pieces?.pending !== true;
      if (settled && (this.#total === 0 ? this.#ended : this.#segments.complete)) return this.#over.resolve();
      this.#fill();
      const idle = this.#connections.size === 0 && pieces?.pending !== true;
      if (idle && !this.#attempt.mirrors.awaited(this.#choice)) throw this.#stuck();
    } catch (error) {
      this.#over?.reject(error);
    }
  }

  /** Opens connections, as many as are wanted and can be had. */
  #fill(): void {
    const wanted = Math.max(1, this.#pace.target);
    while (this.#connections.size < wanted) {
      if (this.#startOne()) continue;
      if (this.#total > 0 && wanted > 1) this.#replaceLaggard();
      return;
    }
  }

  #startOne(): boolean {
    const { pieces } = this.#attempt;
    for (const state of this.#attempt.mirrors.candidates(this.#choice)) {
      const segment = this.#segments.take({
        most: this.#ahead(),
        secondsLeft: (one) => this.#secondsLeft(one),
        affords: (one) => this.#lost + this.#underWay(one) <= this.#total * MOST_LOST,
        onSplit: (one) => (this.#lost += this.#underWay(one)),
        useless: (span) => pieces?.liedAbout(span, state.url) === true,
      });
      if (segment === undefined) continue;
      this.#start(state, segment, new AbortController());
      return true;
    }
    return false;
  }

  get #choice(): Choice {
    const pieces = this.#attempt.pieces !== undefined;
    const only = this.#mixes ? undefined : this.#lead;
    return { now: performance.now(), ceiling: this.#ceiling, pieces, only };
  }

  /** Bytes that one connection is given at once: few enough that those who may join it find some that nobody has. */
  #ahead(): number {
    const bytes = Math.min(AHEAD_MOST, Math.max(AHEAD_LEAST, this.#gauge.usualRate * AHEAD_SECONDS));
    return Math.min(bytes, Math.ceil(this.#segments.missing / this.#most));
  }

  #underWay(segment: Segment): number {
    return this.#of(segment)?.underWay(this.#gauge.usualRate) ?? 0;
  }

  #of(segment: Segment): Connection | undefined {
    return [...this.#connections].find((one) => one.segment === segment);
  }

  #secondsLeft(segment: Segment): number {
    const connection = this.#of(segment);
    return connection?.secondsLeft(this.#gauge.usualRate) ?? 0;
  }

  /** What a slow connection was to bring is left to others, when those have nothing else to do. */
  #replaceLaggard(): void {
    if (this.#attempt.mirrors.candidates(this.#choice).length === 0) return;
    const laggard = [...this.#connections].find(
      (connection) =>
        connection.rate * LAGGING < this.#gauge.usualRate &&
        connection.secondsLeft(this.#gauge.usualRate) > LAGGING_SECONDS &&
        performance.now() - connection.openedAt > TRIED_SECONDS * 1000,
    );
    laggard?.stop(new Error('others are faster'));
  }

  #start(
    state: MirrorState,
    segment: Segment,
    aborter: AbortController,
    opened?: { readonly source: OpenedSource; readonly responseEnd: number },
  ): void {
    const { request, deps, intake, pieces } = this.#attempt;
    const connection = new Connection({
      aborter,
      state,
      segment,
      segments: this.#segments,
      intake,
      rateLimit: deps.rateLimit,
      format: request.format,
      limits: deps.limits,
      total: this.#total,
      onBytes: (span) => this.#onBytes(state, span),
      useless: (span) => pieces?.liedAbout(span, state.url) === true,
    });
    this.#connections.add(connection);
    state.connections += 1;
    const task = this.#serve(connection, opened);
    this.#tasks.add(task);
    void task.finally(() => this.#tasks.delete(task));
  }

  async #serve(
    connection: Connection,
    opened?: { readonly source: OpenedSource; readonly responseEnd: number },
  ): Promise<void> {
    let failure: unknown;
    try {
      const { source, responseEnd } = opened ?? (await this.#open(connection));
      await connection.receive(source, responseEnd);
      this.#ended = this.#total === 0;
    } catch (error) {
      failure = error;
    }
    const { state, segment } = connection;
    this.#gauge.over(connection);
    this.#connections.delete(connection);
    state.connections -= 1;
    state.endedAt = performance.now();
    this.#segments.release(segment);
    if (failure !== undefined) this.#failed(connection, failure);
    this.#step();
  }

  async #open(
    connection: Connection,
  ): Promise<{ readonly source: OpenedSource; readonly responseEnd: number }> {
    const { request, deps } = this.#attempt;
    const { state, segment, signal } = connection;
    const { url, etag } = state;
    const range = { first: segment.position, last: segment.end - 1, total: this.#total, etag };
    const source = await deps.sources.for(url).open({ url, secrets: request.secrets, signal, range });
    state.parts = true;
    this.#met(state, source);
    return { source, responseEnd: range.last + 1 };
  }

  #met(state: MirrorState, source: OpenedSource): void {
    state.finalUrl = source.finalUrl;
    state.etag = strongEtag(source.etag) ?? state.etag;
    if (source.ranges) state.untried = Infinity;
  }

  #onBytes(state: MirrorState, span: Span): void {
    const { meter, pieces } = this.#attempt;
    const count = lengthOf(span);
    if (!state.here) {
      state.here = true;
      this.#describe();
    }
    state.gave += count;
    pieces?.sent(span, state.url);
    this.#tries.of(state.url).addBytes(count);
    meter.addFetched(count);
  }

  #failed(connection: Connection, error: unknown): void {
    if (this.#over === undefined || connection.signal.aborted) return;
    const known = diskError(error);
    if (!(known instanceof ImageError) || !OTHERS_MAY_HELP.has(known.class)) return this.#over.reject(known);
    const { state } = connection;
    const failure = known instanceof RangeRefused ? known : withUrl(known, state.url);
    if (failure instanceof RangeRefused) this.#onRefusal(state, failure);
    else {
      this.#lastError = failure;
      const enough = Math.max(1, Math.min(this.#total * GAIN, GAIN_MOST));
      setBack(connection, failure, { tries: this.#tries, enough, alone: this.#connections.size === 0 });
    }
    // One that is left alone begins again as a whole: it may go on from zero where it must.
    const others = this.#attempt.mirrors.candidates(this.#choice).some((candidate) => candidate !== state);
    if (this.#connections.size === 0 && !others) this.#over?.reject(this.#stuck(failure));
  }

  /** A source that does not give a part of its file goes on with the one connection that it has. */
  #onRefusal(state: MirrorState, refusal: RangeRefused): void {
    const others = this.#mixes && this.#attempt.mirrors.all.some((one) => one !== state && one.usable);
    const asWhole = state.connections > 0 || !others;
    if ((!refusal.changed || !state.parts) && asWhole) keepToOne(state, refusal, this.#tries);
    else if (others) drop(state, state.broke ?? refusal, this.#tries);
    else this.#over?.reject(refusal);
  }

  /** A wrong piece is fetched again from another mirror, and who sent it is used last from now on. */
  #onWrong(piece: Piece): void {
    const { intake, meter, mirrors, pieces } = this.#attempt;
    this.#segments.reopen(piece);
    meter.phase('downloading', { total: this.#total, bytes: intake.heldBytes });
    const liar = piece.from.size === 1 ? mirrors.all.find(({ url }) => piece.from.has(url)) : undefined;
    const failure = tellWrong(piece, liar, {
      count: pieces?.count ?? 0,
      lead: this.#lead,
      tries: this.#tries,
    });
    this.#lastError = failure;
    const times = (this.#wrong.get(piece.number) ?? 0) + 1;
    this.#wrong.set(piece.number, times);
    const honest = mirrors.all.filter((one) => one.usable && pieces?.liedAbout(piece, one.url) !== true);
    if (honest.length === 0 || times > mirrors.all.length + 1) return this.#over?.reject(failure);
    for (const connection of this.#connections) {
      if (connection.state === liar) connection.stop(new Error('it sent a wrong piece'));
    }
  }

  /** Why it does not go on although bytes are missing. */
  #stuck(failure?: ImageError): ImageError {
    const { mirrors } = this.#attempt;
    const told = mirrors.all.flatMap((state) => (state.failure === undefined ? [] : [state.failure]));
    const wrong = told.find((one) => one instanceof WrongPiece);
    return wrong ?? this.#lastError ?? failure ?? verdict(told);
  }
}
