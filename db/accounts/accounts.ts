/** Accounts and their users: who may call the API, and with which keys. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { openAtRest, sealAtRest } from '../../trust/at-rest.ts';
import type { MasterKey } from '../../trust/master-key.ts';
import { hashPassword } from '../../trust/passwords.ts';
import { type Database, isUniqueViolation, type Queryable } from '../database.ts';
import { AlreadyExists } from '../errors.ts';

export type Role = 'admin' | 'user';

/** A user who may call, and the account that owns what the user creates. */
export interface User {
  readonly userId: number;
  readonly userUuid: string;
  readonly username: string;
  readonly accountId: number;
  readonly accountUuid: string;
  readonly accountName: string;
  readonly role: Role;
}

/** What is known of a person besides the name; nothing of it means anything to Bypass. */
export interface PersonalDetails {
  readonly email?: string | null | undefined;
  readonly firstname?: string | null | undefined;
  readonly lastname?: string | null | undefined;
  readonly timezone?: string | null | undefined;
}

export interface NewUser extends PersonalDetails {
  readonly username: string;
  /** A random one when absent. */
  readonly password?: string;
}

export interface NewAccount extends NewUser {
  /** The name of the account; that of its user when absent. */
  readonly account?: string | undefined;
}

/** What a user signs in with; shown once, at the making. */
export interface Credentials {
  readonly username: string;
  readonly apiKey: string;
  readonly secretKey: string;
  readonly password: string;
}

const KEY_BYTES = 64;
const PASSWORD_BYTES = 18;

/** Users who exist, whatever their state. */
const existingUsers = (db: Queryable) =>
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

/** Users who may call. */
export const users = (db: Queryable) =>
  existingUsers(db).where('user.state', '=', 'enabled').where('account.state', '=', 'enabled');

/** As it is stored. A key is long and random, so that its plain hash gives nothing away. */
export const hashOfApiKey = (apiKey: string): string => createHash('sha256').update(apiKey).digest('hex');

/** A user with the secret key as it is stored: sealed. */
export interface KeyHolder {
  readonly user: User;
  readonly sealedSecretKey: string;
}

/** The user of an API key. */
export async function findByApiKey(db: Queryable, apiKey: string): Promise<KeyHolder | undefined> {
  const row = await users(db)
    .where('user.api_key_hash', '=', hashOfApiKey(apiKey))
    .where('user.secret_key_sealed', 'is not', null)
    .select('user.secret_key_sealed as sealed')
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { sealed, ...user } = row;
  return { user, sealedSecretKey: sealed ?? '' };
}

/** @throws ImageError SealBroken when it was sealed with another master key, or for another user */
export const openSecretKey = (masterKey: MasterKey, { user, sealedSecretKey }: KeyHolder): Promise<string> =>
  openAtRest(masterKey, { use: 'user', user: user.userUuid }, sealedSecretKey);

/** The user of that name, whatever the state, with the hash of the password. */
export async function findByName(
  db: Queryable,
  username: string,
): Promise<
  { readonly user: User; readonly passwordHash: string | null; readonly mayCall: boolean } | undefined
> {
  const row = await existingUsers(db)
    .where('user.username', '=', username)
    .select(['user.password_hash as passwordHash', 'user.state', 'account.state as accountState'])
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { passwordHash, state, accountState, ...user } = row;
  return { user, passwordHash, mayCall: state === 'enabled' && accountState === 'enabled' };
}

/**
 * @param hash makes the stored hash of the password
 * @throws AlreadyExists
 */
export async function createAccount(
  db: Database,
  masterKey: MasterKey,
  { account = '', password = randomPassword(), ...user }: NewAccount,
  role: Role,
  hash = hashPassword,
): Promise<Credentials> {
  const name = account === '' ? user.username : account;
  const keys = newKeys();
  const uuid = randomUUID();
  const stored = await storedKeys(masterKey, uuid, keys);
  const password_hash = await hash(password);
  await unlessTaken(`an account named '${name}' or a user named '${user.username}'`, () =>
    db.transaction().execute(async (tx) => {
      const { id } = await tx
        .insertInto('account')
        .values({ account_name: name, role })
        .returning('id')
        .executeTakeFirstOrThrow();
      await tx
        .insertInto('user')
        .values({ uuid, account_id: id, ...user, password_hash, ...stored })
        .execute();
    }),
  );
  return { username: user.username, ...keys, password };
}

