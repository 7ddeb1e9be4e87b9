/** Bytes on their way into a part file: written, recorded as they become safe, and followed by those who read them. */
import type { Checkpoint, PartFile } from './part-file.ts';

export type Origin = Omit<Checkpoint, 'v' | 'offset'>;

/** Follows the file as it grows, with reads of its own. */
export interface IntakeObserver {
  /** So many bytes from the beginning are written, of a whole of `total` (0 when unknown). */
  grown(position: number, total: number): void;
  /** Waits until it keeps up with the file. @throws why no more bytes are wanted */
  ready(): Promise<void>;
  /** Called before all bytes are forgotten; they stay until it is done. */
  restarting(): Promise<void>;
}

export class Intake {
  readonly part: PartFile;
  readonly #checkpointBytes: number;
  #position: number;
  #writing: Promise<void> = Promise.resolve();
  #recording: Promise<void> = Promise.resolve();
  #recordedAt: number;
  readonly #observers: IntakeObserver[] = [];

  /**
   * @param part may hold bytes already
   * @param options.checkpointBytes bytes that may be lost with the process
   */
  constructor(part: PartFile, { checkpointBytes }: { readonly checkpointBytes: number }) {
    this.part = part;
    // While one checkpoint is synced, bytes of the next arrive: so much may be lost, twice.
    this.#checkpointBytes = checkpointBytes / 2;
    this.#position = part.verified;
    this.#recordedAt = part.verified;
  }

  /** Bytes from the beginning of the file that were taken in. */
  get position(): number {
    return this.#position;
  }

  observe(observer: IntakeObserver): void {
    this.#observers.push(observer);
    observer.grown(this.#position, this.part.checkpoint?.total ?? 0);
  }

  /** One write is on its way to the disk while the next bytes are collected. */
  async accept(chunks: readonly Buffer[], origin: Origin): Promise<void> {
    await this.#writing;
    this.#grown(origin.total);
    for (const observer of this.#observers) await observer.ready();
    this.#writing = inBackground(this.part.write(chunks, this.#position));
    this.#position += chunks.reduce((sum, { length }) => sum + length, 0);
    if (this.#position - this.#recordedAt >= this.#checkpointBytes) await this.#record(origin);
  }

  /** Waits until everything taken in is on disk and recorded. */
  async settle(origin: Origin): Promise<void> {
    await this.#writing;
    this.#grown(origin.total);
    await this.#recording;
    if (this.#position > this.#recordedAt) await this.#record(origin);
    await this.#recording;
  }

  /** Forgets all bytes. */
  async restart(): Promise<void> {
    await this.#writing;
    await this.#recording;
    for (const observer of this.#observers) await observer.restarting();
    await this.part.reset();
    this.#position = 0;
    this.#recordedAt = 0;
  }

  #grown(total: number): void {
    for (const observer of this.#observers) observer.grown(this.#position, total);
  }

  /** The next checkpoint waits for the last one, so that bytes that are not recorded never exceed what was asked for. */
  async #record(origin: Origin): Promise<void> {
    const offset = this.#position;
    await this.#recording;
    await this.#writing;
    this.#recordedAt = offset;
    this.#recording = inBackground(this.part.record({ v: 1, ...origin, offset }));
  }
}

/** Its failure is met where it is awaited, not as an unhandled rejection before that. */
function inBackground(work: Promise<void>): Promise<void> {
  work.catch(() => undefined);
  return work;
}
