/** Compiles the program into dist/, for tests that run it. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../platform/installation.ts';

let building: Promise<void> | undefined;

/** Builds all of dist/, for tests that run the program as processes. @throws Error with the compiler's output */
export const ensureBuilt = (): Promise<void> => (building ??= build());

/**
 * Compiles the program, from which tests that import sources start threads, and bundles its workflows.
 * @throws Error with the compiler's output
 */
export const ensureCompiled = (): Promise<void> => build('program', 'workflows');

/** Builds parts of dist/ that are older than their sources. */
function build(...parts: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(PROJECT_ROOT, 'bin', 'build.js'), ...parts], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (piece: Buffer) => (output += piece.toString()));
    child.stderr.on('data', (piece: Buffer) => (output += piece.toString()));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(output))));
  });
}
