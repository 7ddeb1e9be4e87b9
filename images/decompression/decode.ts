/** Unpacked bytes out of packed ones, for every kind of compression. */
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
  /** The end is missing, and that is no fault. Default false. */
  readonly partial?: boolean | undefined;
}

/** Bytes of memory that a file may ask for to be unpacked; larger dictionaries are refused. */
const MEMORY = 128 * 1_048_576;
const MEMORY_TEXT = `${MEMORY / 1_048_576}`;

interface Unpacker {
  readonly program: string;
  readonly args: readonly string[];
  /** What makes it leave out zeros in a file that it writes; absent when it cannot. */
  readonly leavingHoles?: readonly string[];
}

const PROGRAMS: Readonly<Record<Exclude<Compression, 'gzip' | 'zip'>, Unpacker>> = {
  bzip2: { program: 'bzip2', args: ['-dc'] },
  xz: {
    program: 'xz',
    args: ['-dc', '--format=xz', '--threads=1', `--memlimit-decompress=${MEMORY_TEXT}MiB`],
    leavingHoles: [],
  },
  zstd: {
    program: 'zstd',
    args: ['-dcq', `--memory=${MEMORY_TEXT}MB`],
    leavingHoles: ['--sparse'],
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

/** Told of a file that is being unpacked into. */
export interface Output {
  /** The file has so many bytes now. @throws why no more are wanted */
  grown(length: number): Promise<void>;
  /** Waits until it keeps up with the file. */
  ready(): Promise<void>;
}

/**
 * Unpacks into an empty file, in which zeros take no room.
 * @throws as `decode`, or what the output throws; then nothing is on its way into the file any more
 */
export async function decodeInto(
  file: FileHandle,
  compression: Compression,
  packed: AsyncIterable<Buffer>,
  { output, ...options }: DecodeOptions & { readonly output: Output },
): Promise<void> {
  const paced = inStep(packed, output);
  const direct = compression === 'gzip' || compression === 'zip' ? undefined : PROGRAMS[compression];
  if (direct?.leavingHoles !== undefined) {
    const filter = { ...options, program: direct.program, args: [...direct.args, ...direct.leavingHoles] };
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
  compression === 'zstd' ? watchZstd(packed, MEMORY) : packed;

async function* inStep(packed: AsyncIterable<Buffer>, output: Output): AsyncGenerator<Buffer> {
  for await (const chunk of packed) {
    await output.ready();
    yield chunk;
  }
}
