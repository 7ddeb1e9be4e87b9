import { hashPassword, verifyPassword } from '../../trust/passwords.ts';

describe('a password', () => {
  test('is known again by its hash, and by nothing else', async () => {
    const stored = await hashPassword('correct horse');
    expect(stored).not.toContain('horse');
    expect(await verifyPassword('correct horse', stored)).toBe(true);
    expect(await verifyPassword('correct horsf', stored)).toBe(false);
    expect(await verifyPassword('', stored)).toBe(false);
  });

  test('has another hash each time', async () => {
    expect(await hashPassword('same')).not.toBe(await hashPassword('same'));
  });

  test('is the same however its letters are composed', async () => {
    expect(await verifyPassword('e\u0301t\u00e9', await hashPassword('\u00e9te\u0301'))).toBe(true);
  });

  test('a hash of another cost still counts', async () => {
    const cheap = 'scrypt:16:1:1:c2FsdA:' + 'A'.repeat(43);
    expect(await verifyPassword('x', cheap)).toBe(false);
    expect((await hashPassword('x')).split(':').slice(0, 2)).toEqual(['scrypt', '32768']);
  });

  test.each(['', 'plain', 'scrypt:3:1:1:c2FsdA:AAAA', 'scrypt:32768:8:1:c2FsdA:'])(
    "nothing matches the stored text '%s'",
    async (stored) => {
      expect(await verifyPassword('x', stored)).toBe(false);
    },
  );
});
