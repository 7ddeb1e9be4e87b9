/**
 * Lineages (model/spread.ts) and the SHA-256 of their images. The first copy of a lineage that is published defines it, if
 * its host has read the origin, or a checksum proves it.
 *
 * What hosts passed on is hearsay: whoever gave wrong bytes can give a wrong SHA-256 and a lineage of its own as well. Such an
 * image is published only when it has the SHA-256 that a lineage of its template has already, or a copy of it. Until then it waits
 * for the hosts that read the template from the origin. When there are none, since the one was lost before it had published its
 * copy, the image is given up: its host asks for another source, and one such host reads the origin again. The others wait for
 * that one, so that right images that they have are published, and need not come again.
 *
 * What must never happen: hearsay that defines the SHA-256 of anything.
 */
import { sql } from 'kysely';
import type { DownloadResult } from '../../model/payloads.ts';
import type { KnownLineage } from '../../model/spread.ts';
import type { CopyRow } from '../copies/copies.ts';
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

/** What hosts passed on is not the image, or nobody is left who could say so. */
export class HearsayRefused extends Error {
  readonly kind: 'PeerWrong' | 'PeerUnreachable';

  constructor(kind: HearsayRefused['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

type Judged = Pick<DownloadResult, 'lineage' | 'sha256' | 'fromPeers' | 'fetched'>;

/**
 * Whether an image has the SHA-256 of its lineage.
 * @throws LineageUnknown when it has to wait for a host that reads the origin
 * @throws HearsayRefused when hosts passed it on, and it is another image, or nobody can tell
 */
export async function isOfItsLineage(tx: Queryable, result: Judged, copy: CopyRow): Promise<boolean> {
  const { lineage, sha256 } = result;
  const known = lineage === undefined ? undefined : await lineageRow(tx, lineage);
  const isSame = known === undefined || known.sha256 === sha256;
  // An unpacked image may be that of another template, and a host that lies may name the lineage of one.
  const isProven = isSame && known?.template_id === copy.templateDbId;
  if (!isProven && (await isHearsay(tx, result, copy))) {
    if (!isSame) throw new HearsayRefused('PeerWrong', IS_ANOTHER);
    await requireProof(tx, sha256, copy);
  }
  if (lineage === undefined || known !== undefined) return isSame;
  await tx
    .insertInto('image_lineage')
    .values({ lineage, sha256, template_id: copy.templateDbId })
    .onConflict((conflict) => conflict.column('lineage').doNothing())
    .execute();
  return (await lineageRow(tx, lineage))?.sha256 === sha256;
}

const IS_ANOTHER = 'gave an image that differs from the one that other hosts have of the same download';
const NOBODY_CAN_TELL =
  'gave an image of which nobody can tell any more whether it is right: the host that read it from its URL was lost before it had published it';

const lineageRow = (tx: Queryable, lineage: string) =>
  tx
    .selectFrom('image_lineage')
    .where('lineage', '=', lineage)
    .select(['sha256', 'template_id'])
    .executeTakeFirst();

/**
 * Whether bytes of an image came by way of other hosts, and its host cannot know by a checksum that they are right. The control side
 * chose its source, so that a host cannot say otherwise. An image that was on the pool already may be of an earlier attempt.
 */
async function isHearsay(tx: Queryable, { fromPeers, fetched }: Judged, copy: CopyRow): Promise<boolean> {
  if (copy.hasChecksum) return false;
  if (fromPeers !== undefined || (copy.depth ?? 0) > 0) return true;
  return fetched === 0 && (await hasAskedHosts(tx, copy));
}

async function hasAskedHosts(tx: Queryable, { id }: CopyRow): Promise<boolean> {
  const asked = await tx
    .selectFrom('download_attempt')
    .where('copy_id', '=', id)
    .where('source', 'like', 'peer:%')
    .select('id')
    .executeTakeFirst();
  return asked !== undefined;
}

/**
 * Requires that the template has this image already. One statement: a host that publishes meanwhile counts as reading the origin,
 * or as having published.
 */
async function requireProof(tx: Queryable, sha256: string, { id, templateDbId }: CopyRow): Promise<void> {
  const { rows } = await sql<{ readonly isProven: boolean; readonly isRead: boolean }>`
    select
      exists (select from image_lineage where template_id = ${templateDbId} and sha256 = ${sha256})
      or exists (
        select from template_spool_ref where template_id = ${templateDbId} and sha256 = ${sha256}) as "isProven",
      exists (
        select from template_spool_ref own
        join storage_pool own_pool on own_pool.id = own.pool_id
        join template_spool_ref copy on copy.template_id = own.template_id and copy.id <> own.id
          and copy.fetching = 'origin' and copy.state = 'Creating'
        join storage_pool pool on pool.id = copy.pool_id and pool.data_center_id = own_pool.data_center_id
        join host on host.id = copy.fetch_host_id and ${isUp}
        where own.id = ${id}) as "isRead"`.execute(tx);
  const [{ isProven, isRead } = { isProven: false, isRead: false }] = rows;
  if (isProven) return;
  if (isRead) throw new LineageUnknown();
  throw new HearsayRefused('PeerUnreachable', NOBODY_CAN_TELL);
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
