/** Hashes passwords of users with scrypt, one after the other, so that a flood of logins does not delay other work. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { ScryptOptions } from 'node:crypto';
import { createFairQueue, QueueFull } from '../model/fair-queue.ts';
import { scryptInThread } from './scrypt.ts';

/** A hash takes 32 MiB and about a tenth of a second. */
const COST = { N: 2 ** 15, r: 8, p: 1 } as const;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const STORED = /^scrypt:(?<n>\d{1,7}):(?<r>\d{1,2}):(?<p>\d{1,2}):(?<salt>[\w-]+):(?<hash>[\w-]+)$/;

const queue = createFairQueue({ slots: 1, maxWaiting: 32, maxWaitingPerOwner: 16 });
/** The owner of the queue's turns for callers that a signature or a session identifies, or that have the database. */
const AUTHENTICATED = 'authenticated';

interface Checked {
  readonly password: string;
  /** Owners take turns in the queue, so that one address cannot occupy it. */
  readonly owner: string;
}

/** `scrypt:N:r:p:salt:hash`: hashes state their cost, so that a higher cost leaves old hashes valid. */
const format = ({ N, r, p }: typeof COST, salt: Buffer, hash: Buffer): string =>
  ['scrypt', N, r, p, salt.toString('base64url'), hash.toString('base64url')].join(':');

/** Compared with the password when the user does not exist, so that a wrong name takes as long as a wrong password. */
export const DUMMY_HASH = format(COST, randomBytes(SALT_BYTES), randomBytes(HASH_BYTES));

/** @throws QueueFull */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  return format(COST, salt, await derive({ password, owner: AUTHENTICATED }, salt, HASH_BYTES, COST));
}

/**
 * Whether the password has this hash; false also for a stored text that is no hash.
 * @throws QueueFull
 */
export async function verifyPassword(
  password: string,
  stored: string,
  owner = AUTHENTICATED,
): Promise<boolean> {
  const { n, r, p, salt = '', hash = '' } = STORED.exec(stored)?.groups ?? {};
  const wanted = Buffer.from(hash, 'base64url');
  if (wanted.length === 0) return false;
  const cost = { N: Number(n), r: Number(r), p: Number(p) };
  try {
    const given = await derive({ password, owner }, Buffer.from(salt, 'base64url'), wanted.length, cost);
    return timingSafeEqual(given, wanted);
  } catch (error) {
    if (error instanceof QueueFull) throw error;
    return false;
  }
}

function derive(
  { password, owner }: Checked,
  salt: Buffer,
  length: number,
  cost: ScryptOptions,
): Promise<Buffer> {
  const options = { ...cost, maxmem: 256 * 1_048_576 };
  // Keyboards may produce different code points for the same letters.
  const task = { password: password.normalize('NFKC'), salt, length, options };
  return queue.run(owner, () => scryptInThread(task));
}
