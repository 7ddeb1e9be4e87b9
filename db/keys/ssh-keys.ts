/** SSH key pairs of accounts: their public keys. Virtual machines keep those that they were given. */
import { isUniqueViolation, type Queryable } from '../database.ts';
import { AlreadyExists } from '../errors.ts';
import type { NewRow, Row } from '../tables.ts';

export type SshKeyPair = Row<'ssh_keypair'>;
export type NewSshKeyPair = Omit<NewRow<'ssh_keypair'>, 'id' | 'uuid' | 'created'>;

/** @throws AlreadyExists when the account has a pair of this name, or this key, by then */
export async function createSshKeyPair(db: Queryable, pair: NewSshKeyPair): Promise<string> {
  try {
    return (await db.insertInto('ssh_keypair').values(pair).returning('uuid').executeTakeFirstOrThrow()).uuid;
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new AlreadyExists(`there is a key pair named '${pair.name}', or with this key, already`, {
      cause: error,
    });
  }
}

/** Those of an account that have this name or this key. */
export const similarKeyPairs = (
  db: Queryable,
  { account_id, name, fingerprint }: Pick<SshKeyPair, 'account_id' | 'name' | 'fingerprint'>,
): Promise<readonly SshKeyPair[]> =>
  db
    .selectFrom('ssh_keypair')
    .where('account_id', '=', account_id)
    .where((eb) => eb.or([eb('name', '=', name), eb('fingerprint', '=', fingerprint)]))
    .selectAll()
    .execute();

/** Those of these key pairs that the account has. */
export const keyPairsNamed = async (
  db: Queryable,
  accountId: number,
  names: readonly string[],
): Promise<readonly SshKeyPair[]> =>
  names.length === 0
    ? []
    : db
        .selectFrom('ssh_keypair')
        .where('account_id', '=', accountId)
        .where('name', 'in', names)
        .selectAll()
        .execute();

/** @returns the UUID of the removed pair; undefined when the account has none of this name */
export const removeSshKeyPair = async (
  db: Queryable,
  accountId: number,
  name: string,
): Promise<string | undefined> =>
  (
    await db
      .deleteFrom('ssh_keypair')
      .where('account_id', '=', accountId)
      .where('name', '=', name)
      .returning('uuid')
      .executeTakeFirst()
  )?.uuid;
