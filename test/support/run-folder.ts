/** The folder of a run's servers. A run that was killed left its servers running; the next run ends them. */
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endLeftovers } from '../../workers/dev/leftovers.ts';
import { identify, isAlive } from '../../workers/dev/processes.ts';
import type { ProcessId } from '../../workers/dev/processes.ts';

const PREFIX = 'bypass-test-';
const OWNER = 'owner.json';
/** A run that is just beginning has not written its owner yet. */
const BEGINNING_MS = 60_000;

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
    return made !== undefined && Date.now() - made.mtimeMs > BEGINNING_MS;
  }
}
