/** Copies: one template on one pool, one row of `template_spool_ref`, from being wanted to being removed. */
import { type UpdateObject, sql } from 'kysely';
import type { Needs } from '../../model/capabilities.ts';
import type { Healing } from '../../model/image-pieces.ts';
import type { CopyPlan } from '../../model/payloads.ts';
import type { Mirror } from '../../model/source.ts';
import type { Protocols } from '../../model/protocols.ts';
import { plannedBytes } from '../../model/space.ts';
import { isImageUrl } from '../../model/url.ts';
import type { Database, Queryable } from '../database.ts';
import { NotPossible } from '../errors.ts';
import type { CopyUuids } from '../jobs/jobs.ts';
import { carriesMachines } from './healing.ts';
import { piecesOfImage } from './pieces.ts';
import { isRoomy } from './reservations.ts';
import { NOT_FETCHING } from '../spread/records.ts';
import type { Row, Tables } from '../tables.ts';

/** Columns of a copy that did not fail. */
export const NO_ERROR = { error_str: null, error_kind: null, error_host: null } as const;

/**
 * Begins a deployment: inserts the row of the copy when there is none, and returns what must be downloaded. A ready copy stays
 * as it is. Repeating it changes nothing.
 * @param workflowId noted in the row
 * @param protocols that hosts fetch by; mirrors of others are left out
 * @throws NotPossible when the template or the pool cannot be used
 */
export function openCopy(
  db: Database,
  copy: CopyUuids,
  workflowId: string,
  protocols: Protocols,
): Promise<CopyPlan> {
  return db.transaction().execute(async (tx) => {
    const template = await usableTemplate(tx, copy.templateId);
    const pool = await usablePool(tx, copy.poolId, template);
    const begun = {
      download_state: 'DOWNLOAD_IN_PROGRESS',
      state: 'Creating',
      template_size: template.size,
      job_id: workflowId,
    } as const;
    const inserted = await tx
      .insertInto('template_spool_ref')
      .values({ template_id: template.id, pool_id: pool.id, ...begun })
      .onConflict((conflict) => conflict.columns(['template_id', 'pool_id']).doNothing())
      .returning('uuid')
      .executeTakeFirst();
    const row =
      inserted === undefined
        ? await takeUp(tx, template.id, pool.id, begun)
        : { ...inserted, ready: false, sha256: null, carries: false };
    const { ready } = row;
    return {
      v: 1,
      ready,
      copyId: row.uuid,
      templateName: template.name,
      poolName: pool.name,
      zoneId: pool.zoneId,
      url: template.url,
      format: template.format,
      size: template.size,
      planned: plannedBytes({
        size: template.size,
        virtualSize: template.virtual_size,
        compression: template.compression,
        unpackedSize: template.unpacked_size,
      }),
      mirrors: await mirrorsOf(tx, template.id, protocols),
      ...checksumOf(template, row),
      ...(ready ? {} : await healingOf(tx, template, row)),
    };
  });
}

/** Begins anew with a copy that was there before, unless it is ready. */
async function takeUp(
  tx: Queryable,
  templateDbId: number,
  poolDbId: number,
  begun: UpdateObject<Tables, 'template_spool_ref'>,
): Promise<{
  readonly uuid: string;
  readonly ready: boolean;
  readonly sha256: string | null;
  readonly carries: boolean;
}> {
  const row = await tx
    .selectFrom('template_spool_ref')
    .where('template_id', '=', templateDbId)
    .where('pool_id', '=', poolDbId)
    .select(['id', 'uuid', 'download_state', 'state', 'sha256', carriesMachines.as('carries')])
    .forUpdate()
    .executeTakeFirstOrThrow();
  const { id, download_state, state, ...known } = row;
  const ready = download_state === 'DOWNLOADED' && state === 'Ready';
  if (ready) await noteWanted(tx, [id]);
  else {
    await tx
      .updateTable('template_spool_ref')
      .set({
        ...begun,
        marked_for_gc: false,
        idle_since: null,
        ...NO_ERROR,
        ...NOT_FETCHING,
        cancelled_by: null,
        evidence: null,
        last_updated: sql`now()`,
      })
      .where('id', '=', id)
      .execute();
  }
  return { ...known, ready };
}

