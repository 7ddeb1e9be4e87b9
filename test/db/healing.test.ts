/** What a damaged copy needs, and the hashes of pieces that say so. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { beginHealing } from '../../db/copies/healing.ts';
import type { Remedy } from '../../db/copies/healing.ts';
import { openCopy } from '../../db/copies/copies.ts';
import { deleteUnusedPieces, keepPieces, piecesOfImage } from '../../db/copies/pieces.ts';
import type { CopyUuids } from '../../db/jobs/jobs.ts';
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { openDbLab } from '../labs/db.ts';
import type { DbLab } from '../labs/db.ts';

const MIB = 1_048_576;
const SIZE = 6 * MIB;
const pieces = { size: SIZE, length: 4 * MIB, hashes: 'ab'.repeat(64) };
const image = 'c'.repeat(64);

let lab: DbLab;
beforeEach(async () => {
  lab = await openDbLab();
});
afterEach(() => lab.close());

async function host(features: readonly string[] = ['healing']): Promise<string> {
  const { uuid } = await lab.addHost(randomUUID());
  await sql`update host set last_seen = now(), capabilities = ${JSON.stringify({ features })} where uuid = ${uuid}`.execute(
    lab.db,
  );
  return uuid;
}

const pool = async (hostId: string, free = 100 * MIB): Promise<string> =>
  (await lab.addPool(hostId, { name: randomUUID(), capacity: 1000 * MIB, free })).id;

/** A copy that was published, and is damaged unless told otherwise. */
async function copyOn(poolId: string, damaged = true): Promise<CopyUuids> {
  const template = await lab.addTemplate();
  await sql`
    insert into template_spool_ref
      (template_id, pool_id, state, download_state, sha256, template_size, verified, error_kind)
    select ${template.id}, id, 'Ready', 'DOWNLOADED', ${image}, ${SIZE}, now() - interval '1 day',
      ${damaged ? 'ContentRefused' : null} from storage_pool where uuid = ${poolId}`.execute(lab.db);
  return { templateId: template.uuid, poolId };
}

const remedy = (copy: CopyUuids): Promise<Remedy | undefined> => beginHealing(lab.db, copy);

test('an unused copy is removed, unless hashes of its pieces are known and the pool has room for both files', async () => {
  const hostId = await host();
  expect(await remedy(await copyOn(await pool(hostId)))).toBe('remove');
  await keepPieces(lab.db, image, pieces);
  expect(await remedy(await copyOn(await pool(hostId)))).toBe('replace');
  expect(await remedy(await copyOn(await pool(hostId, SIZE - 1)))).toBe('remove');
  const reserved = await pool(hostId, SIZE + 10);
  const copy = await copyOn(reserved);
  await sql`
    insert into pool_reservation (copy_id, pool_id, bytes) select id, pool_id, 11 from template_spool_ref
    where pool_id = (select id from storage_pool where uuid = ${reserved})`.execute(lab.db);
  expect(await remedy(copy)).toBe('remove');
  const older = await host(['pacedHash']);
  expect(await remedy(await copyOn(await pool(older)))).toBe('remove');
});

test('a right copy is hashed first, once, where no hashes are known', async () => {
  const [mine, other] = [await host(), await host()];
  const right = await copyOn(await pool(other), false);
  const copy = await copyOn(await pool(mine));
  expect(await remedy(copy)).toMatchObject({ first: { ...right, hostId: other } });
  // It has brought none until the next look.
  expect(await remedy(copy)).toBe('remove');
  await sql`update host set capabilities = '{"features": ["pacedHash"]}' where uuid = ${other}`.execute(
    lab.db,
  );
  expect(await remedy(await copyOn(await pool(mine)))).toBe('remove');
});

test('the download of a copy that was published has the hashes; the first ones that are known stay', async () => {
  const hostId = await host();
  const open = async (copy: CopyUuids) => (await openCopy(lab.db, copy, 'workflow', PROTOCOLS)).healing;
  const copy = await copyOn(await pool(hostId));
  expect(await keepPieces(lab.db, image, pieces)).toBe(true);
  expect(await keepPieces(lab.db, image, { ...pieces, hashes: 'cd'.repeat(64) })).toBe(false);
  expect(await open(copy)).toBeUndefined();
  expect(await remedy(copy)).toBe('replace');
  expect(await open(copy)).toEqual({ sha256: image, pieces, unused: true });
  await sql`update vm_template set compression = 'gzip' where uuid = ${copy.templateId}`.execute(lab.db);
  expect(await open(copy)).toEqual({ sha256: image, pieces, packed: true, unused: true });
  const never = { templateId: (await lab.addTemplate()).uuid, poolId: copy.poolId };
  expect(await open(never)).toBeUndefined();
});

test('hashes go with the last copy of their image', async () => {
  await copyOn(await pool(await host()));
  await keepPieces(lab.db, image, pieces);
  await keepPieces(lab.db, 'd'.repeat(64), pieces);
  await deleteUnusedPieces(lab.db, 10);
  expect(await piecesOfImage(lab.db, 'd'.repeat(64))).toBeUndefined();
  expect(await piecesOfImage(lab.db, image)).toEqual(pieces);
  await sql`delete from template_spool_ref`.execute(lab.db);
  await deleteUnusedPieces(lab.db, 10);
  expect(await piecesOfImage(lab.db, image)).toBeUndefined();
});
