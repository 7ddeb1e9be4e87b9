import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { decodeProtectedHeader } from 'jose';
import type { ImageError } from '../../model/failures.ts';
import type { Secrets } from '../../model/source.ts';
import { rawPublicKey } from '../../trust/keys.ts';
import type { VmSecrets } from '../../model/vm-payloads.ts';
import {
  openForHost,
  openKeyForHost,
  openVmSecrets,
  sealForHost,
  sealKeyForHost,
  sealVmSecrets,
} from '../../trust/sealing.ts';

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

  test('names host and template in clear text, and reveals nothing of its content', async () => {
    const box = await seal();
    expect(decodeProtectedHeader(box)).toMatchObject({ template: templateId, host: first.hostId, origin });
    for (const word of ['open sesame', 'X-Token', '"p"']) {
      expect(Buffer.from(box.split('.').join(''), 'base64url').includes(word)).toBe(false);
    }
  });

  test('does not open on another host, whatever id that host claims', async () => {
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

  test('is sealed for the origin of its content only', async () => {
    await expect(
      sealForHost(first.sealingKey, secrets, { templateId, hostId: first.hostId, origin: 'https://other' }),
    ).rejects.toEqual(broken);
  });

  test.each(['', 'AAAA', 'not base64 at all!', 'A'.repeat(43)])(
    "is not sealed with the malformed key '%s'",
    async (key) => {
      await expect(sealForHost(key, secrets, { templateId, hostId: first.hostId, origin })).rejects.toEqual(
        broken,
      );
    },
  );

  test.each(['', 'a.b.c.d.e', 'e30....', '{}'])(
    "does not open from text that is no box ('%s'), with the same error",
    async (box) => {
      await expect(openForHost(first.privateKey, box, { templateId, hostId: first.hostId })).rejects.toEqual(
        broken,
      );
    },
  );
});

describe('a box for a virtual machine', () => {
  const [first, second] = [newHost(), newHost()];
  const vmId = randomUUID();
  const held: VmSecrets = {
    userData: 'I2Nsb3VkLWNvbmZpZw==',
    userDataDetails: { site: 'east' },
    vncPassword: 'hunter22',
  };
  const seal = (): Promise<string> => sealVmSecrets(first.sealingKey, held, { vmId, hostId: first.hostId });

  test('opens on that host, for that machine', async () => {
    const box = await seal();
    expect(await openVmSecrets(first.privateKey, box, { vmId, hostId: first.hostId })).toEqual(held);
  });

  test('names host and machine in clear text, and reveals nothing of its content', async () => {
    const box = await seal();
    expect(decodeProtectedHeader(box)).toMatchObject({ machine: vmId, host: first.hostId });
    for (const word of ['hunter22', 'I2Nsb3Vk']) {
      expect(Buffer.from(box.split('.').join(''), 'base64url').includes(word)).toBe(false);
    }
  });

  test('opens neither for another machine, nor on another host, nor when it was changed', async () => {
    const box = await seal();
    const attempts = [
      () => openVmSecrets(first.privateKey, box, { vmId: randomUUID(), hostId: first.hostId }),
      () => openVmSecrets(first.privateKey, box, { vmId, hostId: second.hostId }),
      () => openVmSecrets(second.privateKey, box, { vmId, hostId: first.hostId }),
      () => openVmSecrets(first.privateKey, tampered(box, 3), { vmId, hostId: first.hostId }),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toEqual(broken);
  });

  test('serves no other purpose, and no other box serves this one', async () => {
    const box = await seal();
    const hostId = first.hostId;
    const key = await sealKeyForHost(first.sealingKey, JSON.stringify(held), { certificateId: vmId, hostId });
    const attempts = [
      () => openForHost(first.privateKey, box, { templateId: vmId, hostId }),
      () => openKeyForHost(first.privateKey, box, { certificateId: vmId, hostId }),
      () => openVmSecrets(first.privateKey, key, { vmId, hostId }),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toEqual(broken);
  });
});
