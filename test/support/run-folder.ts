/** The folder of a test run's servers. The servers of a killed run go on running until the next run ends them. */
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endLeftovers } from '../../dev/leftovers.ts';
import { identify, isAlive } from '../../dev/processes.ts';
import type { ProcessId } from '../../dev/processes.ts';

const PREFIX = 'bypass-test-';
const OWNER = 'owner.json';
/** Milliseconds in which a starting run may not have written its owner yet. */
const GRACE_MS = 60_000;

export async function openRunFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), PREFIX));
  await writeFile(join(folder, OWNER), JSON.stringify(await identify(process.pid)));
  return folder;
}

export async function removeAbandonedRuns(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(PREFIX));
  for (const folder of names.map((name) => join(tmpdir(), name))) {
    if (!(await isAbandoned(folder))) continue;
    await endLeftovers({ root: folder, postgresData: join(folder, 'postgres', 'data') });
    await rm(folder, { recursive: true, force: true });
  }
}

async function isAbandoned(folder: string): Promise<boolean> {
  try {
    return !(await isAlive(JSON.parse(await readFile(join(folder, OWNER), 'utf8')) as ProcessId));
  } catch {
    const made = await stat(folder).catch(() => undefined);
    return made !== undefined && Date.now() - made.mtimeMs > GRACE_MS;
  }
}
