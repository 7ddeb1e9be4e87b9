/** Reports which system programs a host has, and what each is needed for. */
import { execFile } from 'node:child_process';
import type { ProgramReport } from '../model/payloads.ts';
import type { ProtocolProgram as Program, Protocols } from '../model/protocols.ts';

export const programsFor = (protocols: Protocols): readonly Program[] => [
  {
    name: 'qemu-img',
    purpose: "check images with QEMU's own tool",
    args: ['--version'],
    printsVersion: true,
  },
  { name: 'xz', purpose: 'unpack .xz images', args: ['--version'], printsVersion: true },
  // With --version, bzip2 also compresses its standard input.
  { name: 'bzip2', purpose: 'unpack .bz2 images', args: ['--help'], printsVersion: true },
  { name: 'zstd', purpose: 'unpack .zst images', args: ['--version'], printsVersion: true },
  ...protocols.flatMap(({ program }) => (program === undefined ? [] : [program])),
];

const TIMEOUT_MS = 5000;
const MAX_OUTPUT = 65_536;
const MAX_VERSION = 200;

export const reportPrograms = (programs: readonly Program[]): Promise<readonly ProgramReport[]> =>
  Promise.all(
    programs.map(async ({ name, purpose, args, printsVersion }) => {
      const output = await run(name, args);
      if (output === undefined) return { name, purpose };
      const version = printsVersion ? firstLine(output) : '';
      return { name, purpose, version: version === '' ? 'installed' : version };
    }),
  );

/** @returns what the program printed; undefined when the host does not have the program */
function run(name: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT, killSignal: 'SIGKILL' } as const;
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
    .slice(0, MAX_VERSION);
