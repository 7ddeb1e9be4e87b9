/** The contestants: Bypass, and the tools that people use without it. Each run ends with the data on disk. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TemplateFormat } from '../model/states.ts';
import type { DownloadsJob, DownloadsReport } from './bypass-downloads.ts';
import { warmMemory } from './memory.ts';
import { isInstalled, runProgram, runShell } from './processes.ts';
import type { Cost } from './processes.ts';

/** The file to download. */
export interface Served {
  readonly url: string;
  readonly server: 'nginx' | 'node';
  /** SHA-256 of the file as transferred; `size` is of that file, too. */
  readonly sha256: string;
  readonly size: number;
  readonly format: TemplateFormat;
  /** Bytes of the image: the file itself, or its unpacked content. */
  readonly imageSize: number;
  /** PEM file of the authority of an https server. */
  readonly caFile?: string;
}

export interface Task extends Served {
  /** Number of simultaneous downloads. */
  readonly copies: number;
  /** An empty folder. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

export interface Done extends Cost {
  /** Paths of the downloaded files, one per copy. */
  readonly paths: readonly string[];
  /** Peak resident memory of Bypass's process, without the decompression programs. */
  readonly peakBytes?: number;
}

export interface Contestant {
  readonly name: string;
  readonly programs: readonly string[];
  /** Whether the contestant verifies the checksum. */
  readonly verifies: boolean;
  run(task: Task): Promise<Done>;
}

const DOWNLOADS = fileURLToPath(new URL('./bypass-downloads.js', import.meta.url));

/** Bytes that all files of a task need in the page cache, with a reserve. */
const memoryOf = ({ size, imageSize, copies }: Task): number => 1.25 * copies * Math.max(size, imageSize);

/** Bypass in a separate process, with one simultaneous download per copy. */
export const bypass: Contestant = {
  name: 'bypass',
  programs: [],
  verifies: true,
  async run(task) {
    const { url, sha256, size, format, caFile, copies, folder, signal } = task;
    const warm = memoryOf(task);
    const job: DownloadsJob = { url, sha256, size, format, copies, folder, warm, ...(caFile && { caFile }) };
    const output = await runProgram(process.execPath, [DOWNLOADS, JSON.stringify(job)], signal);
    return JSON.parse(output) as DownloadsReport;
  },
};

/**
 * A contestant that is a line of shell: $1 is the URL, $2 the file, $3 the SHA-256, $4 the folder, $5 the PEM file of the
 * authority. Its output must be the SHA-256, or empty.
 */
function tool(name: string, programs: readonly string[], verifies: boolean, line: string): Contestant {
  return {
    name,
    programs,
    verifies,
    async run(task) {
      const { url, sha256, folder, caFile = '', copies, signal } = task;
      const path = join(folder, 'file');
      warmMemory(folder, memoryOf(task));
      const { output, ...cost } = await runShell(line, [url, path, sha256, folder, caFile], signal);
      const [printed = ''] = output.trim().split(' ');
      if (printed !== '' && printed !== sha256) throw new Error(`${name} got a file with SHA-256 ${printed}`);
      const paths = copies === 1 ? [path] : Array.from({ length: copies }, (_, i) => `${path}.${i + 1}`);
      return { ...cost, paths };
    },
  };
}

export const CURL = 'curl';
export const TEE = 'curl | tee | sha256sum';
export const HASH = 'curl, openssl dgst';
export const ARIA2 = 'aria2c -x4 -s4';
export const ARIA2_WIDE = 'aria2c -x16 -s16 -k1M';

const TRUST = { curl: '--cacert "$5" ', aria2: '--ca-certificate="$5" ' };
const NO_TRUST = { curl: '', aria2: '' };

/** @param https whether to trust the authority of $5 */
export const curl = (https = false): Contestant =>
  tool(CURL, ['curl'], false, `curl -sSf ${(https ? TRUST : NO_TRUST).curl}-o "$2" "$1" && sync -d "$2"`);

/** The minimum cost of a download with a checksum. @param https whether to trust the authority of $5 */
export const curlHash = (https = false): Contestant =>
  tool(
    HASH,
    ['curl', 'openssl'],
    true,
    `curl -sSf ${(https ? TRUST : NO_TRUST).curl}-o "$2" "$1" && openssl dgst -sha256 -r "$2" && sync -d "$2"`,
  );

export const curlTee: Contestant = tool(
  TEE,
  ['curl', 'sha256sum'],
  true,
  'curl -sSf "$1" | tee "$2" | sha256sum && sync -d "$2"',
);

/** @param name options that set the number of connections; also the name of the contestant */
export const aria2 = (name: typeof ARIA2 | typeof ARIA2_WIDE, https = false): Contestant =>
  tool(
    name,
    ['aria2c'],
    true,
    `${name} -q ${(https ? TRUST : NO_TRUST).aria2}--checksum="sha-256=$3" -d "$4" -o file "$1" && sync -d "$2"`,
  );

/** @param program such as `xz`, which unpacks with `-dc` */
export const curlUnpack = (program: string): Contestant =>
  tool(
    `${CURL} | ${program} -d`,
    ['curl', program],
    false,
    `curl -sSf "$1" | ${program} -dc > "$2" && sync -d "$2"`,
  );

/** One curl per copy, all at once. */
export const curls = (copies: number): Contestant =>
  tool(
    `${copies} × ${CURL}`,
    ['curl'],
    false,
    `pids=; for n in $(seq ${copies}); do
       { curl -sSf -o "$2.$n" "$1" && sync -d "$2.$n"; } & pids="$pids $!"
     done; for pid in $pids; do wait "$pid" || exit 1; done`,
  );

/** The missing programs of these contestants. */
export const missingPrograms = (contestants: readonly Pick<Contestant, 'programs'>[]): readonly string[] =>
  [...new Set(contestants.flatMap(({ programs }) => programs))].filter((program) => !isInstalled(program));
