/** What a new installation has before its processes start: schema, keys, a zone, a cluster, and tokens for its hosts. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { openDatabase } from '../../db/database.ts';
import type { Database } from '../../db/database.ts';
import { recordInvite } from '../../db/invites.ts';
import { migrateToLatest } from '../../db/migrate.ts';
import { createCluster, createZone, findClusterByName, findZoneByName } from '../../db/zones.ts';
import { loadOrCreateIdentity } from '../../trust/identity.ts';
import { createInvite } from '../../trust/invite.ts';
import { createMasterKey } from '../../trust/master-key.ts';
import type { DataFolder, HostFolder } from './folder.ts';
import { replaceFile } from './replace-file.ts';
import { ensureAdminKeys } from './secrets.ts';
import type { AdminKeys } from './secrets.ts';

export const ZONE = 'zone1';
export const CLUSTER = 'cluster1';

const INVITE_HOURS = 24;

export interface Installation {
  readonly databaseUrl: string;
  readonly masterKeyFile: string;
  readonly hosts: number;
}

/** Finds what is there already; so it can be done again, at each start. */
export async function prepareInstallation(
  folder: DataFolder,
  { databaseUrl, masterKeyFile, hosts }: Installation,
): Promise<AdminKeys> {
  const db = openDatabase(databaseUrl, { maxConnections: 2 });
  try {
    await migrateToLatest(db);
    const admin = await ensureAdminKeys(db, await createMasterKey(masterKeyFile), folder.admin);
    const zone = (await findZoneByName(db, ZONE)) ?? (await createZone(db, { name: ZONE }));
    if ((await findClusterByName(db, zone.id, CLUSTER)) === undefined) {
      await createCluster(db, { zoneId: zone.id, name: CLUSTER });
    }
    for (let n = 1; n <= hosts; n += 1) await prepareHost(db, folder.host(n), zone.uuid);
    return admin;
  } finally {
    await db.destroy();
  }
}

/** Gives a host that the installation does not know yet a token to join with. One that it knows needs none. */
async function prepareHost(db: Database, { state, pool, invite }: HostFolder, zoneId: string): Promise<void> {
  await mkdir(dirname(state), { recursive: true, mode: 0o700 });
  await mkdir(state, { recursive: true, mode: 0o700 });
  await mkdir(pool, { recursive: true });
  const { hostId } = await loadOrCreateIdentity(state);
  const known = await db.selectFrom('host').where('uuid', '=', hostId).select('id').executeTakeFirst();
  if (known !== undefined) return;
  const { id, token, secretHash } = createInvite();
  await recordInvite(db, { id, secretHash, expiresHours: INVITE_HOURS, zoneId });
  await replaceFile(invite, `${token}\n`);
}
