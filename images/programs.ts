/** The system programs of a host: which are there, and what cannot be done without the others. */
import { execFile } from 'node:child_process';
import type { ProgramReport } from '../model/payloads.ts';

interface Program {
  readonly name: string;
  readonly purpose: string;
  /** What makes it say its version. */
  readonly ask: readonly string[];
  /** Whether the first line of the answer is its version. */
  readonly tells: boolean;
}

export const PROGRAMS: readonly Program[] = [
  { name: 'qemu-img', purpose: "check images with QEMU's own tool", ask: ['--version'], tells: true },
  { name: 'xz', purpose: 'unpack .xz images', ask: ['--version'], tells: true },
  // Asked for its version, bzip2 goes on to compress its standard input.
  { name: 'bzip2', purpose: 'unpack .bz2 images', ask: ['--help'], tells: true },
  { name: 'zstd', purpose: 'unpack .zst images', ask: ['--version'], tells: true },
  { name: 'nfs-cat', purpose: 'fetch images from NFS', ask: ['--help'], tells: false },
];

const TIME_MS = 5000;
const OUTPUT_BYTES = 65_536;
const VERSION_LENGTH = 200;

export const reportPrograms = (programs: readonly Program[] = PROGRAMS): Promise<readonly ProgramReport[]> =>
  Promise.all(
    programs.map(async ({ name, purpose, ask, tells }) => {
      const answer = await run(name, ask);
      if (answer === undefined) return { name, purpose };
      const version = tells ? firstLine(answer) : '';
      return { name, purpose, version: version === '' ? 'installed' : version };
    }),
  );

/** @returns what it printed, or undefined when there is no such program */
function run(name: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { timeout: TIME_MS, maxBuffer: OUTPUT_BYTES, killSignal: 'SIGKILL' } as const;
    const child = execFile(name, args, options, (error, stdout, stderr) => {
      const absent = error?.code === 'ENOENT' || error?.code === 'EACCES';
      resolve(absent ? undefined : `${stdout}\n${stderr}`);
    });
    child.stdin?.end();
    child.stdin?.on('error', () => undefined);
  });
}

const firstLine = (text: string): string =>
  (text.split('\n').find((line) => line.trim() !== '') ?? '')
    .replace(/[^\x20-\x7e]/g, '?')
    .trim()
    .slice(0, VERSION_LENGTH);
