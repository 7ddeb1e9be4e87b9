/** Groups of virtual machines. */
import { isUniqueViolation, type Queryable } from '../database.ts';
import { AlreadyExists } from '../errors.ts';

/**
 * @returns the UUID
 * @throws AlreadyExists when the account has a group of this name
 */
export const createInstanceGroup = (db: Queryable, accountId: number, name: string): Promise<string> =>
  unlessTaken(name, async () => {
    const { uuid } = await db
      .insertInto('instance_group')
      .values({ account_id: accountId, name })
      .returning('uuid')
      .executeTakeFirstOrThrow();
    return uuid;
  });

/** @throws AlreadyExists */
export const renameInstanceGroup = (db: Queryable, groupId: number, name: string): Promise<unknown> =>
  unlessTaken(name, () => db.updateTable('instance_group').set({ name }).where('id', '=', groupId).execute());

async function unlessTaken<T>(name: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new AlreadyExists(`there is a group named '${name}' already`, { cause: error });
  }
}

/** Its machines are in no group then. */
export async function removeInstanceGroup(db: Queryable, groupId: number): Promise<void> {
  await db.deleteFrom('instance_group').where('id', '=', groupId).execute();
}
