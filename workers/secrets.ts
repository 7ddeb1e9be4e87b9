/** `bypass secrets rotate`: replaces the master key while all processes run. */
import { setTimeout as sleep } from 'node:timers/promises';
import { aloneInRotating, resealAll } from '../db/sealed.ts';
import type { Database } from '../db/database.ts';
import { loadMasterKey, newKey, readKeyFile, replaceKeyFile } from '../trust/master-key.ts';
import { connectDatabase } from './database.ts';
import { StartError } from './start-error.ts';
import type { Settings } from './settings.ts';

/** Milliseconds, more than a process takes from sealing a secret to writing it. */
const SETTLE_MS = 15_000;
/** After this many rounds with new secrets under an old key, a process must be reading another key file. */
const MAX_ROUNDS = 10;

export interface RotationOptions {
  /** Only adds the next key to the file. */
  readonly prepare?: boolean;
  /** Leaves the old keys in the file. */
  readonly keep?: boolean;
  /** Milliseconds without a secret sealed by an old key, after which the old key is removed. Default 15 000. */
  readonly settleMs?: number;
}

export async function run(settings: Settings, options: RotationOptions): Promise<void> {
  const path = settings.required('masterKeyFile');
  await readKeyFile(path);
  const db = await connectDatabase(settings);
  try {
    const done = await aloneInRotating(db, async () => {
      await rotate(db, path, options, printLine);
      return true;
    });
    if (done === undefined) throw new StartError('another `bypass secrets rotate` works on this database');
  } finally {
    await db.destroy();
  }
}

const printLine = (line: string): void => void process.stdout.write(`${line}\n`);

/**
 * Each step can be interrupted, and the next call continues after it: a file with several keys is a rotation that has
 * begun, which is finished before another one begins.
 * @throws StartError when a secret cannot be opened, or secrets are sealed with an old key again and again
 */
export async function rotate(
  db: Database,
  path: string,
  { prepare = false, keep = false, settleMs = SETTLE_MS }: RotationOptions,
  print: (line: string) => void,
): Promise<void> {
  const file = await readKeyFile(path);
  if (prepare) {
    if (file.next === undefined) await replaceKeyFile(path, { ...file, next: newKey() });
    print(`${path} holds the next key. Copy it to every api and control worker, then rotate`);
    return;
  }
  if (file.keys.length === 1) {
    await replaceKeyFile(path, { v: 1, keys: [file.next ?? newKey(), ...file.keys] });
    print('A new key seals from now on');
  } else {
    print('Going on with the rotation that was begun');
  }
  const masterKey = await loadMasterKey(path);
  const reseal = async (): Promise<number> => {
    const { rows, broken } = await resealAll(db, masterKey);
    if (broken.length > 0) throw new StartError(unreadable(broken));
    if (rows > 0) print(`${rows} ${rows === 1 ? 'secret' : 'secrets'} sealed anew`);
    return rows;
  };
  await reseal();
  if (keep) {
    print(`The old key stays in ${path}. Copy it to every api and control worker, then rotate once more`);
    return;
  }
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    await sleep(settleMs);
    if ((await reseal()) > 0) continue;
    const now = await readKeyFile(path);
    await replaceKeyFile(path, { ...now, keys: now.keys.slice(0, 1) });
    print('The old key is used by nothing any more, and gone');
    return;
  }
  throw new StartError(
    'a process still seals with an old key, so the key stays: does every api and control worker read this very file?',
  );
}

const unreadable = (broken: readonly string[]): string =>
  `${broken.length} secrets cannot be opened with the keys of this file (${broken.slice(0, 5).join(', ')}), ` +
  'so the old key stays: restore the file that has their key, or delete what they belong to';
