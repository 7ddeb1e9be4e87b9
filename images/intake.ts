/** Bytes on their way into a part file: hashed and written in one pass, and recorded as they become safe. */
import { createDigests } from './checksum.ts';
import type { Digests } from './checksum.ts';
import type { Checksum, ChecksumAlgorithm } from '../model/checksum.ts';
import type { Checkpoint, PartFile } from './part-file.ts';

export type Origin = Omit<Checkpoint, 'v' | 'offset'>;

/** Told what becomes of the file. */
export interface IntakeObserver {
  /** So many bytes from the beginning are written, of a whole of `total` (0 when unknown). */
  grown(position: number, total: number): void;
  /** @throws why no more bytes are wanted */
  check(): void;
  /** Called before all bytes are forgotten; they stay until it is done. */
  restarting(): Promise<void>;
}

export class Intake {
  readonly part: PartFile;
  readonly #algorithms: readonly ChecksumAlgorithm[];
  readonly #checkpointBytes: number;
  #digests: Digests;
  #position: number;
  #writing: Promise<void> = Promise.resolve();
  #recording: Promise<void> = Promise.resolve();
  #recordedAt: number;
  #observer: IntakeObserver | undefined;

  /** @param digests has seen the bytes that the part file holds already */
  constructor(
    part: PartFile,
    digests: Digests,
    options: { readonly algorithms: readonly ChecksumAlgorithm[]; readonly checkpointBytes: number },
  ) {
    this.part = part;
    this.#digests = digests;
    this.#algorithms = options.algorithms;
    this.#checkpointBytes = options.checkpointBytes;
    this.#position = part.verified;
    this.#recordedAt = part.verified;
  }

  /** Bytes from the beginning of the file that were taken in. */
  get position(): number {
    return this.#position;
  }

  observe(observer: IntakeObserver): void {
    this.#observer = observer;
    observer.grown(this.#position, this.part.checkpoint?.total ?? 0);
  }

  /** One write is on its way to the disk while its bytes are hashed here and the next ones are collected. */
  async accept(chunks: readonly Buffer[], origin: Origin): Promise<void> {
    await this.#writing;
    this.#observer?.check();
    this.#observer?.grown(this.#position, origin.total);
    this.#writing = inBackground(this.part.write(chunks, this.#position));
    for (const chunk of chunks) {
      this.#digests.update(chunk);
      this.#position += chunk.length;
    }
    if (this.#position - this.#recordedAt >= this.#checkpointBytes) await this.#record(origin);
  }

  /** Waits until everything taken in is on disk and recorded. */
  async settle(origin: Origin): Promise<void> {
    await this.#writing;
    this.#observer?.grown(this.#position, origin.total);
    await this.#recording;
    if (this.#position > this.#recordedAt) await this.#record(origin);
    await this.#recording;
  }

  /** Forgets all bytes. */
  async restart(): Promise<void> {
    await this.#writing;
    await this.#recording;
    await this.#observer?.restarting();
    await this.part.reset();
    this.#digests = createDigests(this.#algorithms);
    this.#position = 0;
    this.#recordedAt = 0;
  }

  /** Ends the digests; asked once, when the file is complete. */
  digests(): ReadonlyMap<ChecksumAlgorithm, Checksum> {
    return this.#digests.finish();
  }

  /** The next checkpoint waits for the last one, so that unsynced bytes never exceed two of them. */
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
