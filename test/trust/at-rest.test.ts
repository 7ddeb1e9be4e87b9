import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { compactDecrypt, decodeProtectedHeader } from 'jose';
import type { ImageError } from '../../model/failures.ts';
import type { Secrets } from '../../model/source.ts';
import {
  keyOfBox,
  openAtRest,
  openSecrets,
  sealAtRest,
  sealSecrets,
  UNBOUND_PREFIX,
} from '../../trust/at-rest.ts';
import type { SecretOwner, TemplateOwner } from '../../trust/at-rest.ts';
import { rawPublicKey } from '../../trust/keys.ts';
import { masterKeyOf } from '../../trust/master-key.ts';
import { sealForHost } from '../../trust/sealing.ts';
import { legacySealedBox } from '../support/legacy-sealed-box.ts';

const secrets: Secrets = {
  v: 1,
  origin: 'https://images.example.org',
  headers: [{ name: 'X-Token', value: 'open sesame' }],
};
const broken = expect.objectContaining({ kind: 'SealBroken' }) as ImageError;
const newKey = (): Uint8Array => new Uint8Array(randomBytes(32));
const [old, fresh] = [newKey(), newKey()];
const key = masterKeyOf([old]);
const owner: TemplateOwner = { use: 'template', template: randomUUID(), account: randomUUID() };

/** The box with one character of a part changed. */
const tampered = (box: string, part: number): string => {
  const parts = box.split('.');
  const text = parts[part] ?? '';
  parts[part] = `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`;
  return parts.join('.');
};

test('a box at rest opens with the master key, for the row that it was sealed for', async () => {
  expect(await openSecrets(key, owner, await sealSecrets(key, owner, secrets))).toEqual(secrets);
});

test('a box at rest is a JWE that another library opens, and holds its text only encrypted', async () => {
  const box = await sealSecrets(key, owner, secrets);
  const { plaintext } = await compactDecrypt(box, old);
  expect(JSON.parse(new TextDecoder().decode(plaintext))).toEqual(secrets);
  expect(Buffer.from(box.split('.').join(''), 'base64url').includes('sesame')).toBe(false);
});

test.each<[string, SecretOwner]>([
  ['another template', { ...owner, template: randomUUID() }],
  ['another account', { ...owner, account: randomUUID() }],
  ['a user', { use: 'user', user: owner.template }],
  ['a certificate', { use: 'certificate', certificate: owner.template }],
])('a box at rest does not open for %s', async (_whose, other) => {
  await expect(openAtRest(key, other, await sealSecrets(key, owner, secrets))).rejects.toEqual(broken);
});

test('a box opens with a key that follows a newer one, and new boxes name the newer one', async () => {
  const after = masterKeyOf([fresh, old]);
  const box = await sealSecrets(key, owner, secrets);
  expect(await openSecrets(after, owner, box)).toEqual(secrets);
  const renewed = await sealSecrets(after, owner, secrets);
  expect(decodeProtectedHeader(renewed).kid).toBe(masterKeyOf([fresh]).kid);
  expect(keyOfBox(box)).toBe(key.kid);
  await expect(openSecrets(key, owner, renewed)).rejects.toEqual(broken);
});

test.each([0, 2, 3, 4])('a box at rest does not open when part %i was changed', async (part) => {
  const box = await sealSecrets(key, owner, secrets);
  await expect(openSecrets(key, owner, tampered(box, part))).rejects.toEqual(broken);
});

test.each(['', 'a.b.c.d.e', 'e30....', '{}', `${UNBOUND_PREFIX}....`])(
  "text that is no box ('%s') is refused",
  async (text) => {
    await expect(openSecrets(key, owner, text)).rejects.toEqual(broken);
  },
);

test('a box with a shortened tag is refused', async () => {
  const parts = (await sealSecrets(key, owner, secrets)).split('.');
  const short = [...parts.slice(0, 4), parts[4]?.slice(0, 8)].join('.');
  await expect(openSecrets(key, owner, short)).rejects.toEqual(broken);
});

test('a box of an earlier release opens for its use, and is recognised by its prefix', async () => {
  const box = await legacySealedBox(key, 'template', JSON.stringify(secrets));
  expect(box.startsWith(UNBOUND_PREFIX)).toBe(true);
  expect((await sealSecrets(key, owner, secrets)).startsWith(UNBOUND_PREFIX)).toBe(false);
  expect(await openSecrets(key, owner, box)).toEqual(secrets);
  await expect(openAtRest(key, { use: 'user', user: randomUUID() }, box)).rejects.toEqual(broken);
});

test('a box for a host does not open as a box at rest', async () => {
  const { publicKey } = generateKeyPairSync('x25519');
  const label = { templateId: owner.template, hostId: randomUUID(), origin: secrets.origin };
  const box = await sealForHost(rawPublicKey(publicKey), secrets, label);
  await expect(openSecrets(key, owner, box)).rejects.toEqual(broken);
});

test('a box opens synchronously, so that busy threads of the process do not delay it', async () => {
  const box = await sealAtRest(key, owner, 'text');
  let turns = 0;
  const count = setImmediate(() => (turns += 1));
  await openAtRest(key, owner, box);
  clearImmediate(count);
  expect(turns).toBe(0);
});
