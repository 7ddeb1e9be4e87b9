/** Unpacked bytes out of packed ones, for every kind of compression. */
import type { Compression } from '../../model/source.ts';
import { gunzip } from './inflate.ts';
import { throughProgram } from './program.ts';
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

type Decoder = (packed: AsyncIterable<Buffer>, options: DecodeOptions) => AsyncIterable<Buffer>;

const DECODERS: Readonly<Record<Compression, Decoder>> = {
  gzip: (packed, { partial }) => gunzip(packed, partial),
  zip: (packed, { partial }) => unzip(packed, partial),
  bzip2: (packed, options) => throughProgram(packed, { ...options, program: 'bzip2', args: ['-dc'] }),
  xz: (packed, options) =>
    throughProgram(packed, {
      ...options,
      program: 'xz',
      args: ['-dc', '--format=xz', '--threads=1', `--memlimit-decompress=${MEMORY_TEXT}MiB`],
    }),
  zstd: (packed, options) =>
    throughProgram(watchZstd(packed, MEMORY), {
      ...options,
      program: 'zstd',
      args: ['-dcq', `--memory=${MEMORY_TEXT}MB`],
    }),
};

/** @throws ImageError DamagedArchive, HostileArchive or ProgramMissing; the signal's reason when aborted */
export const decode = (
  compression: Compression,
  packed: AsyncIterable<Buffer>,
  options: DecodeOptions,
): AsyncIterable<Buffer> => DECODERS[compression](packed, options);
