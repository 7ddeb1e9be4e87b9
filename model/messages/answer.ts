/** The fields of every answer of a host. */
import * as z from 'zod/mini';
import type { Proof } from '../answer.ts';
import { message, opaque, uuid, version } from './schema.ts';

const proof = message<Proof>({
  v: version(),
  activityId: z.string(),
  activityType: z.string(),
  attempt: z.number(),
  signature: z.string(),
});

export const common = { v: version(), hostId: uuid(), proof: opaque(z.optional(proof)) };
