/** `bypass secrets rotate`: another master key, while everything runs. */
import { setTimeout as sleep } from 'node:timers/promises';
import { aloneInRotating, resealAll } from '../db/sealed.ts';
import type { Database } from '../db/database.ts';
import { loadMasterKey, newKey, readKeyFile, replaceKeyFile } from '../trust/master-key.ts';
import { connectDatabase } from './database.ts';
import { StartError } from './runtime.ts';
import type { Settings } from './settings.ts';

/** Longer than a registration takes, which carries its secrets sealed with the key of its beginning. */
const SETTLE_MS = 15_000;
/** After so many rounds somebody seals with another key all the time. */
const MOST_ROUNDS = 10;

export interface RotationOptions {
  /** Only makes the key that is to seal next. */
  readonly prepare?: boolean;
  /** Leaves the old keys in the file. */
  readonly keep?: boolean;
  /** Milliseconds without anything sealed by an old key, after which that one goes. */
  readonly settleMs?: number;
}

export async function run(settings: Settings, options: RotationOptions): Promise<void> {
  const path = settings.required('masterKeyFile');
  await readKeyFile(path);
  const db = await connectDatabase(settings);
  try {
    const done = await aloneInRotating(db, async () => {
      await rotate(db, path, options, print);
      return true;
    });
    if (done === undefined) throw new StartError('another `bypass secrets rotate` works on this database');
  } finally {
    await db.destroy();
  }
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/**
 * Each step can be interrupted and is found done by the next call: a file with several keys is a rotation that has
 * begun, and is finished before another one begins.
 * @throws StartError when something cannot be opened, or is sealed with an old key again and again
 */
export async function rotate(
  db: Database,
  path: string,
  { prepare = false, keep = false, settleMs = SETTLE_MS }: RotationOptions,
  tell: (line: string) => void,
): Promise<void> {
  const file = await readKeyFile(path);
  if (prepare) {
    if (file.next === undefined) await replaceKeyFile(path, { ...file, next: newKey() });
    tell(`${path} holds the next key. Copy it to every api and control worker, then rotate`);
    return;
  }
  if (file.keys.length === 1) {
    await replaceKeyFile(path, { v: 1, keys: [file.next ?? newKey(), ...file.keys] });
    tell('A new key seals from now on');
  } else {
    tell('Going on with the rotation that was begun');
  }
  const masterKey = await loadMasterKey(path);
  const reseal = async (): Promise<number> => {
    const { rows, broken } = await resealAll(db, masterKey);
    if (broken.length > 0) throw new StartError(unreadable(broken));
    if (rows > 0) tell(`${rows} ${rows === 1 ? 'secret' : 'secrets'} sealed anew`);
    return rows;
  };
  await reseal();
  if (keep) {
    tell(`The old key stays in ${path}. Copy it to every api and control worker, then rotate once more`);
    return;
  }
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    await sleep(settleMs);
    if ((await reseal()) > 0) continue;
    const now = await readKeyFile(path);
    await replaceKeyFile(path, { ...now, keys: now.keys.slice(0, 1) });
    tell('The old key is used by nothing any more, and gone');
    return;
  }
  throw new StartError(
    'somebody goes on sealing with an old key, so it stays: does every api and control worker read this very file?',
  );
}

const unreadable = (broken: readonly string[]): string =>
  `${broken.length} secrets cannot be opened with the keys of this file (${broken.slice(0, 5).join(', ')}), ` +
  'so the old key stays: restore the file that has their key, or delete what they belong to';
