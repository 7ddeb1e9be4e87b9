/** `bypass dev`, which `npm start` runs: a whole installation on this machine, until a signal stops it. */
import { access, constants } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import pLimit from 'p-limit';
import { readEnvironment } from '../cli/environment.ts';
import { loadProfiles, saveProfile } from '../cli/profiles.ts';
import type { Profiles } from '../cli/profiles.ts';
import { stopRequested } from '../workers/runtime.ts';
import { SettingError, label } from '../workers/settings.ts';
import type { Settings } from '../workers/settings.ts';
import { claimFolder } from './claim-folder.ts';
import { describeMachines } from './machines.ts';
import { planOf } from './plan.ts';
import { removeReadyFile, writeReadyFile } from './ready-file.ts';
import type { ReadyFile } from './ready-file.ts';
import { bringUp } from './stack.ts';
import type { Stack } from './stack.ts';
import { createLinePrinter } from './line-printer.ts';
import type { PrintLine } from './line-printer.ts';

/** Name of the CLI's profile; when another installation has this name, a number is appended. */
const PROFILE = 'dev';

/** A signal ended the start. */
class Stopped extends Error {}

/**
 * Resolves after an orderly stop, when no process is left.
 * @throws StartError, SettingError when the installation cannot start
 */
export async function run(settings: Settings): Promise<void> {
  const print = createLinePrinter(process.stdout);
  const plan = planOf(settings);
  const given = settings.text('readyFile');
  const readyFile = given === '' ? undefined : resolve(given);
  if (readyFile !== undefined) await requireFolder(readyFile);
  const giveUp = new AbortController();
  const stop = stopRequested().then((signal) => {
    print(`${signal}: Bypass stops`);
    giveUp.abort(new Stopped());
  });
  const claim = await claimFolder(plan.dataDir);
  const { folder } = claim;
  try {
    // A killed start leaves its ready file behind, with the ids of processes that have ended.
    if (readyFile !== undefined) await removeReadyFile(readyFile);
    print(`Bypass starts; everything it keeps is in ${folder.root}`);
    const readyFileWriter = createReadyFileWriter(readyFile, print);
    const deps = {
      print,
      signal: giveUp.signal,
      env: process.env,
      onRestart: () => readyFileWriter.refresh(),
    };
    const stack = await bringUp(plan, folder, deps);
    try {
      const profile = await keepProfile(stack.ready(), print);
      const ownTemporal = plan.temporalAddress === undefined;
      const temporalUi =
        plan.engine === 'cluster'
          ? `the cluster has none; Temporal answers at ${stack.ready().temporalAddress}`
          : `that of ${stack.ready().temporalAddress}`;
      const { line: machines } = await describeMachines(stack.client);
      announce(stack.ready(), { adminFile: folder.admin, profile, ownTemporal, temporalUi, machines }, print);
      // Last: who waits for the file finds all of the output.
      await readyFileWriter.begin(stack);
      await stop;
    } finally {
      await stack.stop();
      await readyFileWriter.end();
    }
    print('Bypass has stopped');
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    print('Bypass has stopped');
  } finally {
    await claim.release();
  }
}

/** Checks the folder of the ready file at the beginning, not after the minute that a start may take. */
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

interface ReadyFileWriter {
  /** Writes the file, and keeps the stack for later writes. */
  begin(stack: Stack): Promise<void>;
  /** Writes the file again, after the supervisor has replaced a process. */
  refresh(): void;
  /** Removes the file. */
  end(): Promise<void>;
}

/** Keeps the ready file up to date. Writes run one at a time, so that the newest text stays. */
function createReadyFileWriter(path: string | undefined, print: PrintLine): ReadyFileWriter {
  let current: Stack | undefined;
  const oneAtATime = pLimit(1);
  const write = (): Promise<void> =>
    oneAtATime(async () => {
      if (path !== undefined && current !== undefined) await writeReadyFile(path, current.ready());
    });
  return {
    async begin(stack) {
      current = stack;
      await write();
    },
    refresh() {
      write().catch((error: unknown) => {
        print(`${path} could not be written anew (${(error as Error).message})`);
      });
    },
    async end() {
      current = undefined;
      await oneAtATime(async () => {
        if (path !== undefined) await removeReadyFile(path);
      });
    },
  };
}

interface KeptProfile {
  readonly name: string;
  readonly file: string;
  /** The profile that was current before, unless it is the same. */
  readonly before: string | undefined;
}

/** Writes a profile, so that `npx bypass …` works at once. @returns undefined after it has printed why it could not */
async function keepProfile(
  { apiUrl, apiKey, secretKey }: ReadyFile,
  print: PrintLine,
): Promise<KeptProfile | undefined> {
  const { profileFile: file } = readEnvironment(process.env);
  try {
    const stored = await loadProfiles(file);
    const name = freeName(stored, apiKey);
    await saveProfile(file, name, { url: apiUrl, apiKey, secretKey });
    return { name, file, before: stored.current === name ? undefined : stored.current };
  } catch (error) {
    print(`No profile for \`npx bypass\` could be written: ${(error as Error).message}`);
    return undefined;
  }
}

/**
 * `dev`, `dev-2`, …: the first name that no other installation uses. A profile belongs to this installation when it has
 * the API key of its administrator.
 */
function freeName({ profiles }: Profiles, apiKey: string): string {
  const isFree = (name: string): boolean =>
    !Object.hasOwn(profiles, name) || profiles[name]?.apiKey === apiKey;
  for (let n = 1; ; n += 1) {
    const name = n === 1 ? PROFILE : `${PROFILE}-${n}`;
    if (isFree(name)) return name;
  }
}

interface Announcement {
  /** File with user, password and keys of the administrator. */
  readonly adminFile: string;
  readonly profile: KeptProfile | undefined;
  /** Whether this start runs Temporal's development server. */
  readonly ownTemporal: boolean;
  /** Where Temporal's Web UI is, if this start runs none. */
  readonly temporalUi: string;
  /** Whether virtual machines can run, in a line. */
  readonly machines: string;
}

function announce(
  ready: ReadyFile,
  { adminFile, profile, ownTemporal, temporalUi, machines }: Announcement,
  print: PrintLine,
): void {
  const rows: readonly (readonly [string, string])[] = [
    ['page', ready.pageUrl],
    ['user', `${ready.adminUser}, whose password is "adminPassword" in ${adminFile}`],
    ['API', ready.apiUrl],
    ...(ready.apiUrls.length === 1 ? [] : [['of these', ready.apiUrls.join(' and ')] as const]),
    ['Temporal UI', ready.temporalUiUrl || temporalUi],
    ...(profile === undefined
      ? []
      : [['CLI', `npx bypass, by profile ${profile.name} in ${profile.file}`] as const]),
    ['machines', machines],
    ...ready.pools.map(({ name, path }) => [`pool ${name}`, path] as const),
  ];
  print('Bypass is up:');
  for (const [name, value] of rows) print(`  ${name.padEnd(12)} ${value}`);
  if (profile?.before !== undefined)
    print(
      `The CLI's current profile was ${profile.before}: \`npx bypass configure --use ${profile.before}\` goes back to it.`,
    );
  print('URLs may lead to this machine (loopback) here, which hosts refuse otherwise: see BYPASS_URL_ALLOW.');
  if (ownTemporal)
    print(
      'Temporal asks for no password here: every user of this machine can steer it, and with it this installation.',
    );
  print('Try `npx bypass host list`; Ctrl-C stops everything, and the next start goes on from there.');
}
