/** The digests of a file that is still being written, made by a thread of its own that follows what is written. */
import type { FileHandle } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import type { ResourceLimits } from 'node:worker_threads';
import { digestName } from '../model/checksum.ts';
import type { Checksum, ChecksumAlgorithm } from '../model/checksum.ts';
import { ImageError } from '../model/failures.ts';
import { DIGEST_THREAD } from './digest-thread.ts';
import type { DigestNews, DigestOrder, DigestTask } from './digest-thread.ts';
import { becameShorter, diskError } from './files.ts';
import type { IntakeObserver } from './intake.ts';

export type Digests = ReadonlyMap<ChecksumAlgorithm, Checksum>;

export interface DigesterOptions {
  /** Read only; it is closed after `close`. */
  readonly file: FileHandle;
  readonly algorithms: readonly ChecksumAlgorithm[];
  readonly signal: AbortSignal;
  /** Bytes that may be written and not yet read; default 64 MiB. More than those are no longer in memory for sure. */
  readonly mostBehind?: number;
}

const MOST_BEHIND = 64 * 1_048_576;

/** It makes hardly any garbage. */
const RESOURCE_LIMITS: ResourceLimits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1 };

export class Digester implements IntakeObserver {
  readonly #options: DigesterOptions;
  readonly #algorithms: readonly ChecksumAlgorithm[];
  #run: Run | undefined;
  /** Told of bytes as they are read. */
  onRead: ((count: number) => void) | undefined;

  constructor(options: DigesterOptions) {
    this.#options = options;
    this.#algorithms = [...new Set(options.algorithms)];
  }

  /** Bytes from the beginning that were read. */
  get position(): number {
    return this.#run?.position ?? 0;
  }

  grown(position: number): void {
    if (position > 0) this.#running().follow(position);
  }

  async ready(): Promise<void> {
    await this.#run?.keepingUp(this.#options.mostBehind ?? MOST_BEHIND);
  }

  async restarting(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    await run?.end();
  }

  /**
   * All bytes are there; waits until they are read.
   * @throws ImageError when they cannot be read; the signal's reason when aborted
   */
  async finish(): Promise<Digests> {
    const hexes = await this.#running().finish();
    return new Map(
      this.#algorithms.map((algorithm, at) => [algorithm, { algorithm, hex: hexes[at] as string }]),
    );
  }

  /** Ends the thread: nobody reads the file any more. */
  close(): Promise<void> {
    return this.restarting();
  }

  #running(): Run {
    const { file, signal } = this.#options;
    const task = { fd: file.fd, names: this.#algorithms.map(digestName) };
    this.#run ??= new Run(task, signal, (count) => this.onRead?.(count));
    return this.#run;
  }
}

/** One thread, from the first byte to the digests. */
class Run {
  readonly #thread: Worker;
  readonly #signal: AbortSignal;
  readonly #onRead: (count: number) => void;
  readonly #onAbort = (): void => this.#fail(this.#signal.reason as Error);
  position = 0;
  #length = 0;
  /** Bytes that were there at the start: nobody waits for those. */
  #found: number | undefined;
  #finishing = false;
  #hexes: readonly string[] | undefined;
  #failure: Error | undefined;
  #waiting: (() => void)[] = [];

  constructor(task: DigestTask, signal: AbortSignal, onRead: (count: number) => void) {
    this.#signal = signal;
    this.#onRead = onRead;
    this.#thread = new Worker(DIGEST_THREAD, {
      eval: true,
      name: 'digest',
      resourceLimits: RESOURCE_LIMITS,
      workerData: task,
      env: {},
      execArgv: [],
    });
    this.#thread.on('message', (news: DigestNews) => this.#onNews(news));
    this.#thread.on('error', (error) => this.#fail(ended(error)));
    this.#thread.on('exit', () => this.#fail(ended()));
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  follow(length: number): void {
    if (length <= this.#length || this.#finishing) return;
    this.#found ??= length;
    this.#length = length;
    this.#send({ length, last: false });
  }

  async keepingUp(mostBehind: number): Promise<void> {
    await this.#until(() => this.#length - this.position <= mostBehind + (this.#found ?? 0));
  }

  async finish(): Promise<readonly string[]> {
    if (!this.#finishing) this.#send({ length: this.#length, last: true });
    this.#finishing = true;
    await this.#until(() => this.#hexes !== undefined);
    return this.#hexes as readonly string[];
  }

  async end(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#onAbort);
    await this.#thread.terminate();
  }

  #send(order: DigestOrder): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#thread.postMessage(order);
  }

  #onNews(news: DigestNews): void {
    if ('position' in news) this.#moved(news.position);
    else if ('hexes' in news) {
      this.#moved(this.#length);
      this.#hexes = news.hexes;
    } else if ('shorter' in news) {
      this.#fail(becameShorter());
    } else this.#fail(unreadable(news));
    this.#wake();
  }

  #moved(position: number): void {
    const count = position - this.position;
    this.position = position;
    if (count > 0) this.#onRead(count);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  async #until(condition: () => boolean): Promise<void> {
    for (;;) {
      this.#signal.throwIfAborted();
      if (this.#failure !== undefined) throw this.#failure;
      if (condition()) return;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

const ended = (error?: Error): ImageError =>
  new ImageError(
    'HostFault',
    `the thread that computes checksums ended${error === undefined ? '' : ` (${error.message})`}`,
    error === undefined ? {} : { cause: error },
  );

function unreadable({
  code,
  message,
}: {
  readonly code: string | undefined;
  readonly message: string;
}): Error {
  const error = Object.assign(new Error(message), code === undefined ? {} : { code });
  const known = diskError(error);
  if (known instanceof ImageError) return known;
  return new ImageError('DiskBroken', `a file of the pool cannot be read (${message})`, { cause: error });
}
