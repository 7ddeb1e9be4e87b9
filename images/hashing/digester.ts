/**
 * Computes the digests of a file while the file is being written, in a thread of its own that follows the writer.
 *
 * `grown` allows the thread to read further, `finish` asks for the digests, `restarting` ends the thread and forgets
 * all bytes. `ready` makes the writer wait while the thread is more than `maxBehind` bytes behind: older bytes may
 * have left the page cache and would be read from the disk. Bytes that the file had when the thread started do not
 * count there.
 *
 * A small file needs no thread, whose start takes longer than hashing the file: it is read when it is complete.
 */
import type { FileHandle } from 'node:fs/promises';
import type { ResourceLimits, Worker } from 'node:worker_threads';
import { digestName } from '../../model/checksum.ts';
import type { Checksum, ChecksumAlgorithm } from '../../model/checksum.ts';
import { startThread } from '../../platform/threads.ts';
import type { DigestNews, DigestOrder, DigestTask } from './digest.thread.ts';
import { hashSmallFile } from './small-file.ts';
import { threadEnded, unreadable } from './thread-failures.ts';
import { becameShorter } from '../disk-errors.ts';
import type { GrowthObserver } from '../growth-observer.ts';

export type Digests = ReadonlyMap<ChecksumAlgorithm, Checksum>;

export interface DigesterOptions {
  /** The digester only reads the file; the owner keeps it open until `close` has ended. */
  readonly file: FileHandle;
  readonly algorithms: readonly ChecksumAlgorithm[];
  readonly signal: AbortSignal;
  /** Maximum number of bytes that are written and not yet read; default 64 MiB. */
  readonly maxBehind?: number;
  /** Bytes of pieces whose SHA-256 is computed as well, where the file is longer than one; absent: none is. */
  readonly pieceLength?: number;
  /** A file of more bytes gets a thread; default 4 MiB. */
  readonly threadAbove?: number;
}

/** Computes the digests of a complete file. */
export async function digestsOf(
  file: FileHandle,
  size: number,
  options: Pick<DigesterOptions, 'algorithms' | 'signal'> & { readonly onRead?: (count: number) => void },
): Promise<Digests> {
  const digester = new Digester({ file, ...options });
  digester.onRead = options.onRead;
  try {
    digester.grown(size);
    return await digester.finish();
  } finally {
    await digester.close();
  }
}

export const sha256Of = (digests: Digests): string => digests.get('SHA-256')?.hex ?? '';

const MAX_BEHIND = 64 * 1_048_576;
const THREAD_ABOVE = 4 * 1_048_576;

/** The thread allocates hardly any memory. */
const RESOURCE_LIMITS: ResourceLimits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1 };

export class Digester implements GrowthObserver {
  readonly #options: DigesterOptions;
  readonly #algorithms: readonly ChecksumAlgorithm[];
  readonly #threadAbove: number;
  #run: Run | undefined;
  /** Bytes of the file, as far as it may be read. */
  #length = 0;
  /** Called with the number of bytes that were read. */
  onRead: ((count: number) => void) | undefined;

  constructor(options: DigesterOptions) {
    this.#options = options;
    this.#algorithms = [...new Set(options.algorithms)];
    this.#threadAbove = options.threadAbove ?? THREAD_ABOVE;
  }

  /** Number of bytes read, from the beginning of the file. */
  get position(): number {
    return this.#run?.position ?? 0;
  }

  /** After `finish`: SHA-256 of each piece, hexadecimal, one after the other; empty where the file had no thread. */
  get pieceHashes(): string {
    return this.#run?.pieces ?? '';
  }

  grown(position: number): void {
    this.#length = Math.max(this.#length, position);
    if (this.#length > this.#threadAbove) this.#running().follow(position);
  }

  async ready(): Promise<void> {
    await this.#run?.keepingUp(this.#options.maxBehind ?? MAX_BEHIND);
  }

  async restarting(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    this.#length = 0;
    await run?.end();
  }

  /**
   * Call when the file is complete; waits until all of it was read.
   * @throws ImageError when the file cannot be read; the signal's reason when aborted
   */
  async finish(): Promise<Digests> {
    const isSmall = this.#run === undefined && this.#length <= this.#threadAbove;
    const hexes = isSmall ? await this.#hashHere() : await this.#running().finish();
    return new Map(
      this.#algorithms.map((algorithm, at) => [algorithm, { algorithm, hex: hexes[at] as string }]),
    );
  }

  /** Ends the thread; afterwards the digester does not use the file any more. */
  close(): Promise<void> {
    return this.restarting();
  }

  #hashHere(): Promise<readonly string[]> {
    const { file, signal } = this.#options;
    const onRead = (count: number): void => this.onRead?.(count);
    return hashSmallFile(file, this.#length, this.#algorithms.map(digestName), { signal, onRead });
  }

  #running(): Run {
    const { file, signal, pieceLength } = this.#options;
    const task = { fd: file.fd, names: this.#algorithms.map(digestName), pieceLength };
    this.#run ??= new Run(task, signal, (count) => this.onRead?.(count));
    return this.#run;
  }
}

/** One thread, which reads the file once, from the first byte on. */
class Run {
  readonly #thread: Worker;
  readonly #signal: AbortSignal;
  readonly #onRead: (count: number) => void;
  readonly #onAbort = (): void => this.#fail(this.#signal.reason as Error);
  position = 0;
  pieces = '';
  #length = 0;
  /** Bytes of the file when the thread started; `keepingUp` does not count them. */
  #initialLength: number | undefined;
  #finishing = false;
  #hexes: readonly string[] | undefined;
  #failure: Error | undefined;
  #waiting: (() => void)[] = [];

  constructor(task: DigestTask, signal: AbortSignal, onRead: (count: number) => void) {
    this.#signal = signal;
    this.#onRead = onRead;
    this.#thread = startThread(new URL('./digest.thread.ts', import.meta.url), {
      name: 'digest',
      resourceLimits: RESOURCE_LIMITS,
      workerData: task,
      env: {},
      execArgv: [],
    });
    this.#thread.on('message', (news: DigestNews) => this.#onNews(news));
    this.#thread.on('error', (error) => this.#fail(threadEnded('computes checksums', error)));
    this.#thread.on('exit', () => this.#fail(threadEnded('computes checksums')));
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  follow(length: number): void {
    if (length <= this.#length || this.#finishing) return;
    this.#initialLength ??= length;
    this.#length = length;
    this.#send({ length, last: false });
  }

  async keepingUp(maxBehind: number): Promise<void> {
    await this.#until(() => this.#length - this.position <= maxBehind + (this.#initialLength ?? 0));
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
      this.pieces = news.pieces;
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
