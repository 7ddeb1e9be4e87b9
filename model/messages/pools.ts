/** Pools as hosts report them. */
import * as z from 'zod/mini';
import type { PoolReport } from '../payloads.ts';
import { POOL_SCOPES, POOL_TYPES } from '../states.ts';
import { ifUnderstood, message, text, uuid, whole } from './schema.ts';

export const poolReport = message<PoolReport>({
  id: uuid(),
  name: text(),
  type: z.enum(POOL_TYPES),
  scope: z.enum(POOL_SCOPES),
  path: text(),
  capacity: whole(),
  free: whole(),
  mounted: z.boolean(),
  problem: ifUnderstood(text()),
  parts: ifUnderstood(z.record(z.string(), whole())),
});
