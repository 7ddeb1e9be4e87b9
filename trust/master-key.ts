/**
 * The key that seals secrets in the database. The api and the control worker have it, hosts never. Its file may hold
 * several: the first seals, all of them open, so that a new one can be put before the old ones.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createSecretFile, readSecretFile, SecretFileError } from './secret-file.ts';

export interface MasterKey {
  /** Names the key that seals now. */
  readonly kid: string;
  /** 32 bytes each, by their name. */
  readonly keys: ReadonlyMap<string, Uint8Array>;
}

interface KeyFile {
  readonly v: 1;
  /** Base64url, 32 bytes each; the first one seals. */
  readonly keys: readonly string[];
}

const KEY_BYTES = 32;
const KID_LENGTH = 16;

/** @throws SecretFileError with a sentence for the operator */
export async function loadMasterKey(path: string): Promise<MasterKey> {
  const text = await readSecretFile(path);
  if (text === undefined) {
    throw new SecretFileError(
      `there is no master key at ${path}: \`bypass admin create\` makes one; the api and every control worker need the same`,
    );
  }
  return masterKeyOf(parse(path, text));
}

/** Makes a new key; the one that is there already stays and is given back. */
export async function createMasterKey(path: string): Promise<MasterKey> {
  const file: KeyFile = { v: 1, keys: [randomBytes(KEY_BYTES).toString('base64url')] };
  await createSecretFile(path, `${JSON.stringify(file)}\n`);
  return loadMasterKey(path);
}

function parse(path: string, text: string): readonly Uint8Array[] {
  try {
    const { v, keys } = JSON.parse(text) as KeyFile;
    const bytes = keys.map((key) => new Uint8Array(Buffer.from(key, 'base64url')));
    if (v === 1 && bytes.length > 0 && bytes.every(({ length }) => length === KEY_BYTES)) return bytes;
  } catch {
    // Told below, like a file of the wrong shape.
  }
  throw new SecretFileError(`${path} is no master key of Bypass, or is damaged; restore it from a back-up`);
}

/** @param keys the first one seals */
export function masterKeyOf(keys: readonly Uint8Array[]): MasterKey {
  const named = keys.map((key) => [kidOf(key), key] as const);
  return { kid: named[0]?.[0] ?? '', keys: new Map(named) };
}

const kidOf = (key: Uint8Array): string =>
  createHash('sha256').update('bypass master key\0').update(key).digest('base64url').slice(0, KID_LENGTH);