/** What the file must be. Disks of machines that stand on an image that was published need that very image. */
function checksumOf(
  { checksum, compression }: Template,
  { sha256, carries }: { readonly sha256: string | null; readonly carries: boolean },
): { readonly checksum?: string } {
  if (checksum !== null) return { checksum };
  return carries && sha256 !== null && compression === null ? { checksum: `{SHA-256}${sha256}` } : {};
}

/** How its damaged file is brought anew, of a copy that was published before, where that can be done piece by piece. */
async function healingOf(
  tx: Queryable,
  { compression }: Template,
  { sha256, carries }: { readonly sha256: string | null; readonly carries: boolean },
): Promise<{ readonly healing?: Healing }> {
  const known = await piecesOfImage(tx, sha256);
  if (sha256 === null || known === undefined) return {};
  const { pieces, proven } = known;
  return {
    healing: {
      sha256,
      pieces,
      ...(proven ? { proven } : {}),
      ...(compression === null ? {} : { packed: true }),
      ...(carries ? {} : { unused: true }),
    },
  };
}

/** Somebody asks for these copies, or has begun to use them. @param ids keys of rows that are locked */
export async function noteWanted(tx: Queryable, ids: readonly number[]): Promise<void> {
  await tx
    .updateTable('template_spool_ref')
    .set({ idle_since: null })
    .where('id', 'in', ids)
    .where('idle_since', 'is not', null)
    .execute();
}

const TEMPLATE_COLUMNS = [
  'id',
  'name',
  'url',
  'format',
  'size',
  'virtual_size',
  'compression',
  'unpacked_size',
  'checksum',
  'cross_zones',
  'state',
] as const;

type Template = Pick<Row<'vm_template'>, (typeof TEMPLATE_COLUMNS)[number]>;

async function usableTemplate(tx: Queryable, templateId: string): Promise<Template> {
  const template = await tx
    .selectFrom('vm_template')
    .where('uuid', '=', templateId)
    .select(TEMPLATE_COLUMNS)
    // A deletion that begins now waits for this lock, and then sees the row of the copy.
    .forShare()
    .executeTakeFirst();
  if (template === undefined) throw new NotPossible(`There is no template ${templateId}`);
  if (template.state === 'Active') return template;
  throw new NotPossible(
    template.state === 'Inactive'
      ? `Template ${template.name} was deleted`
      : `Template ${template.name} is not registered yet`,
  );
}

async function usablePool(
  tx: Queryable,
  poolId: string,
  template: Template,
): Promise<{ readonly id: number; readonly name: string; readonly zoneId: string }> {
  const pool = await tx
    .selectFrom('storage_pool')
    .innerJoin('data_center', 'data_center.id', 'storage_pool.data_center_id')
    .leftJoin('template_zone_ref', (join) =>
      join
        .onRef('template_zone_ref.zone_id', '=', 'data_center.id')
        .on('template_zone_ref.template_id', '=', template.id),
    )
    .where('storage_pool.uuid', '=', poolId)
    .select([
      'storage_pool.id',
      'storage_pool.name',
      'storage_pool.state',
      'data_center.uuid as zoneId',
      'data_center.name as zoneName',
      'template_zone_ref.id as zoneRef',
    ])
    .executeTakeFirst();
  if (pool === undefined) throw new NotPossible(`There is no storage pool ${poolId}`);
  if (pool.state !== 'Up') throw new NotPossible(`Storage pool ${pool.name} is in state ${pool.state}`);
  if (pool.zoneRef === null && !template.cross_zones) {
    throw new NotPossible(
      `Template ${template.name} is not in zone ${pool.zoneName}, where pool ${pool.name} is`,
    );
  }
  return pool;
}

/** In the order to try them: those that answered at registration first. What no host could fetch is left out. */
async function mirrorsOf(
  tx: Queryable,
  templateId: number,
  protocols: Protocols,
): Promise<readonly Mirror[]> {
  const rows = await tx
    .selectFrom('template_mirror')
    .where('template_id', '=', templateId)
    .select(['url', 'size', 'ranges', 'location', 'etag', 'last_modified', 'reachable'])
    .orderBy('reachable', 'desc')
    .orderBy('priority')
    .orderBy('id')
    .execute();
  const usable = rows.filter(({ reachable, url }) => reachable || isImageUrl(url, protocols));
  return usable.map((row, index) => ({
    url: row.url,
    priority: index + 1,
    size: row.size,
    ranges: row.ranges,
    ...(row.location === null ? {} : { location: row.location }),
    ...(row.etag === null ? {} : { etag: row.etag }),
    ...(row.last_modified === null ? {} : { lastModified: row.last_modified }),
  }));
}

