/** Deployments as lists show them: one row per template and pool. */
import { sql } from 'kysely';
import type { CopyState } from '../../model/states.ts';
import type { Queryable } from '../database.ts';
import type { Row } from '../tables.ts';
import { spreadColumns } from '../spread/listing.ts';
import type { SpreadColumns } from '../spread/listing.ts';
import { countOf } from '../count.ts';
import type { CopyUuids } from '../jobs/jobs.ts';
import { containing, type Listing, type Order, type Page } from '../page.ts';

export interface DeploymentQuery {
  /** Only those of this account's templates. */
  readonly accountId?: number | undefined;
  readonly id?: string | undefined;
  readonly templateId?: string | undefined;
  readonly poolId?: string | undefined;
  readonly zoneId?: string | undefined;
  /** UUID of the job that deployed it, such as a roll-out. */
  readonly jobId?: string | undefined;
  readonly state?: CopyState | undefined;
  /** Those that this host downloads now. */
  readonly hostId?: string | undefined;
  readonly keyword?: string | undefined;
  readonly order?: Order<DeploymentColumn> | undefined;
}

const WHAT_RUNS_OR_FAILED = sql`array_position(array['Creating', 'Destroying', 'Failed'], copy.state)`;

const COLUMNS = {
  /** What runs or failed comes first, then what changed last. */
  activity: WHAT_RUNS_OR_FAILED,
  created: 'copy.id',
  template: 'template.name',
  pool: 'pool.name',
  state: 'copy.state',
  changed: 'copy.last_updated',
} as const;
export type DeploymentColumn = keyof typeof COLUMNS;
export const DEPLOYMENT_COLUMNS = Object.keys(COLUMNS) as readonly DeploymentColumn[];

export type DeploymentListRow = Row<'template_spool_ref'> & {
  readonly template_uuid: string;
  readonly template_name: string;
  readonly format: Row<'vm_template'>['format'];
  /** Bytes to be transferred, as registered. */
  readonly expected_size: number;
  readonly pool_uuid: string;
  readonly pool_name: string;
  readonly zone_uuid: string;
  readonly zone_name: string;
  readonly attempt_count: number;
  /** Bytes of an unfinished download that lie on the pool. */
  readonly kept_bytes: number;
} & SpreadColumns;

export async function listDeployments(
  db: Queryable,
  query: DeploymentQuery,
  { limit, offset }: Page,
): Promise<Listing<DeploymentListRow>> {
  const asked = await withNamed(db, query);
  const count = isAboutOthers(query)
    ? await countOthers(db, asked)
    : await countOf(db, 'copy', copiesOnly(db, query));
  const { by, direction } = query.order ?? { by: 'created', direction: 'asc' };
  const rows = await matching(db, asked)
    .selectAll('copy')
    .select((eb) => [
      'template.uuid as template_uuid',
      'template.name as template_name',
      'template.format',
      'template.size as expected_size',
      'pool.uuid as pool_uuid',
      'pool.name as pool_name',
      'zone.uuid as zone_uuid',
      'zone.name as zone_name',
      sql<number>`coalesce((pool.parts ->> copy.uuid::text)::bigint, 0)`.as('kept_bytes'),
      ...spreadColumns,
      eb
        .selectFrom('download_attempt as a')
        .whereRef('a.copy_id', '=', 'copy.id')
        .select(sql<number>`count(distinct a.uuid)`.as('n'))
        .$asScalar()
        .$notNull()
        .as('attempt_count'),
    ])
    .orderBy(COLUMNS[by], direction)
    .$if(by === 'activity', (copies) => copies.orderBy('copy.last_updated', opposite(direction)))
    .orderBy('copy.id', direction)
    .limit(limit)
    .offset(offset)
    .execute();
  return { count, rows };
}

/** A descending order is the exact reverse of the ascending one: so an index serves both, from either end. */
const opposite = (direction: Order<string>['direction']): Order<string>['direction'] =>
  direction === 'asc' ? 'desc' : 'asc';

/** Whether it asks for more than what stands in the copies themselves, each of which has a template, a pool and a zone. */
const isAboutOthers = ({
  accountId,
  templateId,
  poolId,
  zoneId,
  jobId,
  hostId,
  keyword,
}: DeploymentQuery): boolean =>
  [accountId, templateId, poolId, zoneId, jobId, hostId, keyword].some((given) => given !== undefined);

/** With the templates and pools that a search found, so that its copies are found by indexes. */
interface NamedQuery extends DeploymentQuery {
  readonly named?: { readonly templates: readonly number[]; readonly pools: readonly number[] };
}

