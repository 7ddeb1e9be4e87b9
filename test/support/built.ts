/** The compiled program, for tests that run it as processes. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../workers/dev/project.ts';

let building: Promise<void> | undefined;

/** Compiles when a source is newer than what is there. @throws Error with what the compiler says */
export function ensureBuilt(): Promise<void> {
  building ??= new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(PROJECT_ROOT, 'bin', 'build.js')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stdout.on('data', (piece: Buffer) => (said += piece.toString()));
    child.stderr.on('data', (piece: Buffer) => (said += piece.toString()));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(said))));
  });
  return building;
}
