/** Prepares an installation before its processes start: schema, administrator, zone, cluster, network, and invites for its hosts. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { openDatabase } from '../db/database.ts';
import type { Database } from '../db/database.ts';
import { recordInvite } from '../db/hosts/invites.ts';
import { migrateToLatest } from '../db/migrate.ts';
import { firstNetwork } from '../db/vms/first-network.ts';
import { createCluster, createZone, findClusterByName, findZoneByName } from '../db/zones/zones.ts';
import type { Place } from '../db/zones/zones.ts';
import { loadOrCreateIdentity } from '../trust/identity.ts';
import { createInvite } from '../trust/invite.ts';
import { createMasterKey } from '../trust/master-key.ts';
import { makePassable } from './data-folder.ts';
import type { DataFolder, HostFolder } from './data-folder.ts';
import { replaceFile } from '../platform/replace-file.ts';
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

/** Runs at each start: it creates only what is missing. */
export async function prepareInstallation(
  folder: DataFolder,
  { databaseUrl, masterKeyFile, hosts }: Installation,
): Promise<AdminKeys> {
  const db = openDatabase(databaseUrl, { maxConnections: 2 });
  try {
    await migrateToLatest(db);
    const admin = await ensureAdminKeys(db, await createMasterKey(masterKeyFile), folder.admin);
    const zone = (await findZoneByName(db, ZONE)) ?? (await createFirstZone(db));
    if ((await findClusterByName(db, zone.id, CLUSTER)) === undefined) {
      await createCluster(db, { zoneId: zone.id, name: CLUSTER });
    }
    for (let n = 1; n <= hosts; n += 1) await prepareHost(db, folder.host(n), zone.uuid);
    return admin;
  } finally {
    await db.destroy();
  }
}

/** A zone with the network that hosts offer without any setup. */
const createFirstZone = (db: Database): Promise<Place> =>
  db.transaction().execute(async (tx) => {
    const zone = await createZone(tx, { name: ZONE });
    await firstNetwork(tx, zone.id);
    return zone;
  });

/** Writes an invite for a host that has not joined yet. A host that has joined needs none. */
async function prepareHost(db: Database, { state, pool, invite }: HostFolder, zoneId: string): Promise<void> {
  await makePassable(dirname(state));
  await mkdir(state, { recursive: true, mode: 0o700 });
  await mkdir(pool, { recursive: true });
  const { hostId } = await loadOrCreateIdentity(state);
  const known = await db.selectFrom('host').where('uuid', '=', hostId).select('id').executeTakeFirst();
  if (known !== undefined) return;
  const { id, token, secretHash } = createInvite();
  await recordInvite(db, { id, secretHash, expiresHours: INVITE_HOURS, zoneId });
  await replaceFile(invite, `${token}\n`);
}
