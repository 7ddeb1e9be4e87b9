import { lstat } from 'node:fs/promises';
import { hashPassword, verifyPassword } from '../../trust/passwords.ts';

describe('a password', () => {
  test('is verified by its hash, and other passwords are not', async () => {
    const stored = await hashPassword('correct horse');
    expect(stored).not.toContain('horse');
    expect(await verifyPassword('correct horse', stored)).toBe(true);
    expect(await verifyPassword('correct horsf', stored)).toBe(false);
    expect(await verifyPassword('', stored)).toBe(false);
  });

  test('has a different hash each time', async () => {
    expect(await hashPassword('same')).not.toBe(await hashPassword('same'));
  });

  test('is the same in every Unicode composition of its letters', async () => {
    expect(await verifyPassword('e\u0301t\u00e9', await hashPassword('\u00e9te\u0301'))).toBe(true);
  });

  test('is verified by a hash of another cost', async () => {
    const cheap = 'scrypt:16:1:1:c2FsdA:' + 'A'.repeat(43);
    expect(await verifyPassword('x', cheap)).toBe(false);
    expect((await hashPassword('x')).split(':').slice(0, 2)).toEqual(['scrypt', '32768']);
  });

  test('is hashed outside of the shared threads of the process, even when many are hashed at once', async () => {
    let done = 0;
    const hashes = Array.from({ length: 12 }, () => hashPassword('flood').then(() => (done += 1)));
    await new Promise(setImmediate);
    for (let look = 0; look < 3; look += 1) await lstat('/');
    expect(done).toBeLessThan(8);
    await Promise.all(hashes);
  });

  test.each(['', 'plain', 'scrypt:3:1:1:c2FsdA:AAAA', 'scrypt:32768:8:1:c2FsdA:'])(
    "nothing matches the stored text '%s'",
    async (stored) => {
      expect(await verifyPassword('x', stored)).toBe(false);
    },
  );
});
