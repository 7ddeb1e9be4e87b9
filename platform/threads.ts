/**
 * Starts threads. The program of a thread is a file `*.thread.ts` beside the code that starts it. Node 20 cannot run
 * TypeScript, so a thread always runs the compiled file in dist/, even where the code that starts it runs from its
 * source, as under Jest. The test runner compiles before the first test (test/support/global-setup.ts).
 */
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { WorkerOptions } from 'node:worker_threads';
import { compiledFile, PROJECT_ROOT } from './installation.ts';

/** @param program `new URL('./x.thread.ts', import.meta.url)`; a file that is not TypeScript is run as it is */
export function startThread(program: URL, options: WorkerOptions): Worker {
  return new Worker(program.pathname.endsWith('.ts') ? compiledProgram(program) : program, options);
}

function compiledProgram(program: URL): string {
  const path = relative(PROJECT_ROOT, fileURLToPath(program));
  const source = path.startsWith(`dist${sep}`) ? path.slice(`dist${sep}`.length) : path;
  return compiledFile(source.replace(/\.ts$/, '.js'));
}
