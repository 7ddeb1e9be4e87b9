/** Lineages (model/spread.ts) and the SHA-256 of their images. The first copy of a lineage that is published defines it. */
import { sql } from 'kysely';
import type { DownloadResult } from '../../model/payloads.ts';
import type { KnownLineage } from '../../model/spread.ts';
import type { Queryable } from '../database.ts';

/** Whether an image has the SHA-256 of its lineage; the first one of a lineage defines it. */
export async function isOfItsLineage(
  tx: Queryable,
  { lineage, sha256 }: Pick<DownloadResult, 'lineage' | 'sha256'>,
  templateId: string,
): Promise<boolean> {
  if (lineage === undefined) return true;
  await tx
    .insertInto('image_lineage')
    .values({
      lineage,
      sha256,
      template_id: sql<number>`(select id from vm_template where uuid = ${templateId})`,
    })
    .onConflict((conflict) => conflict.column('lineage').doNothing())
    .execute();
  const known = await tx
    .selectFrom('image_lineage')
    .where('lineage', '=', lineage)
    .select('sha256')
    .executeTakeFirst();
  return known?.sha256 === sha256;
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