async function withNamed(db: Queryable, query: DeploymentQuery): Promise<NamedQuery> {
  const { keyword } = query;
  if (keyword === undefined) return query;
  const idsOf = async (table: 'vm_template' | 'storage_pool'): Promise<readonly number[]> => {
    const found = db.selectFrom(table).where('name', 'ilike', containing(keyword)).select('id');
    return (await found.execute()).map(({ id }) => id);
  };
  return { ...query, named: { templates: await idsOf('vm_template'), pools: await idsOf('storage_pool') } };
}

async function countOthers(db: Queryable, query: NamedQuery): Promise<number> {
  const { count } = await matching(db, query)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

const copiesOnly = (db: Queryable, { id, state }: DeploymentQuery) =>
  db
    .selectFrom('template_spool_ref as copy')
    .$if(id !== undefined, (copies) => copies.where('copy.uuid', '=', id ?? ''))
    .$if(state !== undefined, (copies) => copies.where('copy.state', '=', state ?? 'Ready'))
    .select(({ fn }) => fn.countAll<number>().as('count'));

function matching(db: Queryable, query: NamedQuery) {
  const { accountId, id, templateId, poolId, zoneId, jobId, state, hostId, named } = query;
  let copies = db
    .selectFrom('template_spool_ref as copy')
    .innerJoin('vm_template as template', 'template.id', 'copy.template_id')
    .innerJoin('storage_pool as pool', 'pool.id', 'copy.pool_id')
    .innerJoin('data_center as zone', 'zone.id', 'pool.data_center_id');
  if (accountId !== undefined) copies = copies.where('template.account_id', '=', accountId);
  if (id !== undefined) copies = copies.where('copy.uuid', '=', id);
  if (templateId !== undefined) copies = copies.where('template.uuid', '=', templateId);
  if (poolId !== undefined) copies = copies.where('pool.uuid', '=', poolId);
  if (zoneId !== undefined) copies = copies.where('zone.uuid', '=', zoneId);
  if (jobId !== undefined) {
    copies = copies.where(sql<boolean>`(copy.template_id, copy.pool_id) in (
      select t.id, p.id from async_job_copy w join async_job job on job.id = w.job_id
      join vm_template t on t.uuid = w.template_uuid join storage_pool p on p.uuid = w.pool_uuid
      where job.uuid = ${jobId})`);
  }
  if (state !== undefined) copies = copies.where('copy.state', '=', state);
  if (hostId !== undefined) copies = copies.where(isDownloadedBy(hostId));
  if (named !== undefined)
    copies = copies.where(
      sql<boolean>`(copy.template_id = any(${named.templates}::bigint[]) or copy.pool_id = any(${named.pools}::bigint[]))`,
    );
  return copies;
}

/** Whether a row of `copy` is downloaded by this host now. */
const isDownloadedBy = (hostId: string) => sql<boolean>`(copy.fetching is not null and copy.state = 'Creating'
  and copy.fetch_host_id = (select id from host where uuid = ${hostId}))`;

/** What a host downloads now. */
export const downloadsOf = (db: Queryable, hostId: string): Promise<readonly CopyUuids[]> =>
  matching(db, { hostId })
    .select(['template.uuid as templateId', 'pool.uuid as poolId'])
    .orderBy('copy.id')
    .execute();

export type AttemptRow = Row<'download_attempt'> & { readonly host_uuid: string | null };

/** The last tries of each copy, oldest first. @param most of one copy */
export async function attemptsOf(
  db: Queryable,
  copyIds: readonly number[],
  most: number,
): Promise<readonly AttemptRow[]> {
  if (copyIds.length === 0) return [];
  return db
    .with('ranked', (cte) =>
      cte
        .selectFrom('download_attempt as a')
        .where('a.copy_id', 'in', copyIds)
        .selectAll('a')
        .select(sql<number>`row_number() over (partition by a.copy_id order by a.id desc)`.as('rank')),
    )
    .selectFrom('ranked')
    .leftJoin('host', 'host.id', 'ranked.host_id')
    .where('ranked.rank', '<=', most)
    .selectAll('ranked')
    .select('host.uuid as host_uuid')
    .orderBy('ranked.id')
    .execute();
}

/** Names of hosts by their UUIDs. */
export async function hostNames(
  db: Queryable,
  uuids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (uuids.length === 0) return new Map();
  const rows = await db.selectFrom('host').where('uuid', 'in', uuids).select(['uuid', 'name']).execute();
  return new Map(rows.map(({ uuid, name }) => [uuid, name]));
}
