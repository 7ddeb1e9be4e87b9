/**
 * Boxes at rest: secrets in the database, sealed as JWE (RFC 7516, `dir` with A256GCM) under the master key. The protected
 * header is authenticated. It names the key (`kid`) and the row that the box was sealed for, so that a box copied to another
 * row does not open there. Boxes of releases before 0.2 name only a use; they open until `bindAll` seals them again.
 *
 * Three things must never happen: a box opens for another row, a box at rest leaves the database (hosts get boxes of
 * sealing.ts), and an error says which of the checks failed.
 *
 * Boxes are opened synchronously with `node:crypto`, not with a library on WebCrypto: each signed call opens one, and
 * WebCrypto works on libuv's threads, which the whole process shares.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { ImageError } from '../model/failures.ts';
import { readJson } from '../model/messages/schema.ts';
import { sealedSecrets } from '../model/messages/secrets.ts';
import type { Secrets } from '../model/source.ts';
import type { MasterKey } from './master-key.ts';

/** The row that a secret belongs to, by UUIDs. */
export type SecretOwner =
  | { readonly use: 'template'; readonly template: string; readonly account: string }
  | { readonly use: 'user' | 'api key'; readonly user: string }
  | { readonly use: 'certificate'; readonly certificate: string }
  /** A private key by which hosts know each other. */
  | { readonly use: 'peer key'; readonly key: string }
  /** Registered user data. */
  | { readonly use: 'user data'; readonly userData: string }
  | { readonly use: 'vm user data' | 'vm user data details' | 'vnc password'; readonly vm: string };

export type TemplateOwner = Extract<SecretOwner, { readonly use: 'template' }>;

type Header = Readonly<Record<string, unknown>>;

const TYPE = 'bypass-bound-at-rest';
/** Type of boxes of releases before 0.2, which name their use but no row. */
const UNBOUND_TYPE = 'bypass-at-rest';
const CONTENT = { alg: 'dir', enc: 'A256GCM' } as const;
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const base64url = (bytes: Uint8Array | string): string => Buffer.from(bytes as string).toString('base64url');

/** Every unbound box begins with this text, by which a query finds them. */
export const UNBOUND_PREFIX = base64url(`{"typ":"${UNBOUND_TYPE}",`);

export async function sealAtRest(key: MasterKey, owner: SecretOwner, text: string): Promise<string> {
  await key.refresh();
  const header = base64url(JSON.stringify({ typ: TYPE, ...CONTENT, kid: key.kid, ...owner }));
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, secretOf(key, key.kid), nonce).setAAD(Buffer.from(header));
  const content = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return [header, '', ...[nonce, content, cipher.getAuthTag()].map(base64url)].join('.');
}

/** @throws ImageError SealBroken when the box was sealed with another key or for another row, or was changed */
export async function openAtRest(key: MasterKey, owner: SecretOwner, box: string): Promise<string> {
  try {
    const header = headerOf(box);
    requireThat(isFor(header, owner));
    const kid = String(header['kid']);
    if (!key.keys.has(kid)) await key.refresh(kid);
    return decrypt(secretOf(key, kid), box);
  } catch (error) {
    const message = 'what the database holds sealed cannot be opened with the master key';
    throw new ImageError('SealBroken', message, { cause: error });
  }
}

export const sealSecrets = (key: MasterKey, owner: TemplateOwner, secrets: Secrets): Promise<string> =>
  sealAtRest(key, owner, JSON.stringify(secrets));

/** @throws ImageError SealBroken */
export async function openSecrets(key: MasterKey, owner: TemplateOwner, box: string): Promise<Secrets> {
  const text = await openAtRest(key, owner, box);
  try {
    return decodeSecrets(text);
  } catch (error) {
    throw new ImageError('SealBroken', 'the stored secrets of this template are damaged', { cause: error });
  }
}

/** @throws when the text is no `Secrets` */
export function decodeSecrets(text: string): Secrets {
  const { value } = readJson(sealedSecrets, text);
  requireThat(value !== undefined);
  return value;
}

/** Id of the key that sealed a box at rest; undefined for a text that is no box. */
export function keyOfBox(box: string): string | undefined {
  try {
    const { kid } = headerOf(box);
    return typeof kid === 'string' ? kid : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Without a schema: `isFor` compares every field with the value that it must have.
 * @throws when the text is no box
 */
const headerOf = (box: string): Header =>
  JSON.parse(Buffer.from(box.split('.', 1)[0] ?? '', 'base64url').toString()) as Header;

function isFor(header: Header, owner: SecretOwner): boolean {
  const { typ, alg, enc, kid: _kid, ...named } = header;
  if (alg !== CONTENT.alg || enc !== CONTENT.enc) return false;
  const expected: Header = typ === UNBOUND_TYPE ? { use: owner.use } : { ...owner };
  const names = Object.keys(expected);
  return (
    (typ === TYPE || typ === UNBOUND_TYPE) &&
    Object.keys(named).length === names.length &&
    names.every((name) => named[name] === expected[name])
  );
}

function decrypt(key: Uint8Array, box: string): string {
  const parts = box.split('.');
  const [header = '', encryptedKey, ...rest] = parts;
  const [nonce, content, tag] = rest.map((part) => Buffer.from(part, 'base64url'));
  requireThat(parts.length === 5 && encryptedKey === '' && content !== undefined);
  requireThat(nonce?.length === NONCE_BYTES && tag?.length === TAG_BYTES);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(header)).setAuthTag(tag);
  return Buffer.concat([decipher.update(content), decipher.final()]).toString();
}

function secretOf({ keys }: MasterKey, kid: string): Uint8Array {
  const key = keys.get(kid);
  requireThat(key !== undefined);
  return key;
}

class NotAsSealed extends Error {}

export function requireThat(condition: boolean): asserts condition {
  if (!condition) throw new NotAsSealed('the box is not what it should be');
}
