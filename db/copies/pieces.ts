/** Hashes of the pieces of published images: each list is kept once, from the first copy that was found right. */
import { sql } from 'kysely';
import type { ImagePieces } from '../../model/image-pieces.ts';
import type { Queryable } from '../database.ts';

/** @returns whether none were known */
export async function keepPieces(
  tx: Queryable,
  sha256: string,
  { size, length, hashes }: ImagePieces,
): Promise<boolean> {
  const { numInsertedOrUpdatedRows = 0n } = await tx
    .insertInto('image_pieces')
    .values({ sha256, size, piece_length: length, hashes })
    .onConflict((conflict) => conflict.column('sha256').doNothing())
    .executeTakeFirst();
  return numInsertedOrUpdatedRows > 0n;
}

/** @returns undefined where none are known */
export async function piecesOfImage(db: Queryable, sha256: string | null): Promise<ImagePieces | undefined> {
  if (sha256 === null) return undefined;
  return db
    .selectFrom('image_pieces')
    .where('sha256', '=', sha256)
    .select(['size', 'piece_length as length', 'hashes'])
    .executeTakeFirst();
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
