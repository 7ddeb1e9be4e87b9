/** Unpacks bytes, with the decoder of each kind of compression. */
import type { FileHandle } from 'node:fs/promises';
import type { Compression } from '../../model/source.ts';
import { gunzip } from './inflate.ts';
import { programInto, throughProgram } from './program.ts';
import { SparseFile } from './sparse-file.ts';
import { unzip } from './unzip.ts';
import { watchZstd } from './zstd-frames.ts';

export interface DecodeOptions {
  readonly signal: AbortSignal;
  /** Folders to look for programs in, as in PATH; default those of this process. */
  readonly path?: string | undefined;
  /** Whether the packed bytes are only a beginning, so that a missing end is no error. Default false. */
  readonly partial?: boolean | undefined;
}

/** Maximum bytes of memory for unpacking one file; files with larger dictionaries are refused. */
const MAX_MEMORY = 128 * 1_048_576;
const MAX_MEMORY_MIB = `${MAX_MEMORY / 1_048_576}`;

interface Decompressor {
  readonly program: string;
  readonly args: readonly string[];
  /** Arguments by which the program leaves holes for zeros in its output file; absent when it cannot. */
  readonly sparseArgs?: readonly string[];
}

const PROGRAMS: Readonly<Record<Exclude<Compression, 'gzip' | 'zip'>, Decompressor>> = {
  bzip2: { program: 'bzip2', args: ['-dc'] },
  xz: {
    program: 'xz',
    args: ['-dc', '--format=xz', '--threads=1', `--memlimit-decompress=${MAX_MEMORY_MIB}MiB`],
    sparseArgs: [],
  },
  zstd: {
    program: 'zstd',
    args: ['-dcq', `--memory=${MAX_MEMORY_MIB}MB`],
    sparseArgs: ['--sparse'],
  },
};

/** @throws ImageError DamagedArchive, HostileArchive or ProgramMissing; the signal's reason when aborted */
export function decode(
  compression: Compression,
  packed: AsyncIterable<Buffer>,
  options: DecodeOptions,
): AsyncIterable<Buffer> {
  if (compression === 'gzip') return gunzip(packed, options.partial);
  if (compression === 'zip') return unzip(packed, options.partial);
  return throughProgram(watched(compression, packed), { ...options, ...PROGRAMS[compression] });
}

/** Observes the file that is being unpacked into. */
export interface Output {
  /** Called with the present length of the file. @throws the reason to stop unpacking */
  grown(length: number): Promise<void>;
  /** Resolves when the observer has caught up with the file. */
  ready(): Promise<void>;
}

/**
 * Unpacks into an empty file, with holes for zeros. When it settles, no write to the file is under way.
 * @throws as `decode`, or what the output throws
 */
export async function decodeInto(
  file: FileHandle,
  compression: Compression,
  packed: AsyncIterable<Buffer>,
  { output, ...options }: DecodeOptions & { readonly output: Output },
): Promise<void> {
  const paced = inStep(packed, output);
  const direct = compression === 'gzip' || compression === 'zip' ? undefined : PROGRAMS[compression];
  if (direct?.sparseArgs !== undefined) {
    const filter = { ...options, program: direct.program, args: [...direct.args, ...direct.sparseArgs] };
    await programInto(watched(compression, paced), file, filter, (length) => output.grown(length));
    return;
  }
  const target = new SparseFile(file, (length) => output.grown(length));
  try {
    for await (const chunk of decode(compression, paced, options)) await target.write(chunk);
    await target.finish();
  } finally {
    await target.settle();
  }
}

const watched = (compression: Compression, packed: AsyncIterable<Buffer>): AsyncIterable<Buffer> =>
  compression === 'zstd' ? watchZstd(packed, MAX_MEMORY) : packed;

async function* inStep(packed: AsyncIterable<Buffer>, output: Output): AsyncGenerator<Buffer> {
  for await (const chunk of packed) {
    await output.ready();
    yield chunk;
  }
}
