/**
 * `node bin/node-24.js PROGRAM [ARGUMENTS]`: runs a program by the Node that production should have (docs/production.md): by this
 * one, or else by one that npm fetches. So what is measured, and what the Debian package carries, does not depend on the Node of
 * who measures or packs: with Node 20, real deployments took a third longer (docs/benchmarks.md).
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { ensureBuilt } from './build.js';
import { fetchNode, NODES } from './node-releases.js';

const WANTED = NODES.at(-1);

async function program() {
  if (Number.parseInt(process.versions.node, 10) >= Number.parseInt(WANTED, 10)) return process.execPath;
  await ensureBuilt();
  const { cacheFolder } = await import('../dist/dev/cache-folder.js');
  const cache = await cacheFolder({ cacheHome: process.env.XDG_CACHE_HOME, home: process.env.HOME });
  try {
    return fetchNode(cache, WANTED);
  } catch (error) {
    throw new Error(
      `This needs Node ${WANTED}; this is ${process.versions.node}, and npm could not get another: ${error.message}`,
      { cause: error },
    );
  }
}

const child = spawn(await program(), process.argv.slice(2), { stdio: 'inherit' });
// Whoever stops this stops the program, whose end is waited for; an interrupt of the terminal reaches both.
process.on('SIGTERM', () => child.kill('SIGTERM'));
process.on('SIGINT', () => {
  if (!process.stdin.isTTY) child.kill('SIGINT');
});
child.on('error', (error) => {
  throw error;
});
child.on('exit', (code, signal) => {
  process.exitCode = code ?? 128 + constants.signals[signal];
});
