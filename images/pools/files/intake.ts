/**
 * The sink of a download: writes bytes into a part file, makes them durable, and informs the observers of the file.
 *
 * A byte moves through these states:
 * - in flight: `write` has accepted the byte, and the disk has not (`#inFlight`);
 * - held: the byte is written, and lost if the process dies (`#held`);
 * - durable: the byte is synced and named in the record beside the part file (`#record`), so that a later attempt can
 *   use it.
 *
 * `#unsafe` counts the bytes that are not durable; `room` makes the caller wait before they exceed `checkpointBytes`.
 * One checkpoint runs at a time, and starts when half of `checkpointBytes` is held and not yet durable: bytes of the
 * next checkpoint arrive meanwhile.
 *
 * Apart from that, a byte is good once it may be read by observers: at once, or, where pieces have hashes
 * (`admission`), only after `admit`. Observers see the good prefix of the file alone.
 *
 * Must never happen: a record that names bytes which were not synced; an observer that reads bytes which a restart has
 * taken away (`restart` waits for writes, the checkpoint and the observers, in this order, before it truncates the
 * file).
 */
import { addSpan, bytesIn, prefixOf, removeSpan } from '../../spans.ts';
import type { Span, Spans } from '../../spans.ts';
import { diskError } from '../../disk-errors.ts';
import type { Provenance, Sink } from '../../fetch/sink.ts';
import type { GrowthObserver } from '../../growth-observer.ts';
import type { PartFile } from './part-file.ts';
import { checkpointOf, heldBy } from './part-record.ts';

export interface IntakeOptions {
  /** The host that writes; recorded with the bytes. */
  readonly hostId: string;
  /** Maximum number of bytes that a crash of the process may cost. */
  readonly checkpointBytes: number;
  /** Whether bytes are good only after `admit`; otherwise they are good as soon as they are written. */
  readonly admission: boolean;
}

export class Intake implements Sink {
  readonly part: PartFile;
  readonly #options: IntakeOptions;
  readonly #observers: GrowthObserver[] = [];
  readonly #writing = new Set<Promise<void>>();
  /** Spans of the file whose writes have completed. */
  #held: Spans;
  /** Those of `#held` that observers may read. */
  #good: Spans;
  #recording: Promise<void> | undefined;
  /** Bytes that are not durable: in flight, or held and not yet recorded. */
  #unsafe = 0;
  /** Bytes whose writes have not completed. */
  #inFlight = 0;
  #provenance: Provenance | undefined;

  /** @param part may hold bytes of earlier attempts */
  constructor(part: PartFile, options: IntakeOptions) {
    this.part = part;
    this.#options = options;
    this.#held = heldBy(part.checkpoint);
    this.#good = options.admission ? [] : this.#held;
  }

  get recorded(): Provenance | undefined {
    return this.part.checkpoint;
  }

  get provenance(): Provenance | undefined {
    return this.#provenance ?? this.part.checkpoint;
  }

  get held(): Spans {
    return this.#held;
  }

  /** Number of held bytes, anywhere in the file. */
  get heldBytes(): number {
    return bytesIn(this.#held);
  }

  /** Length of the good prefix of the file, which observers may read. */
  get position(): number {
    return prefixOf(this.#good);
  }

  async beginning(length: number): Promise<Buffer> {
    const available = Math.min(length, prefixOf(this.#held));
    const { buffer, bytesRead } = await this.part.file.read(Buffer.alloc(available), 0, available, 0);
    return buffer.subarray(0, bytesRead);
  }

  observe(observer: GrowthObserver): void {
    this.#observers.push(observer);
    observer.grown(this.position, this.part.checkpoint?.total ?? 0);
  }

  recordAs(provenance: Provenance): void {
    this.#provenance = provenance;
    this.part.total = provenance.total;
    for (const observer of this.#observers) observer.described?.();
  }

  async room(count: number): Promise<void> {
    for (const observer of this.#observers) await observer.ready();
    while (!this.hasRoom(count)) {
      if (this.#recording !== undefined || this.#unsafe > this.#inFlight) await this.#record();
      else await Promise.race(this.#writing);
    }
  }

  hasRoom(count: number): boolean {
    return this.#unsafe === 0 || this.#unsafe + count <= this.#options.checkpointBytes;
  }

  /**
   * Writes chunks at a position. The caller handles a failure when it awaits the promise; it is no unhandled
   * rejection before.
   */
  write(chunks: readonly Buffer[], position: number): Promise<void> {
    const count = chunks.reduce((sum, { length }) => sum + length, 0);
    const end = position + count;
    this.#unsafe += count;
    this.#inFlight += count;
    const work = this.part.write(chunks, position).then(
      () => {
        this.#inFlight -= count;
        this.#written({ first: position, end });
      },
      (error: unknown) => {
        // These bytes are not in the file, so no checkpoint will make them durable.
        this.#inFlight -= count;
        this.#unsafe -= count;
        throw diskError(error);
      },
    );
    this.#writing.add(work);
    const done = (): void => void this.#writing.delete(work);
    work.then(done, done);
    return work;
  }

  admit(span: Span): void {
    this.#good = addSpan(this.#good, span);
    this.#notify();
  }

  discard(span: Span): void {
    this.#held = removeSpan(this.#held, span);
  }

  async settle(): Promise<void> {
    await Promise.all(this.#writing);
    while (this.#recording !== undefined || this.#unsafe > 0) await this.#record();
  }

  async restart(): Promise<void> {
    await Promise.allSettled(this.#writing);
    await this.#recording?.catch(() => undefined);
    for (const observer of this.#observers) await observer.restarting();
    await this.part.reset().catch(asDiskError);
    this.#provenance = undefined;
    this.#held = [];
    this.#good = [];
    this.#unsafe = 0;
    this.#inFlight = 0;
  }

  #written(span: Span): void {
    this.#held = addSpan(this.#held, span);
    if (!this.#options.admission) {
      this.#good = this.#held;
      this.#notify();
    }
    for (const observer of this.#observers) observer.written?.(span, this.#held);
    this.#recordWhenDue();
  }

  /** A checkpoint covers half of `checkpointBytes`, so that as many bytes may arrive while it is synced. */
  #recordWhenDue(): void {
    if (this.#recording !== undefined || this.#unsafe - this.#inFlight < this.#options.checkpointBytes / 2)
      return;
    // `room` and `settle` throw this failure.
    this.#record().catch(() => undefined);
  }

  #notify(): void {
    const total = this.provenance?.total ?? 0;
    for (const observer of this.#observers) observer.grown(this.position, total);
  }

  /** Waits for the running checkpoint, or starts one. */
  #record(): Promise<void> {
    this.#recording ??= this.#makeCheckpoint();
    return this.#recording;
  }

  async #makeCheckpoint(): Promise<void> {
    if (this.#provenance === undefined)
      throw new Error('bytes were written before `recordAs` named their source');
    const { hostId } = this.#options;
    const covered = this.#unsafe - this.#inFlight;
    await this.part.record(checkpointOf({ ...this.#provenance, hostId }, this.#held)).catch(asDiskError);
    this.#unsafe -= covered;
    this.#recording = undefined;
    this.#recordWhenDue();
  }
}

function asDiskError(error: unknown): never {
  throw diskError(error);
}
