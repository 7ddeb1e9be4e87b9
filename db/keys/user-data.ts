/** Registered user data of accounts, sealed. */
import { randomUUID } from 'node:crypto';
import { openAtRest, sealAtRest } from '../../trust/at-rest.ts';
import type { MasterKey } from '../../trust/master-key.ts';
import { isUniqueViolation, type Queryable } from '../database.ts';
import { AlreadyExists } from '../errors.ts';
import type { Row } from '../tables.ts';

export interface NewUserData {
  readonly accountId: number;
  readonly name: string;
  /** Base64. */
  readonly text: string;
  /** Names of its variables, with commas between them. */
  readonly params: string | null;
}

const ownerOf = (uuid: string) => ({ use: 'user data', userData: uuid }) as const;

/**
 * @returns the UUID
 * @throws AlreadyExists when the account has user data of this name
 */
export async function registerUserData(
  db: Queryable,
  masterKey: MasterKey,
  { accountId, name, text, params }: NewUserData,
): Promise<string> {
  const uuid = randomUUID();
  const sealed = await sealAtRest(masterKey, ownerOf(uuid), text);
  try {
    await db
      .insertInto('user_data')
      .values({ uuid, account_id: accountId, name, user_data_sealed: sealed, params })
      .execute();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new AlreadyExists(`there is user data named '${name}' already`, { cause: error });
  }
  return uuid;
}

/** Undefined when the account has none with this UUID. */
export const findUserData = (
  db: Queryable,
  accountId: number,
  uuid: string,
): Promise<Row<'user_data'> | undefined> =>
  db
    .selectFrom('user_data')
    .where('uuid', '=', uuid)
    .where('account_id', '=', accountId)
    .selectAll()
    .executeTakeFirst();

/** @throws ImageError SealBroken */
export const openUserData = (
  masterKey: MasterKey,
  { uuid, user_data_sealed }: Pick<Row<'user_data'>, 'uuid' | 'user_data_sealed'>,
): Promise<string> => openAtRest(masterKey, ownerOf(uuid), user_data_sealed);

/** Virtual machines that were given it keep it. */
export async function removeUserData(db: Queryable, userDataId: number): Promise<void> {
  await db.deleteFrom('user_data').where('id', '=', userDataId).execute();
}
