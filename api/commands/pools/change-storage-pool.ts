/** Changes a storage pool and records that as an event; shared by all commands that change one. */
import { recordCallerEvent } from '../../server/caller-event.ts';
import { hostsOfPools, listPools } from '../../../db/pools/listing.ts';
import { changePool, type PoolChanges } from '../../../db/pools/pools.ts';
import type { CommandContext } from '../../server/command.ts';
import { poolNamed } from '../../fields/entities.ts';
import type { PoolView } from '../../fields/answers/host.ts';

/**
 * @param given the id of the pool, as the caller sent it
 * @param event its type, and its description by the name of the pool
 * @returns the pool after the change
 */
export async function changeStoragePool(
  context: CommandContext,
  given: string,
  changes: PoolChanges,
  event: { readonly type: string; readonly what: (name: string) => string },
): Promise<PoolView> {
  const { db, caller } = context;
  const { uuid, name } = await poolNamed(context, 'id', given);
  await db.transaction().execute(async (tx) => {
    await changePool(tx, uuid, changes);
    await recordCallerEvent(
      { db: tx, caller },
      {
        type: event.type,
        description: event.what(name),
        resourceType: 'StoragePool',
        resourceUuid: uuid,
      },
    );
  });
  const { rows } = await listPools(db, { id: uuid }, { limit: 1, offset: 0 });
  const [row] = rows;
  if (row === undefined) throw new Error(`storage pool ${uuid} is gone`);
  return { ...row, hosts: await hostsOfPools(db, [row.id]) };
}
