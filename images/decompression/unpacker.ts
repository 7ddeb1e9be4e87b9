/**
 * Unpacks the part file of an attempt into a second file beside it, while the first is still growing. The packed bytes
 * stay as they are: after any interruption they are unpacked anew, and none is fetched again.
 */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { Compression } from '../../model/source.ts';
import type { TemplateFormat } from '../../model/states.ts';
import { Digester } from '../digester.ts';
import { diskError, openRegular, unlinkIfThere } from '../files.ts';
import { HEAD_LENGTH } from '../inspection/format.ts';
import type { InspectionLimits } from '../inspection/limits.ts';
import type { IntakeObserver } from '../intake.ts';
import { compressionOf } from './compression.ts';
import { decodeInto } from './decode.ts';
import { GrowingFile } from './growing-file.ts';
import type { UnpackSettings } from './limits.ts';
import { UnpackedOutput } from './unpacked-output.ts';

export interface UnpackerOptions {
  /** The packed file. */
  readonly file: FileHandle;
  /** Of the unpacked file; nothing bears the name yet. */
  readonly path: string;
  readonly format: TemplateFormat;
  readonly limits: InspectionLimits;
  readonly settings: UnpackSettings;
  readonly signal: AbortSignal;
}

export interface Unpacked {
  readonly compression: Compression;
  readonly path: string;
  readonly file: FileHandle;
  readonly sha256: string;
}

interface Run {
  readonly aborter: AbortController;
  readonly growing: GrowingFile;
  readonly result: Promise<Unpacked | undefined>;
  /** Packed bytes that were taken. */
  taken: number;
  failure?: unknown;
}

export class Unpacker implements IntakeObserver {
  readonly #options: UnpackerOptions;
  #run: Run | undefined;
  #packed = 0;
  #file: FileHandle | undefined;
  /** Told of packed bytes as they are taken. */
  onTaken: ((count: number) => void) | undefined;

  constructor(options: UnpackerOptions) {
    this.#options = options;
  }

  /** Whether there are packed bytes that wait to be unpacked. */
  get unpacking(): boolean {
    return this.#file !== undefined && this.taken < this.#packed;
  }

  /** Packed bytes that were taken. */
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
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    await file.close();
    await unlinkIfThere(this.#options.path);
  }

  /**
   * All packed bytes are there; waits until they are unpacked.
   * @returns undefined when the file is not packed
   */
  async finish(): Promise<Unpacked | undefined> {
    this.#run?.growing.complete();
    return this.#run?.result;
  }

  /** Ends it, and removes the unpacked file under its temporary name. */
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
      // Whoever still waits for packed bytes need not any more.
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
    const { path, format, limits, settings } = this.#options;
    const compression = compressionOf(await growing.head(HEAD_LENGTH, signal));
    if (compression === undefined) return undefined;
    const file = await openRegular(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL);
    this.#file = file;
    const digester = new Digester({ file, algorithms: ['SHA-256'], signal });
    const expected = { compression, format, limits, settings, packed: () => this.#packed };
    const output = new UnpackedOutput(file, digester, expected);
    try {
      const packed = growing.chunks(signal, onTaken);
      await decodeInto(file, compression, packed, { signal, path: settings.path, output });
      return { compression, path, file, sha256: await output.finish() };
    } finally {
      await output.settle();
      await digester.close();
    }
  }
}
