/** What commands that change one storage pool share. */
import { recordEvent } from '../db/events.ts';
import { hostsOfPools, listPools } from '../db/listings/pools.ts';
import { changePool, type PoolChanges } from '../db/pools.ts';
import type { CommandContext } from './command.ts';
import { poolNamed } from './entities.ts';
import type { PoolView } from './responses/host.ts';

/** @returns the pool as it is now */
export async function changeStoragePool(
  context: CommandContext,
  given: string,
  changes: PoolChanges,
  told: { readonly type: string; readonly what: (name: string) => string },
): Promise<PoolView> {
  const { db, caller } = context;
  const { uuid, name } = await poolNamed(context, 'id', given);
  await db.transaction().execute(async (tx) => {
    await changePool(tx, uuid, changes);
    await recordEvent(tx, {
      type: told.type,
      description: told.what(name),
      userUuid: caller.userUuid,
      accountUuid: caller.accountUuid,
      resourceType: 'StoragePool',
      resourceUuid: uuid,
    });
  });
  const { rows } = await listPools(db, { id: uuid }, { limit: 1, offset: 0 });
  const [row] = rows;
  if (row === undefined) throw new Error(`storage pool ${uuid} is gone`);
  return { ...row, hosts: await hostsOfPools(db, [row.id]) };
}
