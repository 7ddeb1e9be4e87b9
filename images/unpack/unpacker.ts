/**
 * Unpacks the part file of an attempt into a scratch file beside it, while the part file is still growing. The packed
 * bytes stay unchanged: after an interruption they are unpacked again from the beginning, and none is fetched again.
 *
 * States:
 * - idle: no byte of the part is good yet, or a restart took them away;
 * - running: a `Run` waits for the head, recognises the compression, and feeds good bytes to the decoder as they
 *   arrive. A file that is not packed ends the run at its head, with no result;
 * - failed: `ready` throws the failure, so that the fetch stops early; `finish` throws it too;
 * - done: `finish` has called `complete`, and the run has given the scratch file with its digest.
 *
 * `grown` starts a run, `restarting` and `close` abort it, wait for it and remove the scratch file.
 *
 * Must never happen: reading beyond the good bytes of the part (`GrowingFile` waits there); a scratch file of one run
 * that is used by another; unpacking more than the limits allow (`UnpackedOutput` checks head, length and ratio as it
 * grows).
 */
import type { FileHandle } from 'node:fs/promises';
import type { Compression } from '../../model/source.ts';
import type { TemplateFormat } from '../../model/states.ts';
import { Digester } from '../hashing/digester.ts';
import { diskError } from '../disk-errors.ts';
import { HEAD_LENGTH } from '../inspect/format.ts';
import type { ImageLimits } from '../inspect/limits.ts';
import type { GrowthObserver } from '../growth-observer.ts';
import type { Scratch } from '../scratch.ts';
import { compressionOf } from './compression.ts';
import { decodeInto } from './decode.ts';
import { GrowingFile } from './growing-file.ts';
import type { UnpackSettings } from './limits.ts';
import { UnpackedOutput } from './unpacked-output.ts';

export interface UnpackerOptions {
  /** The packed file. */
  readonly file: FileHandle;
  /** Opens the empty file to unpack into. */
  openScratch(): Promise<Scratch>;
  readonly format: TemplateFormat;
  readonly limits: ImageLimits;
  readonly settings: UnpackSettings;
  readonly signal: AbortSignal;
}

export interface Unpacked {
  readonly compression: Compression;
  readonly scratch: Scratch;
  readonly sha256: string;
}

interface Run {
  readonly aborter: AbortController;
  readonly growing: GrowingFile;
  readonly result: Promise<Unpacked | undefined>;
  /** Number of packed bytes that the decoder has taken. */
  taken: number;
  failure?: unknown;
}

export class Unpacker implements GrowthObserver {
  readonly #options: UnpackerOptions;
  #run: Run | undefined;
  #packed = 0;
  #scratch: Scratch | undefined;
  /** Called with the number of packed bytes that the decoder takes. */
  onTaken: ((count: number) => void) | undefined;

  constructor(options: UnpackerOptions) {
    this.#options = options;
  }

  /** Whether packed bytes wait for the decoder. */
  get unpacking(): boolean {
    return this.#scratch !== undefined && this.taken < this.#packed;
  }

  /** Number of packed bytes that the decoder has taken. */
  get taken(): number {
    return this.#run?.taken ?? 0;
  }

  grown(position: number, total: number): void {
    this.#packed = Math.max(position, total);
    if (position === 0) return;
    this.#run ??= this.#start();
    this.#run.growing.grow(position);
  }

  async ready(): Promise<void> {
    if (this.#run?.failure !== undefined) throw this.#run.failure;
  }

  async restarting(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    run?.aborter.abort(new Error('the packed file begins anew'));
    await run?.result.catch(() => undefined);
    const scratch = this.#scratch;
    this.#scratch = undefined;
    await scratch?.remove();
  }

  /**
   * Call when the packed file is complete; waits until it is unpacked.
   * @returns undefined when the file is not packed
   */
  async finish(): Promise<Unpacked | undefined> {
    this.#run?.growing.complete();
    return this.#run?.result;
  }

  /** Aborts a run, and removes the temporary name of the scratch file. */
  close(): Promise<void> {
    return this.restarting();
  }

  #start(): Run {
    const aborter = new AbortController();
    const growing = new GrowingFile(this.#options.file);
    const signal = AbortSignal.any([aborter.signal, this.#options.signal]);
    const work = this.#unpack(growing, signal, (count) => {
      run.taken += count;
      this.onTaken?.(count);
    });
    const result = work.catch((error: unknown) => {
      run.failure = diskError(error);
      // Wakes the reader of the growing file: no more packed bytes are needed.
      aborter.abort(run.failure);
      throw run.failure;
    });
    result.catch(() => undefined);
    const run: Run = { aborter, growing, result, taken: 0 };
    return run;
  }

  async #unpack(
    growing: GrowingFile,
    signal: AbortSignal,
    onTaken: (count: number) => void,
  ): Promise<Unpacked | undefined> {
    const { format, limits, settings } = this.#options;
    const compression = compressionOf(await growing.head(HEAD_LENGTH, signal));
    if (compression === undefined) return undefined;
    const scratch = await this.#options.openScratch();
    this.#scratch = scratch;
    const { file } = scratch;
    const digester = new Digester({ file, algorithms: ['SHA-256'], signal });
    const expected = { compression, format, limits, settings, packed: () => this.#packed };
    const output = new UnpackedOutput(file, digester, expected);
    try {
      const packed = growing.chunks(signal, onTaken);
      await decodeInto(file, compression, packed, { signal, path: settings.path, output });
      return { compression, scratch, sha256: await output.finish() };
    } finally {
      await output.settle();
      await digester.close();
    }
  }
}
