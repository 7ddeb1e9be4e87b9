/** Who downloads: Bypass, and the tools that people use without it. Each ends with the data on disk. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TemplateFormat } from '../model/states.ts';
import type { DownloadsJob, DownloadsReport } from './bypass-downloads.ts';
import { isInstalled, runMeasured, runShell } from './processes.ts';
import type { Cost } from './processes.ts';

/** What is to be downloaded. */
export interface Served {
  readonly url: string;
  readonly server: 'nginx' | 'node';
  /** Of the file as transferred, as is `size`. */
  readonly sha256: string;
  readonly size: number;
  readonly format: TemplateFormat;
  /** Bytes of the image, which is the file or packed in it. */
  readonly imageSize: number;
  /** PEM file of the authority of an https server. */
  readonly caFile?: string;
}

export interface Task extends Served {
  /** So many downloads of it at once. */
  readonly copies: number;
  /** An empty folder. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

export interface Done extends Cost {
  /** One for each copy. */
  readonly paths: readonly string[];
}

export interface Contestant {
  readonly name: string;
  readonly programs: readonly string[];
  /** Whether it compares the checksum. */
  readonly verifies: boolean;
  run(task: Task): Promise<Done>;
}

const DOWNLOADS = fileURLToPath(new URL('./bypass-downloads.js', import.meta.url));

/** In a process of its own, with as many downloads at a time as there are copies. */
export const bypass: Contestant = {
  name: 'bypass',
  programs: [],
  verifies: true,
  async run({ url, sha256, size, format, caFile, copies, folder, signal }) {
    const job: DownloadsJob = { url, sha256, size, format, copies, folder, ...(caFile && { caFile }) };
    const ran = await runMeasured(process.execPath, [DOWNLOADS, JSON.stringify(job)], signal);
    const { seconds, cpuSeconds, paths } = JSON.parse(ran.output) as DownloadsReport;
    return { seconds, cpuSeconds, peakBytes: ran.peakBytes, paths };
  },
};

/**
 * A line of shell: $1 is the URL, $2 the file, $3 the SHA-256, $4 the folder, $5 the PEM file of the authority. What it
 * prints must be the SHA-256, or nothing.
 */
function tool(name: string, programs: readonly string[], verifies: boolean, line: string): Contestant {
  return {
    name,
    programs,
    verifies,
    async run({ url, sha256, folder, caFile = '', copies, signal }) {
      const path = join(folder, 'file');
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
export const ARIA2 = 'aria2c -x4 -s4';
export const ARIA2_WIDE = 'aria2c -x16 -s16 -k1M';

const TRUST = { curl: '--cacert "$5" ', aria2: '--ca-certificate="$5" ' };
const NO_TRUST = { curl: '', aria2: '' };

/** @param https with the authority of $5 */
export const curl = (https = false): Contestant =>
  tool(CURL, ['curl'], false, `curl -sSf ${(https ? TRUST : NO_TRUST).curl}-o "$2" "$1" && sync -d "$2"`);

export const curlTee: Contestant = tool(
  TEE,
  ['curl', 'sha256sum'],
  true,
  'curl -sSf "$1" | tee "$2" | sha256sum && sync -d "$2"',
);

/** @param options how many connections; also its name */
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

/** As many as there are copies, all at once. */
export const curls = (copies: number): Contestant =>
  tool(
    `${copies} × ${CURL}`,
    ['curl'],
    false,
    `pids=; for n in $(seq ${copies}); do
       { curl -sSf -o "$2.$n" "$1" && sync -d "$2.$n"; } & pids="$pids $!"
     done; for pid in $pids; do wait "$pid" || exit 1; done`,
  );

/** What is not installed of what these need. */
export const missingPrograms = (contestants: readonly Pick<Contestant, 'programs'>[]): readonly string[] =>
  [...new Set(contestants.flatMap(({ programs }) => programs))].filter((program) => !isInstalled(program));
