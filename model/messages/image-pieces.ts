/** Hashes of pieces, in answers and jobs. */
import * as z from 'zod/mini';
import { problemOfPieces } from '../image-pieces.ts';
import type { Healing, ImagePieces } from '../image-pieces.ts';
import { sha256 } from './lineages.ts';
import { message, rule, whole } from './schema.ts';
import type { Schema } from './schema.ts';

export const imagePieces: Schema<ImagePieces> = message<ImagePieces>(
  { size: whole(1), length: whole(1), hashes: z.string() },
  rule(problemOfPieces),
);

export const healing = message<Healing>({
  sha256: sha256(),
  pieces: imagePieces,
  proven: z.optional(z.boolean()),
  packed: z.optional(z.boolean()),
  unused: z.optional(z.boolean()),
});
