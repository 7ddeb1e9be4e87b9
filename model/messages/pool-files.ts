/** Messages about the files of a pool. */
import * as z from 'zod/mini';
import { POOL_FILE_ROLES, POOL_FILE_TYPES } from '../pool-files.ts';
import type {
  CleanupInput,
  CleanupJobParameters,
  FilesInUseJob,
  FilesInUseResult,
  KeptFile,
  ListedFile,
  ListPoolFilesJob,
  ListPoolFilesResult,
  PoolFile,
  RemovePoolFilesJob,
  RemovePoolFilesResult,
} from '../pool-files.ts';
import { common } from './answer.ts';
import { runParameters } from './inputs.ts';
import { poolReport } from './pools.ts';
import { ifUnderstood, message, messageToHandOn, moment, text, uuid, version, whole } from './schema.ts';

export const cleanupInput = messageToHandOn<CleanupInput>({
  v: version(),
  ...runParameters,
  zoneId: z.string(),
});

export const listPoolFilesJob = message<ListPoolFilesJob>({
  v: version(),
  poolId: uuid(),
  after: z.optional(z.string()),
});

export const filesInUseJob = message<FilesInUseJob>({
  v: version(),
  poolId: uuid(),
  names: z.array(z.string()),
  copyIds: z.array(uuid()),
});

const listedFile = message<ListedFile>({ name: z.string(), inode: z.string() });

export const cleanupJobParameters = message<CleanupJobParameters>({
  dryRun: z.optional(z.boolean()),
  files: z.optional(z.array(listedFile)),
});

export const removePoolFilesJob = message<RemovePoolFilesJob>({
  v: version(),
  poolId: uuid(),
  files: z.array(listedFile),
});

/** A role or a type that only a newer release knows is none that this one could judge. */
const poolFile = message<PoolFile>({
  name: text(),
  role: z.catch(z.enum(POOL_FILE_ROLES), 'other'),
  id: ifUnderstood(uuid()),
  type: z.catch(z.enum(POOL_FILE_TYPES), 'other'),
  size: whole(),
  physicalSize: whole(),
  inode: text(),
  modified: moment(),
});

export const listPoolFilesResult = message<ListPoolFilesResult>({
  ...common,
  files: z.array(poolFile),
  more: z.boolean(),
});

export const filesInUseResult = message<FilesInUseResult>({
  ...common,
  names: z.array(text()),
  copyIds: z.array(uuid()),
});

export const removePoolFilesResult = message<RemovePoolFilesResult>({
  ...common,
  removed: z.array(text()),
  kept: z.array(message<KeptFile>({ name: text(), reason: text() })),
  pool: poolReport,
});
