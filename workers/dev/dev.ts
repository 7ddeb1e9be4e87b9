/** `bypass dev`, which `npm start` runs: everything on this machine, until it is told to stop. */
import { access, constants } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { readEnvironment } from '../../cli/environment.ts';
import { saveProfile } from '../../cli/profiles.ts';
import { stopRequested } from '../runtime.ts';
import { SettingError, label } from '../settings.ts';
import type { Settings } from '../settings.ts';
import { claimFolder } from './claim.ts';
import { planOf } from './plan.ts';
import { removeReadyFile, writeReadyFile } from './ready-file.ts';
import type { ReadyFile } from './ready-file.ts';
import { bringUp } from './stack.ts';
import type { Stack } from './stack.ts';
import { createTeller } from './teller.ts';
import type { Tell } from './teller.ts';

const PROFILE = 'dev';

/** The start was given up because of a signal. */
class Stopped extends Error {}

/** Resolves after an orderly stop; no process is left then. */
export async function run(settings: Settings): Promise<void> {
  const tell = createTeller(process.stdout);
  const plan = planOf(settings);
  const given = settings.text('readyFile');
  const readyFile = given === '' ? undefined : resolve(given);
  if (readyFile !== undefined) await requireFolder(readyFile);
  const giveUp = new AbortController();
  const stop = stopRequested().then((signal) => {
    tell(`${signal}: Bypass stops`);
    giveUp.abort(new Stopped());
  });
  const claim = await claimFolder(plan.dataDir);
  const { folder } = claim;
  try {
    // One that a killed start left behind tells of processes that are gone.
    if (readyFile !== undefined) await removeReadyFile(readyFile);
    tell(`Bypass starts; everything it keeps is in ${folder.root}`);
    const teller = createReadyTeller(readyFile, tell);
    const deps = { tell, signal: giveUp.signal, env: process.env, onRestart: () => teller.refresh() };
    const stack = await bringUp(plan, folder, deps);
    try {
      const profileFile = await keepProfile(stack.ready(), tell);
      await teller.begin(stack);
      announce(stack.ready(), { keys: folder.admin, profileFile }, tell);
      await stop;
    } finally {
      await stack.stop();
      await teller.end();
    }
    tell('Bypass has stopped');
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    tell('Bypass has stopped');
  } finally {
    await claim.release();
  }
}

/** Told at once, not when everything is up. */
async function requireFolder(file: string): Promise<void> {
  try {
    await access(dirname(file), constants.W_OK);
  } catch (error) {
    throw new SettingError(
      `${label('readyFile')} names ${file}, but nothing can be written there (${(error as Error).message})`,
      { cause: error },
    );
  }
}

interface ReadyTeller {
  begin(stack: Stack): Promise<void>;
  /** After a process was replaced by another. */
  refresh(): void;
  end(): Promise<void>;
}

/** Keeps the ready file true. One write at a time, so that the newest text stays. */
function createReadyTeller(path: string | undefined, tell: Tell): ReadyTeller {
  let told: Stack | undefined;
  let writing: Promise<void> = Promise.resolve();
  const write = (): Promise<void> => {
    writing = writing.then(async () => {
      if (path !== undefined && told !== undefined) await writeReadyFile(path, told.ready());
    });
    return writing;
  };
  return {
    async begin(stack) {
      told = stack;
      await write();
    },
    refresh() {
      write().catch((error: unknown) => {
        writing = Promise.resolve();
        tell(`${path} could not be written anew (${(error as Error).message})`);
      });
    },
    async end() {
      told = undefined;
      await writing.catch(() => undefined);
      if (path !== undefined) await removeReadyFile(path);
    },
  };
}

/** So that `npx bypass …` works at once. @returns undefined when it could not be written, which is told */
async function keepProfile(
  { apiUrl, apiKey, secretKey }: ReadyFile,
  tell: Tell,
): Promise<string | undefined> {
  const { profileFile } = readEnvironment(process.env);
  try {
    await saveProfile(profileFile, PROFILE, { url: apiUrl, apiKey, secretKey });
    return profileFile;
  } catch (error) {
    tell(`No profile for \`npx bypass\` could be written: ${(error as Error).message}`);
    return undefined;
  }
}

function announce(
  ready: ReadyFile,
  { keys, profileFile }: { readonly keys: string; readonly profileFile: string | undefined },
  tell: Tell,
): void {
  const rows: readonly (readonly [string, string])[] = [
    ['API', ready.apiUrl],
    ['Temporal UI', ready.temporalUiUrl || `that of ${ready.temporalAddress}`],
    ['keys', keys],
    ...(profileFile === undefined ? [] : [['CLI profile', `${PROFILE} in ${profileFile}`] as const]),
    ...ready.pools.map(({ name, path }) => [`pool ${name}`, path] as const),
  ];
  tell('Bypass is up:');
  for (const [name, value] of rows) tell(`  ${name.padEnd(12)} ${value}`);
  tell('URLs may lead to this machine (loopback) here, which hosts refuse otherwise: see BYPASS_URL_ALLOW.');
  tell('Try `npx bypass host list`; Ctrl-C stops everything, and the next start goes on from there.');
}