export interface CopyRow {
  readonly id: number;
  readonly copyId: string;
  readonly templateName: string;
  readonly poolName: string;
  readonly format: Row<'vm_template'>['format'];
  /** UUID of the account that owns the template. */
  readonly accountId: string;
  readonly templateDbId: number;
  /** Whether each host checks the file for itself: the checksum of a packed one says nothing of the image. */
  readonly hasChecksum: boolean;
  /** Hosts between its latest attempt and the origin; null: none was chosen. */
  readonly depth: number | null;
  /** Bytes of the image; 0 while unknown. */
  readonly virtualSize: number;
}

/** The row of a copy; undefined when there is none (any more). */
export const findCopy = (tx: Queryable, copy: CopyUuids): Promise<CopyRow | undefined> =>
  tx
    .selectFrom('template_spool_ref')
    .innerJoin('vm_template', 'vm_template.id', 'template_spool_ref.template_id')
    .innerJoin('account', 'account.id', 'vm_template.account_id')
    .innerJoin('storage_pool', 'storage_pool.id', 'template_spool_ref.pool_id')
    .where('vm_template.uuid', '=', copy.templateId)
    .where('storage_pool.uuid', '=', copy.poolId)
    .select([
      'template_spool_ref.id',
      'template_spool_ref.uuid as copyId',
      'vm_template.name as templateName',
      'storage_pool.name as poolName',
      'vm_template.format',
      'account.uuid as accountId',
      'template_spool_ref.template_id as templateDbId',
      sql<boolean>`(vm_template.checksum is not null and vm_template.compression is null)`.as('hasChecksum'),
      'template_spool_ref.depth',
      'vm_template.virtual_size as virtualSize',
    ])
    .executeTakeFirst();

/** What a host must know of a copy's template and pool to be sent a download. */
export const copyFacts = (
  db: Queryable,
  copyId: string,
  bytes = 0,
): Promise<
  | (Needs & {
      readonly templateId: string;
      readonly poolId: string;
      readonly poolName: string;
      /** When the pool was last reported, in milliseconds before now; null when never. */
      readonly reportAgeMs: number | null;
      /** As `isRoomy`. */
      readonly roomy: boolean;
      /** UUID of the host of the latest attempt, which can resume from the bytes that it kept; null: there was none. */
      readonly lastHostId: string | null;
    })
  | undefined
> =>
  db
    .selectFrom('template_spool_ref')
    .innerJoin('vm_template', 'vm_template.id', 'template_spool_ref.template_id')
    .innerJoin('storage_pool', 'storage_pool.id', 'template_spool_ref.pool_id')
    .where('template_spool_ref.uuid', '=', copyId)
    .select([
      'vm_template.uuid as templateId',
      'storage_pool.uuid as poolId',
      'storage_pool.name as poolName',
      'vm_template.url',
      'vm_template.format',
      'vm_template.compression',
      sql<number | null>`(extract(epoch from now() - storage_pool.reported) * 1000)::bigint`.as(
        'reportAgeMs',
      ),
      isRoomy(bytes).as('roomy'),
      sql<string | null>`(
        select host.uuid from download_attempt one join host on host.id = one.host_id
        where one.copy_id = template_spool_ref.id order by one.id desc limit 1)`.as('lastHostId'),
    ])
    .executeTakeFirst();

/** Copies that a workflow should be working on, but whose row did not change for `idleSeconds`. */
export const unfinishedCopies = (
  db: Queryable,
  idleSeconds: number,
  limit: number,
): Promise<readonly (CopyUuids & { readonly state: 'Creating' | 'Destroying' })[]> =>
  db
    .selectFrom('template_spool_ref')
    .innerJoin('vm_template', 'vm_template.id', 'template_spool_ref.template_id')
    .innerJoin('storage_pool', 'storage_pool.id', 'template_spool_ref.pool_id')
    .where('template_spool_ref.state', 'in', ['Creating', 'Destroying'])
    .where('template_spool_ref.last_updated', '<', sql<Date>`now() - make_interval(secs => ${idleSeconds})`)
    .select((eb) => [
      'vm_template.uuid as templateId',
      'storage_pool.uuid as poolId',
      eb.ref('template_spool_ref.state').$castTo<'Creating' | 'Destroying'>().as('state'),
    ])
    .orderBy(sql`random()`)
    .limit(limit)
    .execute();
