/** Passwords of users, kept as scrypt hashes. */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import type { ScryptOptions } from 'node:crypto';

/** 32 MiB and about a tenth of a second each. */
const COST = { N: 2 ** 15, r: 8, p: 1 } as const;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const STORED = /^scrypt:(?<n>\d{1,7}):(?<r>\d{1,2}):(?<p>\d{1,2}):(?<salt>[\w-]+):(?<hash>[\w-]+)$/;

/** `scrypt:N:r:p:salt:hash`, so that the cost can be raised without making old hashes void. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, HASH_BYTES, COST);
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64url'), hash.toString('base64url')].join(':');
}

/** False as well for a stored text that is no hash. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const { n, r, p, salt = '', hash = '' } = STORED.exec(stored)?.groups ?? {};
  const wanted = Buffer.from(hash, 'base64url');
  if (wanted.length === 0) return false;
  const cost = { N: Number(n), r: Number(r), p: Number(p) };
  try {
    const given = await derive(password, Buffer.from(salt, 'base64url'), wanted.length, cost);
    return timingSafeEqual(given, wanted);
  } catch {
    return false;
  }
}

function derive(password: string, salt: Buffer, length: number, cost: ScryptOptions): Promise<Buffer> {
  const maxmem = 256 * 1_048_576;
  return new Promise((resolve, reject) => {
    // The same password typed on another keyboard may come as other code points.
    scrypt(password.normalize('NFKC'), salt, length, { ...cost, maxmem }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
