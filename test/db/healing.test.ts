/** What a damaged copy needs, and the hashes of pieces that say so. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { beginHealing } from '../../db/copies/healing.ts';
import type { Remedy } from '../../db/copies/healing.ts';
import { openCopy } from '../../db/copies/copies.ts';
import { failCopy } from '../../db/copies/outcomes.ts';
import { deleteUnusedPieces, judgePieces, keepPieces, piecesOfImage } from '../../db/copies/pieces.ts';
import type { CopyUuids } from '../../db/jobs/jobs.ts';
import type { PieceVerdict } from '../../model/image-pieces.ts';
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { openDbLab } from '../labs/db.ts';
import type { DbLab } from '../labs/db.ts';

const MIB = 1_048_576;
const SIZE = 6 * MIB;
const pieces = { size: SIZE, length: 4 * MIB, hashes: 'ab'.repeat(64) };
const image = 'c'.repeat(64);
/** Hosts. */
const [GIVER, ANOTHER] = [randomUUID(), randomUUID()];

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
  await keepPieces(lab.db, image, pieces, GIVER);
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
  expect(await keepPieces(lab.db, image, pieces, GIVER)).toBe(true);
  expect(await keepPieces(lab.db, image, { ...pieces, hashes: 'cd'.repeat(64) }, ANOTHER)).toBe(false);
  expect(await open(copy)).toBeUndefined();
  expect(await remedy(copy)).toBe('replace');
  expect(await open(copy)).toEqual({ sha256: image, pieces, unused: true });
  await sql`update vm_template set compression = 'gzip' where uuid = ${copy.templateId}`.execute(lab.db);
  expect(await open(copy)).toEqual({ sha256: image, pieces, packed: true, unused: true });
  const never = { templateId: (await lab.addTemplate()).uuid, poolId: copy.poolId };
  expect(await open(never)).toBeUndefined();
});

test('an unused copy whose healing failed is Failed, and healed by the next download that is asked for', async () => {
  const copy = await copyOn(await pool(await host()));
  await keepPieces(lab.db, image, pieces, GIVER);
  expect(await remedy(copy)).toBe('replace');
  await openCopy(lab.db, copy, 'workflow', PROTOCOLS);
  const error = { code: 530, text: 'the source is gone', kind: 'NotFound' } as const;
  await failCopy(lab.db, { copy, outcomeId: randomUUID(), workflowId: 'workflow' }, error);
  const state = () =>
    lab.db.selectFrom('template_spool_ref').select(['state', 'download_state', 'error_kind']).execute();
  expect(await state()).toEqual([
    { state: 'Failed', download_state: 'DOWNLOAD_ERROR', error_kind: 'NotFound' },
  ]);
  // No sweep makes it come again, and no machine is placed on it meanwhile.
  expect(await remedy(copy)).toBeUndefined();
  const plan = await openCopy(lab.db, copy, 'workflow', PROTOCOLS);
  expect(plan).toMatchObject({ ready: false, healing: { sha256: image, pieces, unused: true } });
});

test('hashes are proven when a second host has the same, and dropped when a file that is right has others', async () => {
  const copy = await copyOn(await pool(await host()));
  const { id } = await lab.db.selectFrom('template_spool_ref').select('id').executeTakeFirstOrThrow();
  const isProven = async () => (await piecesOfImage(lab.db, image))?.proven;
  const judge = (verdict: PieceVerdict, hostId: string, sha256 = image) =>
    judgePieces(lab.db, id, { sha256, pieces: verdict, hostId });
  await keepPieces(lab.db, image, pieces, GIVER);
  // Neither itself, nor with hashes of other pieces.
  await keepPieces(lab.db, image, pieces, GIVER);
  await judge('right', GIVER);
  await keepPieces(lab.db, image, { ...pieces, length: 8 * MIB }, ANOTHER);
  expect(await isProven()).toBe(false);
  expect(await keepPieces(lab.db, image, pieces, ANOTHER)).toBe(false);
  expect(await isProven()).toBe(true);
  await remedy(copy);
  expect((await openCopy(lab.db, copy, 'workflow', PROTOCOLS)).healing).toMatchObject({
    pieces,
    proven: true,
  });
  await judge('wrong', ANOTHER);
  expect(await isProven()).toBeUndefined();
  await keepPieces(lab.db, image, pieces, GIVER);
  await judge('right', ANOTHER);
  expect(await isProven()).toBe(true);
  // Hosts have no say on other images.
  const other = 'd'.repeat(64);
  await keepPieces(lab.db, other, pieces, GIVER);
  await judge('wrong', ANOTHER, other);
  expect((await piecesOfImage(lab.db, other))?.proven).toBe(false);
});

test('hashes go with the last copy of their image', async () => {
  await copyOn(await pool(await host()));
  await keepPieces(lab.db, image, pieces, GIVER);
  await keepPieces(lab.db, 'd'.repeat(64), pieces, GIVER);
  await deleteUnusedPieces(lab.db, 10);
  expect(await piecesOfImage(lab.db, 'd'.repeat(64))).toBeUndefined();
  expect(await piecesOfImage(lab.db, image)).toEqual({ pieces, proven: false });
  await sql`delete from template_spool_ref`.execute(lab.db);
  await deleteUnusedPieces(lab.db, 10);
  expect(await piecesOfImage(lab.db, image)).toBeUndefined();
});
