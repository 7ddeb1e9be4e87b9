/** Lineages (model/spread.ts) and the SHA-256 of their images. The first copy of a lineage that is published defines it. */
import { sql } from 'kysely';
import type { DownloadResult } from '../../model/payloads.ts';
import { lineageOfImage } from '../../model/spread.ts';
import type { KnownLineage } from '../../model/spread.ts';
import type { Queryable } from '../database.ts';
import { isUp } from '../hosts/hosts.ts';

/** The activity is run again in a moment. */
class LineageUnknown extends Error {
  constructor() {
    super(
      'The SHA-256 of this download is not known yet: the host that fetches it from the origin has not published it',
    );
  }
}

/**
 * Whether an image has the SHA-256 of its lineage; the first one of a lineage defines it. One that hosts passed on, and no
 * checksum proves, does not define it while the host that fetches from the origin is on its way: else a host that gives wrong
 * bytes and vouches for them would make the right ones wrong.
 * @throws LineageUnknown when it has to wait for that host
 */
export async function isOfItsLineage(
  tx: Queryable,
  result: Pick<DownloadResult, 'lineage' | 'sha256' | 'fromPeers'>,
  { copyDbId, templateId }: { readonly copyDbId: number; readonly templateId: string },
): Promise<boolean> {
  const { lineage, sha256 } = result;
  if (lineage === undefined) return true;
  const known = await sha256Of(tx, lineage);
  if (known !== undefined) return known === sha256;
  const isHearsay = result.fromPeers !== undefined && lineage !== lineageOfImage(sha256);
  if (isHearsay && (await isStillFetched(tx, copyDbId))) throw new LineageUnknown();
  await tx
    .insertInto('image_lineage')
    .values({
      lineage,
      sha256,
      template_id: sql<number>`(select id from vm_template where uuid = ${templateId})`,
    })
    .onConflict((conflict) => conflict.column('lineage').doNothing())
    .execute();
  return (await sha256Of(tx, lineage)) === sha256;
}

async function sha256Of(tx: Queryable, lineage: string): Promise<string | undefined> {
  const known = await tx
    .selectFrom('image_lineage')
    .where('lineage', '=', lineage)
    .select('sha256')
    .executeTakeFirst();
  return known?.sha256;
}

/** Whether a host that is Up fetches from the origin what a copy has got by way of others, and no checksum is registered. */
async function isStillFetched(tx: Queryable, copyDbId: number): Promise<boolean> {
  const { rows } = await sql`
    with recursive way as (
      select parent_copy_id as id from template_spool_ref where id = ${copyDbId}
      union
      select copy.parent_copy_id from template_spool_ref copy join way on copy.id = way.id
      where copy.fetching = 'peer'
    )
    select from way
    join template_spool_ref copy on copy.id = way.id and copy.fetching = 'origin' and copy.state = 'Creating'
    join vm_template template on template.id = copy.template_id and template.checksum is null
    join host on host.id = copy.fetch_host_id and ${isUp}`.execute(tx);
  return rows.length > 0;
}

/** Lineages that a job names at most: the latest ones. */
const MAX_LINEAGES = 16;

/** The lineages of a template that hosts have published, the latest first. */
export const lineagesOf = (db: Queryable, templateId: string): Promise<readonly KnownLineage[]> =>
  db
    .selectFrom('image_lineage')
    .innerJoin('vm_template', 'vm_template.id', 'image_lineage.template_id')
    .where('vm_template.uuid', '=', templateId)
    .select(['image_lineage.lineage', 'image_lineage.sha256'])
    .orderBy('image_lineage.created', 'desc')
    .limit(MAX_LINEAGES)
    .execute();
