/** Accounts and their users: who may call the API, and with which keys. */
import { createHash, randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { hashPassword } from '../trust/passwords.ts';
import type { MasterKey } from '../trust/master-key.ts';
import { openText, sealText } from '../trust/sealing.ts';
import { type Database, isUniqueViolation, type Queryable } from './database.ts';

export type Role = 'admin' | 'user';

/** A user who may call, with the account that what he makes belongs to. */
export interface User {
  readonly userId: number;
  readonly userUuid: string;
  readonly username: string;
  readonly accountId: number;
  readonly accountUuid: string;
  readonly accountName: string;
  readonly role: Role;
}

export interface NewUser {
  readonly username: string;
  /** A random one when absent. */
  readonly password?: string;
}

/** What a user signs in with; shown once, at the making. */
export interface Credentials {
  readonly username: string;
  readonly apiKey: string;
  readonly secretKey: string;
  readonly password: string;
}

/** The message says what there is already. */
export class AlreadyExists extends Error {}

const KEY_BYTES = 64;
const PASSWORD_BYTES = 18;

/** Users who may call. */
export const users = (db: Queryable) =>
  db
    .selectFrom('user')
    .innerJoin('account', 'account.id', 'user.account_id')
    .where('user.removed', 'is', null)
    .where('account.removed', 'is', null)
    .select([
      'user.id as userId',
      'user.uuid as userUuid',
      'user.username',
      'account.id as accountId',
      'account.uuid as accountUuid',
      'account.account_name as accountName',
      'account.role',
    ]);

/** As it is stored. A key is long and random, so that its plain hash gives nothing away. */
export const hashOfApiKey = (apiKey: string): string => createHash('sha256').update(apiKey).digest('hex');

/** The user of an API key, with his secret key as it is stored: sealed. */
export async function findByApiKey(
  db: Queryable,
  apiKey: string,
): Promise<{ readonly user: User; readonly sealedSecretKey: string } | undefined> {
  const row = await users(db)
    .where('user.api_key_hash', '=', hashOfApiKey(apiKey))
    .where('user.secret_key_sealed', 'is not', null)
    .select('user.secret_key_sealed as sealed')
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { sealed, ...user } = row;
  return { user, sealedSecretKey: sealed ?? '' };
}

/** @throws ImageError SealBroken when it was sealed with another master key */
export const openSecretKey = (masterKey: MasterKey, sealed: string): Promise<string> =>
  openText(masterKey, 'user', sealed);

/** The user of that name, with the hash of the password. */
export async function findByName(
  db: Queryable,
  username: string,
): Promise<{ readonly user: User; readonly passwordHash: string | null } | undefined> {
  const row = await users(db)
    .where('user.username', '=', username)
    .select('user.password_hash as passwordHash')
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { passwordHash, ...user } = row;
  return { user, passwordHash };
}

/** Makes an account of that name and role, with one user of the same name. */
export async function createUser(
  db: Database,
  masterKey: MasterKey,
  { username, password = randomBytes(PASSWORD_BYTES).toString('base64url') }: NewUser,
  role: Role,
): Promise<Credentials> {
  const keys = newKeys();
  const stored = await storedKeys(masterKey, keys);
  const hash = await hashPassword(password);
  try {
    await db.transaction().execute(async (tx) => {
      const account = await tx
        .insertInto('account')
        .values({ account_name: username, role })
        .returning('id')
        .executeTakeFirstOrThrow();
      await tx
        .insertInto('user')
        .values({
          account_id: account.id,
          username,
          password_hash: hash,
          ...stored,
        })
        .execute();
    });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new AlreadyExists(`there is a user or an account named '${username}' already`, { cause: error });
  }
  return { username, ...keys, password };
}

/** @throws AlreadyExists */
export const createAdmin = (db: Database, masterKey: MasterKey, user: NewUser): Promise<Credentials> =>
  createUser(db, masterKey, user, 'admin');

/** Whether these are the keys of the user of that name. */
export async function areKeysOf(
  db: Queryable,
  masterKey: MasterKey,
  { username, apiKey, secretKey }: Omit<Credentials, 'password'>,
): Promise<boolean> {
  const found = await findByApiKey(db, apiKey);
  if (found?.user.username !== username) return false;
  return (await openSecretKey(masterKey, found.sealedSecretKey)) === secretKey;
}

/** Ends the sessions of the user as well. @returns whether there was such a user */
export async function setPassword(db: Queryable, username: string, password: string): Promise<boolean> {
  const changed = await db
    .updateTable('user')
    .set({ password_hash: await hashPassword(password) })
    .where('username', '=', username)
    .where('removed', 'is', null)
    .returning('id')
    .executeTakeFirst();
  if (changed === undefined) return false;
  await db.deleteFrom('session').where('user_id', '=', changed.id).execute();
  return true;
}

export interface UserKeys {
  readonly apiKey: string;
  readonly secretKey: string;
}

const newKeys = (): UserKeys => ({
  apiKey: randomBytes(KEY_BYTES).toString('base64url'),
  secretKey: randomBytes(KEY_BYTES).toString('base64url'),
});

/** The secret key has to be had again, to check signatures: so it is sealed, not hashed. */
const storedKeys = async (masterKey: MasterKey, { apiKey, secretKey }: UserKeys) => ({
  api_key_hash: hashOfApiKey(apiKey),
  secret_key_sealed: await sealText(masterKey, 'user', secretKey),
});

/** Gives a user new keys; with the old ones nobody calls any more. */
export async function renewKeys(db: Queryable, masterKey: MasterKey, userId: number): Promise<UserKeys> {
  const keys = newKeys();
  await db
    .updateTable('user')
    .set(await storedKeys(masterKey, keys))
    .where('id', '=', userId)
    .execute();
  return keys;
}

/** Removes an account with its users: their keys, passwords and sessions are good for nothing then. */
export async function removeAccount(db: Queryable, accountId: number): Promise<void> {
  await db
    .updateTable('account')
    .set({ removed: sql`now()` })
    .where('id', '=', accountId)
    .execute();
}
