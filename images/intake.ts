/** Bytes on their way into a part file: written, recorded as they become safe, and followed by those who read them. */
import { addSpan, bytesIn, prefixOf, removeSpan } from './parallel/spans.ts';
import type { Span, Spans } from './parallel/spans.ts';
import { checkpointOf, heldBy } from './part-file.ts';
import type { Checkpoint, PartFile } from './part-file.ts';

export type Origin = Omit<Checkpoint, 'v' | 'offset' | 'beyond'>;

/** Follows the file as it grows, with reads of its own. */
export interface IntakeObserver {
  /** So many bytes from the beginning are written, of a whole of `total` (0 when unknown). */
  grown(position: number, total: number): void;
  /** Waits until it keeps up with the file. @throws why no more bytes are wanted */
  ready(): Promise<void>;
  /** Called before all bytes are forgotten; they stay until it is done. */
  restarting(): Promise<void>;
}

export interface IntakeOptions {
  /** Bytes that may be lost with the process. */
  readonly checkpointBytes: number;
  /** Bytes count as good only when they were admitted; else as soon as they are written. */
  readonly admitted: boolean;
}

export class Intake {
  readonly part: PartFile;
  readonly #checkpointBytes: number;
  readonly #admission: boolean;
  readonly #observers: IntakeObserver[] = [];
  readonly #writing = new Set<Promise<void>>();
  /** What lies in the file, written to the end. */
  #held: Spans;
  /** What of it is known to be good. */
  #good: Spans;
  #recording: Promise<void> | undefined;
  /** Bytes that would be lost with the process, and of them those that are not yet written to the end. */
  #unsafe = 0;
  #inFlight = 0;
  #origin: Origin | undefined;
  /** Told of bytes as they are written. */
  onWritten: ((span: Span) => void) | undefined;

  /** @param part may hold bytes already */
  constructor(part: PartFile, { checkpointBytes, admitted }: IntakeOptions) {
    this.part = part;
    this.#checkpointBytes = checkpointBytes;
    this.#admission = admitted;
    this.#held = heldBy(part.checkpoint);
    this.#good = admitted ? [] : this.#held;
  }

  get held(): Spans {
    return this.#held;
  }

  /** Bytes of the file that are here, wherever in it. */
  get heldBytes(): number {
    return bytesIn(this.#held);
  }

  /** Good bytes from the beginning of the file without a gap: what others may read. */
  get position(): number {
    return prefixOf(this.#good);
  }

  observe(observer: IntakeObserver): void {
    this.#observers.push(observer);
    observer.grown(this.position, this.part.checkpoint?.total ?? 0);
  }

  /** What is recorded with the bytes from now on. */
  from(origin: Origin): void {
    this.#origin = origin;
  }

  /** Waits until so many bytes more may be written: those who follow keep up, and not too much would be lost. */
  async ready(count: number): Promise<void> {
    for (const observer of this.#observers) await observer.ready();
    while (!this.takes(count)) {
      if (this.#recording !== undefined || this.#unsafe > this.#inFlight) await this.#record();
      else await Promise.race(this.#writing);
    }
  }

  /** Whether so many bytes more may be written just now: others may have been faster than who waited. */
  takes(count: number): boolean {
    return this.#unsafe === 0 || this.#unsafe + count <= this.#checkpointBytes;
  }

  /** Writes chunks where they belong. Its failure is met where it is awaited, not as an unhandled rejection before. */
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
        // They are not in the file: nobody is to wait until they are safe.
        this.#inFlight -= count;
        this.#unsafe -= count;
        throw error;
      },
    );
    this.#writing.add(work);
    const done = (): void => void this.#writing.delete(work);
    work.then(done, done);
    return work;
  }

  /** These bytes are good. */
  admit(span: Span): void {
    this.#good = addSpan(this.#good, span);
    this.#tell();
  }

  /** These bytes are wrong. They have not been admitted. */
  discard(span: Span): void {
    this.#held = removeSpan(this.#held, span);
  }

  /** Waits until everything taken in is on disk and recorded. */
  async settle(): Promise<void> {
    await Promise.all(this.#writing);
    while (this.#recording !== undefined || this.#unsafe > 0) await this.#record();
  }

  /** Forgets all bytes. */
  async restart(): Promise<void> {
    await Promise.allSettled(this.#writing);
    await this.#recording?.catch(() => undefined);
    for (const observer of this.#observers) await observer.restarting();
    await this.part.reset();
    this.#held = [];
    this.#good = [];
    this.#unsafe = 0;
    this.#inFlight = 0;
  }

  #written(span: Span): void {
    this.#held = addSpan(this.#held, span);
    if (!this.#admission) {
      this.#good = this.#held;
      this.#tell();
    }
    this.onWritten?.(span);
    this.#recordWhenDue();
  }

  /** While one checkpoint is synced, bytes of the next arrive: each is half of what may be lost. */
  #recordWhenDue(): void {
    if (this.#recording !== undefined || this.#unsafe - this.#inFlight < this.#checkpointBytes / 2) return;
    // Its failure is met by who writes next.
    this.#record().catch(() => undefined);
  }

  #tell(): void {
    const total = this.#origin?.total ?? this.part.checkpoint?.total ?? 0;
    for (const observer of this.#observers) observer.grown(this.position, total);
  }

  /** Waits for the checkpoint that is being made, or makes one. */
  #record(): Promise<void> {
    this.#recording ??= this.#makeCheckpoint();
    return this.#recording;
  }

  async #makeCheckpoint(): Promise<void> {
    if (this.#origin === undefined) throw new Error('bytes came from nowhere');
    const covered = this.#unsafe - this.#inFlight;
    await this.part.record(checkpointOf(this.#origin, this.#held));
    this.#unsafe -= covered;
    this.#recording = undefined;
    this.#recordWhenDue();
  }
}
