/** Who downloads: Bypass, and the tools that people use without it. Each ends with the data on disk. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkerReport } from './download-worker.ts';
import { isInstalled, runProgram, runShell } from './processes.ts';
import type { Cost } from './processes.ts';

export interface Task {
  readonly url: string;
  readonly sha256: string;
  readonly size: number;
  /** An empty folder. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

export interface Downloaded extends Cost {
  readonly path: string;
  /** Bypass's only. */
  readonly peakBytes?: number;
}

export interface Downloader {
  readonly name: string;
  readonly programs: readonly string[];
  /** Whether it compares the checksum. */
  readonly verifies: boolean;
  run(task: Task): Promise<Downloaded>;
}

const WORKER = fileURLToPath(new URL('./download-worker.js', import.meta.url));

export const bypass: Downloader = {
  name: 'bypass',
  programs: [],
  verifies: true,
  async run({ url, sha256, size, folder, signal }) {
    const output = await runProgram(process.execPath, [WORKER, url, sha256, String(size), folder], signal);
    const report = JSON.parse(output) as WorkerReport;
    if (report.sha256 !== sha256) throw new Error(`Bypass published a file with SHA-256 ${report.sha256}`);
    return { ...report, path: report.localPath };
  },
};

/** $1 is the URL, $2 the file, $3 the SHA-256, $4 the folder; what it prints must be the SHA-256, or nothing. */
function tool(name: string, programs: readonly string[], verifies: boolean, line: string): Downloader {
  return {
    name,
    programs,
    verifies,
    async run({ url, sha256, folder, signal }) {
      const path = join(folder, 'file');
      const { output, ...cost } = await runShell(line, [url, path, sha256, folder], signal);
      const [printed = ''] = output.trim().split(' ');
      if (printed !== '' && printed !== sha256) throw new Error(`${name} got a file with SHA-256 ${printed}`);
      return { ...cost, path };
    },
  };
}

export const CURL = 'curl';
export const ARIA2 = 'aria2c -x4 -s4';

export const TOOLS: readonly Downloader[] = [
  tool(CURL, ['curl'], false, 'curl -sSf -o "$2" "$1" && sync -d "$2"'),
  tool(
    'curl | tee | sha256sum',
    ['curl', 'sha256sum'],
    true,
    'curl -sSf "$1" | tee "$2" | sha256sum && sync -d "$2"',
  ),
  tool(
    ARIA2,
    ['aria2c'],
    true,
    'aria2c -q -x4 -s4 --checksum="sha-256=$3" -d "$4" -o file "$1" && sync -d "$2"',
  ),
];

/** What is left out because it is not installed. */
export const missingPrograms = (): readonly string[] =>
  [...new Set(TOOLS.flatMap(({ programs }) => programs))].filter((program) => !isInstalled(program));
