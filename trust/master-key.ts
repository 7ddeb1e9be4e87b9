/**
 * The master key, which seals secrets in the database. The api and the control worker have it; a host must never have it.
 * Its file may hold several keys: the first one seals, all of them open, so that keys can be rotated while processes run.
 * The file is read again when it has changed.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import * as z from 'zod/mini';
import { message, readJson, rule } from '../model/messages/schema.ts';
import { createSecretFile, readSecretFile, replaceSecretFile, SecretFileError } from './secret-file.ts';

export interface MasterKey {
  /** Id of the key that seals. */
  readonly kid: string;
  /** Keys of 32 bytes, by their ids. */
  readonly keys: ReadonlyMap<string, Uint8Array>;
  /**
   * Reads the file again when it has changed. An unreadable file leaves the present keys in place.
   * @param missing id of a key that a box needs: the file is read even if it seems unchanged
   */
  refresh(missing?: string): Promise<void>;
}

/** The content of the file: keys of 32 bytes, base64url. */
export interface KeyFile {
  readonly v: 1;
  /** The first one seals. */
  readonly keys: readonly string[];
  /** A key that already opens boxes and will seal after the next rotation. */
  readonly next?: string;
}

const KEY_BYTES = 32;
const KID_LENGTH = 16;

const keyText = () =>
  z
    .string()
    .check(rule((given) => (bytesOf(given).length === KEY_BYTES ? undefined : `has not ${KEY_BYTES} bytes`)));

const keyFile = message<KeyFile>({
  v: z.literal(1),
  keys: z.array(keyText()).check(z.minLength(1)),
  next: z.optional(keyText()),
});

/** @throws SecretFileError with a sentence for the operator */
export async function loadMasterKey(path: string): Promise<MasterKey> {
  let version = await versionOf(path);
  let ring = ringOf(await readKeyFile(path));
  return {
    get kid() {
      return ring.kid;
    },
    get keys() {
      return ring.keys;
    },
    async refresh(missing) {
      const now = await versionOf(path);
      if (now === version && missing === undefined) return;
      const read = await readKeyFile(path).catch(() => undefined);
      if (read === undefined) return;
      [version, ring] = [now, ringOf(read)];
    },
  };
}

/** Changes when the file is replaced or written. */
async function versionOf(path: string): Promise<string> {
  const { ino, size, mtimeMs } = (await lstat(path).catch(() => undefined)) ?? {};
  return `${ino}:${size}:${mtimeMs}`;
}

/** @throws SecretFileError with a sentence for the operator */
export async function readKeyFile(path: string): Promise<KeyFile> {
  const json = await readSecretFile(path);
  if (json === undefined) {
    throw new SecretFileError(
      `there is no master key at ${path}: \`bypass admin create\` makes one; the api and every control worker need the same`,
    );
  }
  const { value } = readJson(keyFile, json);
  if (value !== undefined) return value;
  throw new SecretFileError(`${path} is no master key of Bypass, or is damaged; restore it from a back-up`);
}

/** Creates the file with a new key. An existing file is left unchanged and is loaded. */
export async function createMasterKey(path: string): Promise<MasterKey> {
  const file: KeyFile = { v: 1, keys: [newKey()] };
  await createSecretFile(path, `${JSON.stringify(file)}\n`);
  return loadMasterKey(path);
}

/** Replaces the file as a whole: readers see the old keys or the new ones. */
export const replaceKeyFile = (path: string, file: KeyFile): Promise<void> =>
  replaceSecretFile(path, `${JSON.stringify(file)}\n`);

export const newKey = (): string => randomBytes(KEY_BYTES).toString('base64url');

/** @param keys the first one seals */
export const masterKeyOf = (keys: readonly Uint8Array[]): MasterKey => ({
  ...ringOfBytes(keys),
  refresh: () => Promise.resolve(),
});

type Ring = Pick<MasterKey, 'kid' | 'keys'>;

const allOf = ({ keys, next }: KeyFile): readonly string[] => (next === undefined ? keys : [...keys, next]);
const bytesOf = (key: string): Uint8Array => new Uint8Array(Buffer.from(key, 'base64url'));
const ringOf = (file: KeyFile): Ring => ringOfBytes(allOf(file).map(bytesOf));

function ringOfBytes(keys: readonly Uint8Array[]): Ring {
  const named = keys.map((key) => [kidOf(key), key] as const);
  return { kid: named[0]?.[0] ?? '', keys: new Map(named) };
}

const kidOf = (key: Uint8Array): string =>
  createHash('sha256').update('bypass master key\0').update(key).digest('base64url').slice(0, KID_LENGTH);
