import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fingerprint, loadOrCreateIdentity, verifySignature } from '../../trust/identity.ts';
import { createMasterKey, loadMasterKey, newKey, replaceKeyFile } from '../../trust/master-key.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-trust-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('the identity of a host', () => {
  test('is created once, readable by its owner only, and is the same afterwards', async () => {
    const first = await loadOrCreateIdentity(folder);
    const again = await loadOrCreateIdentity(folder);
    expect(again).toMatchObject({
      hostId: first.hostId,
      signingKey: first.signingKey,
      sealingKey: first.sealingKey,
    });
    expect((await stat(join(folder, 'identity.json'))).mode & 0o777).toBe(0o600);
    expect(first.signingKey).toMatch(/^[\w-]{43}$/);
    expect(first.sealingKey).toMatch(/^[\w-]{43}$/);
    expect(first.sealingKey).not.toBe(first.signingKey);
  });

  test('is the same for two processes that start at once', async () => {
    const both = await Promise.all([loadOrCreateIdentity(folder), loadOrCreateIdentity(folder)]);
    expect(new Set(both.map(({ hostId }) => hostId)).size).toBe(1);
  });

  test('makes signatures that no other identity can make', async () => {
    const identity = await loadOrCreateIdentity(folder);
    const signature = identity.sign('text');
    expect(verifySignature(identity.signingKey, 'text', signature)).toBe(true);
    expect(verifySignature(identity.signingKey, 'another text', signature)).toBe(false);
    expect(verifySignature(identity.sealingKey, 'text', signature)).toBe(false);
  });

  test.each([
    ['', ''],
    ['A'.repeat(43), 'AAAA'],
    ['no key', 'no signature'],
  ])("does not verify the malformed key '%s' with the signature '%s'", (key, signature) => {
    expect(verifySignature(key, 'text', signature)).toBe(false);
  });

  test('has a short fingerprint, which differs for every key', async () => {
    const { signingKey, sealingKey } = await loadOrCreateIdentity(folder);
    expect(fingerprint(signingKey)).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
    expect(fingerprint(signingKey)).not.toBe(fingerprint(sealingKey));
  });

  test('is refused when other users can read its file, and when the file is damaged', async () => {
    await loadOrCreateIdentity(folder);
    const path = join(folder, 'identity.json');
    await chmod(path, 0o644);
    await expect(loadOrCreateIdentity(folder)).rejects.toThrow('chmod 0600');
    await chmod(path, 0o600);
    await writeFile(path, '{"v":1');
    await expect(loadOrCreateIdentity(folder)).rejects.toThrow(`${path} is damaged`);
    await writeFile(path, '{"v":1,"hostId":"x"}');
    await expect(loadOrCreateIdentity(folder)).rejects.toThrow(`${path} is damaged`);
  });
});

describe('the master key', () => {
  test('is created once, readable by its owner only; a second creation changes nothing', async () => {
    const path = join(folder, 'master.key');
    await expect(loadMasterKey(path)).rejects.toThrow('bypass admin create');
    const key = await createMasterKey(path);
    expect(key.keys.get(key.kid)).toHaveLength(32);
    expect((await createMasterKey(path)).kid).toBe(key.kid);
    expect((await loadMasterKey(path)).kid).toBe(key.kid);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('is the same for two processes that create it at once', async () => {
    const path = join(folder, 'master.key');
    const both = await Promise.all([createMasterKey(path), createMasterKey(path)]);
    expect(new Set(both.map(({ kid }) => kid)).size).toBe(1);
  });

  test('seals with the first key of its file, and keeps the others', async () => {
    const path = join(folder, 'master.key');
    const old = await createMasterKey(path);
    const file = JSON.parse(await readFile(path, 'utf8')) as { keys: string[] };
    file.keys.unshift(Buffer.alloc(32, 7).toString('base64url'));
    await writeFile(path, JSON.stringify(file));
    const key = await loadMasterKey(path);
    expect(key.kid).not.toBe(old.kid);
    expect([...key.keys.keys()]).toEqual([key.kid, old.kid]);
  });

  test('is read again when its file has changed, and stays when the file cannot be read', async () => {
    const path = join(folder, 'master.key');
    const key = await createMasterKey(path);
    const first = key.kid;
    await replaceKeyFile(path, { v: 1, keys: [newKey()] });
    await key.refresh();
    expect(key.kid).not.toBe(first);
    const second = key.kid;
    await writeFile(path, '{"v":1');
    await key.refresh();
    expect(key.kid).toBe(second);
  });

  test.each(['', '{}', '{"v":1,"keys":[]}', '{"v":1,"keys":["AAAA"]}', 'no json'])(
    "is refused when its file holds '%s'",
    async (text) => {
      const path = join(folder, 'master.key');
      await writeFile(path, text, { mode: 0o600 });
      await expect(loadMasterKey(path)).rejects.toThrow('no master key of Bypass, or is damaged');
    },
  );

  test('is refused when other users can read its file, or when its path is a symbolic link', async () => {
    const path = join(folder, 'master.key');
    await createMasterKey(path);
    await chmod(path, 0o604);
    await expect(loadMasterKey(path)).rejects.toThrow('mode 0604');
    await chmod(path, 0o600);
    await symlink(path, join(folder, 'link'));
    await expect(loadMasterKey(join(folder, 'link'))).rejects.toThrow('cannot be read');
  });
});
