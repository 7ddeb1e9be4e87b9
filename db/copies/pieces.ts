/**
 * Hashes of the pieces of published images. Each list is kept once, from the first copy that was found right. The host that
 * computed it may lie, or have been wrong: the list is proven when another host has found the same, and it is dropped when a
 * file whose SHA-256 is right has other pieces.
 */
import { sql } from 'kysely';
import type { ImagePieces, PieceVerdict } from '../../model/image-pieces.ts';
import type { Queryable } from '../database.ts';

/**
 * @param hostId of the host that computed them
 * @returns whether none were known
 */
export async function keepPieces(
  tx: Queryable,
  sha256: string,
  { size, length, hashes }: ImagePieces,
  hostId: string,
): Promise<boolean> {
  const { rows } = await sql<{ readonly isNew: boolean }>`
    insert into image_pieces as known (sha256, size, piece_length, hashes, given_by)
    values (${sha256}, ${size}, ${length}, ${hashes}, ${hostId})
    on conflict (sha256) do update set proven = true
      where not known.proven and known.piece_length = excluded.piece_length and known.hashes = excluded.hashes
        and known.given_by <> excluded.given_by
    returning xmax = 0 as "isNew"`.execute(tx);
  return rows[0]?.isNew === true;
}

export interface KnownPieces {
  readonly pieces: ImagePieces;
  readonly proven: boolean;
}

/** @returns undefined where none are known */
export async function piecesOfImage(db: Queryable, sha256: string | null): Promise<KnownPieces | undefined> {
  if (sha256 === null) return undefined;
  const found = await db
    .selectFrom('image_pieces')
    .where('sha256', '=', sha256)
    .select(['size', 'piece_length as length', 'hashes', 'proven'])
    .executeTakeFirst();
  if (found === undefined) return undefined;
  const { proven, ...pieces } = found;
  return { pieces, proven };
}

/** A copy that a host has healed. */
export interface Healed {
  readonly sha256: string;
  readonly pieces: PieceVerdict;
  readonly hostId: string;
}

/** Heeds what a healing showed. Call before it is recorded: a host has a say only on the image that the copy was published as. */
export async function judgePieces(
  tx: Queryable,
  copyDbId: number,
  { sha256, pieces, hostId }: Healed,
): Promise<void> {
  const isOfCopy = sql<boolean>`exists (
    select from template_spool_ref copy where copy.id = ${copyDbId} and copy.sha256 = image_pieces.sha256)`;
  if (pieces === 'wrong') {
    await tx.deleteFrom('image_pieces').where('sha256', '=', sha256).where(isOfCopy).execute();
    return;
  }
  await tx
    .updateTable('image_pieces')
    .set({ proven: true })
    .where('sha256', '=', sha256)
    .where('given_by', '<>', hostId)
    .where('proven', '=', false)
    .where(isOfCopy)
    .execute();
}

/** Deletes those of images of which no copy is left. @param limit of lists */
export async function deleteUnusedPieces(db: Queryable, limit: number): Promise<void> {
  await sql`
    delete from image_pieces where sha256 in (
      select pieces.sha256 from image_pieces pieces
      where not exists (select from template_spool_ref copy where copy.sha256 = pieces.sha256) limit ${limit})`.execute(
    db,
  );
}
