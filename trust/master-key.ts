/**
 * The key that seals secrets in the database. The api and the control worker have it, hosts never. Its file may hold
 * several: the first seals, all of them open, so that one can follow another while everything runs. The file is read
 * again when it changed.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { createSecretFile, readSecretFile, replaceSecretFile, SecretFileError } from './secret-file.ts';

export interface MasterKey {
  /** Names the key that seals now. */
  readonly kid: string;
  /** 32 bytes each, by their name. */
  readonly keys: ReadonlyMap<string, Uint8Array>;
  /**
   * Looks whether the file holds other keys now; what was read before stays when it cannot be read.
   * @param missing a key that is needed: the file is read again in any case
   */
  refresh(missing?: string): Promise<void>;
}

/** What the file holds: keys of 32 bytes, base64url. */
export interface KeyFile {
  readonly v: 1;
  /** The first one seals. */
  readonly keys: readonly string[];
  /** One that opens already, and is to seal next. */
  readonly next?: string;
}

const KEY_BYTES = 32;
const KID_LENGTH = 16;

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

/** A file that is replaced, or written, is another version. */
async function versionOf(path: string): Promise<string> {
  const { ino, size, mtimeMs } = (await lstat(path).catch(() => undefined)) ?? {};
  return `${ino}:${size}:${mtimeMs}`;
}

/** @throws SecretFileError with a sentence for the operator */
export async function readKeyFile(path: string): Promise<KeyFile> {
  const text = await readSecretFile(path);
  if (text === undefined) {
    throw new SecretFileError(
      `there is no master key at ${path}: \`bypass admin create\` makes one; the api and every control worker need the same`,
    );
  }
  try {
    const file = JSON.parse(text) as KeyFile;
    const all = allOf(file).map(bytesOf);
    if (file.v === 1 && file.keys.length > 0 && all.every(({ length }) => length === KEY_BYTES)) return file;
  } catch {
    // Told below, like a file of the wrong shape.
  }
  throw new SecretFileError(`${path} is no master key of Bypass, or is damaged; restore it from a back-up`);
}

/** Makes a new key; the one that is there already stays and is given back. */
export async function createMasterKey(path: string): Promise<MasterKey> {
  const file: KeyFile = { v: 1, keys: [newKey()] };
  await createSecretFile(path, `${JSON.stringify(file)}\n`);
  return loadMasterKey(path);
}

/** Whoever reads the file sees the old keys or the new ones. */
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
