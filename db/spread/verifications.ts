/** Copies that are verified anew, since other hosts got wrong bytes from them, or since it is time. */
import { sql } from 'kysely';
import { eventType, resourceTypeOf } from '../../model/event-types.ts';
import { counted } from '../../model/grammar.ts';
import { damageOf } from '../../model/image-pieces.ts';
import type { ImagePieces } from '../../model/image-pieces.ts';
import type { NamedHost } from '../../model/failures.ts';
import { findCopy, NO_ERROR } from '../copies/copies.ts';
import { DAMAGED, healsByPieces, machinesOf, rightCopyElsewhere, STAYS_DAMAGED } from '../copies/healing.ts';
import { keepPieces, piecesOfImage } from '../copies/pieces.ts';
import { titleOfCopy } from '../copies/outcomes.ts';
import type { Outcome } from '../copies/outcomes.ts';
import type { Database, Queryable } from '../database.ts';
import { recordEvent } from '../events/events.ts';
import type { CopyUuids } from '../jobs/jobs.ts';

export interface CopyToVerify {
  readonly copyId: string;
  readonly templateName: string;
  readonly poolName: string;
}

/** @returns undefined when the copy is not published any more */
export async function copyToVerify(db: Queryable, copy: CopyUuids): Promise<CopyToVerify | undefined> {
  const row = await findCopy(db, copy);
  if (row === undefined) return undefined;
  const { copyId, templateName, poolName } = row;
  const ready = await db
    .selectFrom('template_spool_ref')
    .where('id', '=', row.id)
    .where('state', '=', 'Ready')
    .where('sha256', 'is not', null)
    .select('id')
    .executeTakeFirst();
  return ready === undefined ? undefined : { copyId, templateName, poolName };
}

export interface Verified {
  readonly isRight: boolean;
  /** SHA-256 of the image, if hashes of its pieces are known only now. */
  readonly newPiecesOf?: string | undefined;
}

const NOTHING: Verified = { isRight: true };

/** The file of a copy as a host found it. */
export interface FoundFile {
  readonly copyId: string;
  readonly sha256: string | undefined;
  readonly pieces?: ImagePieces | undefined;
  readonly host: NamedHost;
}

/**
 * Compares what a host computed with what was recorded. From a damaged copy on, no further machine is placed on it, and no
 * other host gets it; the machines that stand on it are named to administrators, and each owner learns of his own. Of a right copy,
 * the hashes of pieces are kept: by them it is known later which pieces of a copy of this image are damaged.
 * @param found `sha256` is undefined when there is no such file
 */
export function recordVerification(db: Database, outcome: Outcome, found: FoundFile): Promise<Verified> {
  return db.transaction().execute(async (tx) => {
    const row = await findCopy(tx, outcome.copy);
    if (row === undefined || row.copyId !== found.copyId) return NOTHING;
    const { sha256, state, byPieces } = await tx
      .selectFrom('template_spool_ref')
      .where('id', '=', row.id)
      .select(['sha256', 'state', healsByPieces.as('byPieces')])
      .forUpdate()
      .executeTakeFirstOrThrow();
    if (state !== 'Ready') return NOTHING;
    const isRight = sha256 === found.sha256;
    const pieces = isRight ? found.pieces : undefined;
    const newPiecesOf =
      sha256 && pieces && (await keepPieces(tx, sha256, pieces, found.host.id)) ? sha256 : undefined;
    const title = `${titleOfCopy(row)} on pool ${row.poolName}`;
    const damage = { ...STAYS_DAMAGED, error_host: JSON.stringify(found.host) };
    const now = sql<Date>`now()`;
    await tx
      .updateTable('template_spool_ref')
      .set({ ...(isRight ? { ...NO_ERROR, verified: now } : damage), last_updated: now })
      .where('id', '=', row.id)
      .execute();
    const machines = isRight ? [] : await machinesOf(tx, row.id);
    await recordEvent(tx, {
      type: eventType(row, 'COPY.VERIFY'),
      level: isRight ? 'INFO' : 'ERROR',
      description: isRight
        ? `${title} was verified anew: it is right`
        : `${title}: ${DAMAGED}${await extentOf(tx, sha256, found.pieces)}${await whatFollows(tx, row.id, { users: machines.length, byPieces })}`,
      accountUuid: row.accountId,
      resourceType: resourceTypeOf(row),
      resourceUuid: outcome.copy.templateId,
      host: found.host,
      workflowId: outcome.workflowId,
      once: outcome.outcomeId,
    });
    if (machines.length > 0) await tellOf(tx, outcome, { title, machines, host: found.host });
    return { isRight, newPiecesOf };
  });
}

/** How much of the file is damaged, where that is known, as a part of a sentence. */
async function extentOf(
  tx: Queryable,
  sha256: string | null,
  found: ImagePieces | undefined,
): Promise<string> {
  const published = await piecesOfImage(tx, sha256);
  const damage = published && found && damageOf(published.pieces, found);
  if (damage === undefined || damage.pieces === 0) return '';
  const { pieces, of, bytes } = damage;
  return `, in ${pieces} of ${counted(of, 'piece')} (${counted(bytes, 'byte')})`;
}

async function whatFollows(
  tx: Queryable,
  copyDbId: number,
  { users, byPieces }: { readonly users: number; readonly byPieces: boolean },
): Promise<string> {
  if (users > 0)
    return `; it stays as it is, since ${users === 1 ? '1 virtual machine stands' : `${users} virtual machines stand`} on it, and is replaced when none of them runs`;
  if (byPieces) return '; what is damaged is brought anew';
  return (await rightCopyElsewhere(tx, copyDbId)) === undefined
    ? '; it is removed, and brought anew'
    : '; a right copy is hashed first, so that only what is damaged is brought anew';
}

interface Damage {
  readonly title: string;
  readonly machines: Awaited<ReturnType<typeof machinesOf>>;
  readonly host: NamedHost;
}

/** Events without an account are those of administrators: machines may be of several accounts. */
async function tellOf(
  tx: Queryable,
  { copy, outcomeId, workflowId }: Outcome,
  { title, machines, host }: Damage,
): Promise<void> {
  await recordEvent(tx, {
    type: 'STORAGE.POOL.COPY.DAMAGED',
    level: 'ERROR',
    description: `On the damaged copy of ${title} stand: ${machines.map(({ name }) => name).join(', ')}. What they have read of it may be wrong; stop them all to have it replaced`,
    resourceType: 'StoragePool',
    resourceUuid: copy.poolId,
    host,
    workflowId,
    once: `damaged:${outcomeId}`,
  });
  for (const { vmId, accountId } of machines)
    await recordEvent(tx, {
      type: 'VM.IMAGE.DAMAGED',
      level: 'ERROR',
      description:
        'The image that the disk of the virtual machine stands on is damaged: what the machine reads of it may be wrong. It is replaced when no virtual machine that stands on it runs',
      accountUuid: accountId,
      resourceType: 'VirtualMachine',
      resourceUuid: vmId,
      workflowId,
      once: `damaged:${outcomeId}:${vmId}`,
    });
}