/**
 * Adds a user, who has no keys yet, to an account.
 * @returns the UUID
 * @throws AlreadyExists
 */
export async function createUser(
  db: Queryable,
  accountId: number,
  { password = randomPassword(), ...user }: NewUser,
): Promise<string> {
  const hash = await hashPassword(password);
  const { uuid } = await unlessTaken(`a user named '${user.username}'`, () =>
    db
      .insertInto('user')
      .values({ account_id: accountId, ...user, password_hash: hash })
      .returning('uuid')
      .executeTakeFirstOrThrow(),
  );
  return uuid;
}

const randomPassword = (): string => randomBytes(PASSWORD_BYTES).toString('base64url');

async function unlessTaken<T>(what: string, insert: () => Promise<T>): Promise<T> {
  try {
    return await insert();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new AlreadyExists(`there is ${what} already`, { cause: error });
  }
}

/** @throws AlreadyExists */
export const createAdmin = (db: Database, masterKey: MasterKey, user: NewUser): Promise<Credentials> =>
  createAccount(db, masterKey, user, 'admin');

/** Whether these are the keys of the user of that name. */
export async function areKeysOf(
  db: Queryable,
  masterKey: MasterKey,
  { username, apiKey, secretKey }: Omit<Credentials, 'password'>,
): Promise<boolean> {
  const found = await existingUsers(db)
    .where('user.username', '=', username)
    .where('user.api_key_hash', '=', hashOfApiKey(apiKey))
    .select('user.secret_key_sealed as sealed')
    .executeTakeFirst();
  if (found === undefined || found.sealed === null) return false;
  return (await openSecretKey(masterKey, { user: found, sealedSecretKey: found.sealed })) === secretKey;
}

/** What is undefined stays as it is. @throws AlreadyExists */
export const updateUser = (
  db: Queryable,
  userId: number,
  changes: PersonalDetails & { readonly username?: string | undefined },
): Promise<unknown> =>
  unlessTaken(`a user named '${changes.username}'`, () =>
    db.updateTable('user').set(changes).where('id', '=', userId).execute(),
  );

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

/**
 * Both keys are sealed: the secret key checks signatures, and getUserKeys shows both. A caller is found by the hash of
 * the API key.
 */
const storedKeys = async (masterKey: MasterKey, user: string, { apiKey, secretKey }: UserKeys) => ({
  api_key_hash: hashOfApiKey(apiKey),
  api_key_sealed: await sealAtRest(masterKey, { use: 'api key', user }, apiKey),
  secret_key_sealed: await sealAtRest(masterKey, { use: 'user', user }, secretKey),
});

/** Gives a user new keys; the old ones are no longer valid. */
export async function renewKeys(
  db: Queryable,
  masterKey: MasterKey,
  user: { readonly id: number; readonly uuid: string },
): Promise<UserKeys> {
  const keys = newKeys();
  await db
    .updateTable('user')
    .set(await storedKeys(masterKey, user.uuid, keys))
    .where('id', '=', user.id)
    .execute();
  return keys;
}

/**
 * The keys that a user has; undefined where there are none.
 * @throws KeyNotKept when only the hash of the API key is there
 */
export async function keysOf(
  db: Queryable,
  masterKey: MasterKey,
  userId: number,
): Promise<UserKeys | undefined> {
  const { user, apiKey, secretKey } = await db
    .selectFrom('user')
    .where('id', '=', userId)
    .select(['uuid as user', 'api_key_sealed as apiKey', 'secret_key_sealed as secretKey'])
    .executeTakeFirstOrThrow();
  if (secretKey === null) return undefined;
  if (apiKey === null) throw new KeyNotKept();
  return {
    apiKey: await openAtRest(masterKey, { use: 'api key', user }, apiKey),
    secretKey: await openAtRest(masterKey, { use: 'user', user }, secretKey),
  };
}

/** Earlier releases kept the hash of an API key alone. */
export class KeyNotKept extends Error {}
