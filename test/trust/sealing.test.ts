import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { decodeProtectedHeader } from 'jose';
import type { ImageError } from '../../model/failures.ts';
import type { Secrets } from '../../model/source.ts';
import { rawPublicKey } from '../../trust/keys.ts';
import { masterKeyOf } from '../../trust/master-key.ts';
import { openAtRest, openForHost, openText, sealAtRest, sealForHost, sealText } from '../../trust/sealing.ts';

const origin = 'https://images.example.org';
const secrets: Secrets = {
  v: 1,
  origin,
  headers: [{ name: 'X-Token', value: 'open sesame' }],
  username: 'u',
  password: 'p',
};
const broken = expect.objectContaining({ kind: 'SealBroken' }) as ImageError;

const newHost = () => {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  return { hostId: randomUUID(), privateKey, sealingKey: rawPublicKey(publicKey) };
};
const templateId = randomUUID();

/** The box with one character of a part changed. */
const tampered = (box: string, part: number): string => {
  const parts = box.split('.');
  const text = parts[part] ?? '';
  parts[part] = `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`;
  return parts.join('.');
};

describe('a box for a host', () => {
  const [first, second] = [newHost(), newHost()];
  const seal = (host = first): Promise<string> =>
    sealForHost(host.sealingKey, secrets, { templateId, hostId: host.hostId, origin });

  test('opens on that host, for that template', async () => {
    const box = await seal();
    expect(await openForHost(first.privateKey, box, { templateId, hostId: first.hostId })).toEqual(secrets);
  });

  test('says in clear text whom it is for, and nothing of what is in it', async () => {
    const box = await seal();
    expect(decodeProtectedHeader(box)).toMatchObject({ template: templateId, host: first.hostId, origin });
    for (const word of ['open sesame', 'X-Token', '"p"']) {
      expect(Buffer.from(box.split('.').join(''), 'base64url').includes(word)).toBe(false);
    }
  });

  test('what is sealed for one host the other cannot open, whatever id it claims', async () => {
    const box = await seal();
    for (const hostId of [first.hostId, second.hostId]) {
      await expect(openForHost(second.privateKey, box, { templateId, hostId })).rejects.toEqual(broken);
    }
  });

  test('does not open for another template', async () => {
    const box = await seal();
    await expect(
      openForHost(first.privateKey, box, { templateId: randomUUID(), hostId: first.hostId }),
    ).rejects.toEqual(broken);
  });

  test('does not open under another host id', async () => {
    const box = await seal();
    await expect(openForHost(first.privateKey, box, { templateId, hostId: randomUUID() })).rejects.toEqual(
      broken,
    );
  });

  test.each([0, 2, 3, 4])('does not open when part %i was changed', async (part) => {
    const box = tampered(await seal(), part);
    await expect(openForHost(first.privateKey, box, { templateId, hostId: first.hostId })).rejects.toEqual(
      broken,
    );
  });

  test('is made for the origin of its content only', async () => {
    await expect(
      sealForHost(first.sealingKey, secrets, { templateId, hostId: first.hostId, origin: 'https://other' }),
    ).rejects.toEqual(broken);
  });

  test.each(['', 'AAAA', 'not base64 at all!', 'A'.repeat(43)])(
    "is not made for a key such as '%s'",
    async (key) => {
      await expect(sealForHost(key, secrets, { templateId, hostId: first.hostId, origin })).rejects.toEqual(
        broken,
      );
    },
  );

  test.each(['', 'a.b.c.d.e', 'e30....', '{}'])(
    "text that is no box ('%s') is refused alike",
    async (box) => {
      await expect(openForHost(first.privateKey, box, { templateId, hostId: first.hostId })).rejects.toEqual(
        broken,
      );
    },
  );
});

const newKey = (): Uint8Array => new Uint8Array(randomBytes(32));

describe('a box at rest', () => {
  const [old, fresh] = [newKey(), newKey()];

  test('opens with the master key', async () => {
    const key = masterKeyOf([old]);
    expect(await openAtRest(key, await sealAtRest(key, secrets))).toEqual(secrets);
  });

  test('opens with a key that was put behind a new one, and new boxes name the new one', async () => {
    const [before, after] = [masterKeyOf([old]), masterKeyOf([fresh, old])];
    const box = await sealAtRest(before, secrets);
    expect(await openAtRest(after, box)).toEqual(secrets);
    const renewed = await sealAtRest(after, secrets);
    expect(decodeProtectedHeader(renewed).kid).toBe(masterKeyOf([fresh]).kid);
    expect(decodeProtectedHeader(box).kid).toBe(before.kid);
    await expect(openAtRest(before, renewed)).rejects.toEqual(broken);
  });

  test('does not open with another key', async () => {
    const box = await sealAtRest(masterKeyOf([old]), secrets);
    await expect(openAtRest(masterKeyOf([fresh]), box)).rejects.toEqual(broken);
  });

  test.each([0, 2, 3, 4])('does not open when part %i was changed', async (part) => {
    const key = masterKeyOf([old]);
    await expect(openAtRest(key, tampered(await sealAtRest(key, secrets), part))).rejects.toEqual(broken);
  });

  test('is bound to its use: a user key does not open as the secrets of a template', async () => {
    const key = masterKeyOf([old]);
    const box = await sealText(key, 'user', JSON.stringify(secrets));
    expect(await openText(key, 'user', box)).toBe(JSON.stringify(secrets));
    await expect(openAtRest(key, box)).rejects.toEqual(broken);
  });

  test('a host box is none', async () => {
    const host = newHost();
    const box = await sealForHost(host.sealingKey, secrets, { templateId, hostId: host.hostId, origin });
    await expect(openAtRest(masterKeyOf([old]), box)).rejects.toEqual(broken);
  });
});
