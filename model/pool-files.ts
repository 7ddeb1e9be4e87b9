/**
 * Files of a storage pool, as its hosts see them, and what a cleanup makes of them by the rows of the database:
 *
 *   known     a row says what it is: a copy, a disk, bytes of a download that may go on
 *   leftover  of a download or of a new disk that has ended: nothing needs it any more
 *   unknown   no row says what it is: it is reported, and removed only when an administrator names it
 */
import type { HostAnswer, PoolReport } from './payloads.ts';
import type { CopyState } from './states.ts';
import type { CleanupTiming, RunParameters } from './timing.ts';

/**
 * What the name of a file says. `image`: a published image or a disk, by its id. `firmware`: what belongs to the disk of that
 * id. `part`: of a download of the copy of that id. `draft`: of a disk that is being made. `other`: nothing.
 */
export const POOL_FILE_ROLES = ['image', 'firmware', 'part', 'draft', 'other'] as const;
export type PoolFileRole = (typeof POOL_FILE_ROLES)[number];

export const POOL_FILE_TYPES = ['file', 'folder', 'link', 'other'] as const;
export type PoolFileType = (typeof POOL_FILE_TYPES)[number];

export interface PoolFile {
  /** Relative to the pool's root. */
  readonly name: string;
  readonly role: PoolFileRole;
  /** UUID of the copy or disk; absent for the role `other`. */
  readonly id?: string;
  readonly type: PoolFileType;
  /** Bytes, and those that it takes on disk; of folders 0. */
  readonly size: number;
  readonly physicalSize: number;
  /** By which it is known again; a text, since some file systems use more digits than a double has. */
  readonly inode: string;
  /** When it was written last, by the clock of the file system. */
  readonly modified: string;
}

/** A file that was listed: another one that has its name meanwhile is left alone. */
export type ListedFile = Pick<PoolFile, 'name' | 'inode'>;

/** Lists what is in a pool, sorted by name. */
export interface ListPoolFilesJob {
  readonly v: 1;
  readonly poolId: string;
  /** Only names after this one. */
  readonly after?: string;
}

export interface ListPoolFilesResult extends HostAnswer {
  readonly files: readonly PoolFile[];
  /** Whether there are files after these. */
  readonly more: boolean;
}

/** Finds which of some files of a pool a domain of the host uses, or another file of the pool stands on. */
export interface FilesInUseJob {
  readonly v: 1;
  readonly poolId: string;
  readonly names: readonly string[];
  /** Published images, by the ids of their copies. */
  readonly copyIds: readonly string[];
}

/** Those that are in use. */
export interface FilesInUseResult extends HostAnswer {
  readonly names: readonly string[];
  readonly copyIds: readonly string[];
}

/** Removes listed files, unless something uses them now. */
export interface RemovePoolFilesJob {
  readonly v: 1;
  readonly poolId: string;
  readonly files: readonly ListedFile[];
}

/** A file that stays, and why: a sentence that goes on from its name. */
export interface KeptFile {
  readonly name: string;
  readonly reason: string;
}

export interface RemovePoolFilesResult extends HostAnswer {
  /** Names of the files that are gone. */
  readonly removed: readonly string[];
  readonly kept: readonly KeptFile[];
  readonly pool: PoolReport;
}

/** Files of one kind that a look works on or tells of, so that no message grows with the pool; it says how many more there are. */
export const MAX_FILES_TOLD = 500;

export interface CleanupInput extends RunParameters<CleanupTiming> {
  readonly v: 1;
  readonly zoneId: string;
}

export interface CleanupResult {
  readonly v: 1;
}

/** Commands whose jobs the cleanup of a zone works on; `async_job.instance_uuid` is the pool's. */
export const CLEANUP_COMMANDS = ['cleanupStoragePool', 'removeStoragePoolFiles'] as const;
export type CleanupCommand = (typeof CLEANUP_COMMANDS)[number];

/** `async_job.job_params` of these jobs. */
export interface CleanupJobParameters {
  /** Shows what would go, and removes nothing. */
  readonly dryRun?: boolean;
  /** Of `removeStoragePoolFiles`. */
  readonly files?: readonly ListedFile[];
}

export type Finding = 'known' | 'leftover' | 'unknown';

/** What the rows of a pool say: id → state. */
export interface PoolRows {
  readonly copies: ReadonlyMap<string, CopyState>;
  readonly disks: ReadonlyMap<string, string>;
}

/**
 * @param rows as they were after the file was listed: a row is there before the first byte of its file, so that a file without
 * one has lost it
 */
export function findingOf({ role, id = '', type }: PoolFile, { copies, disks }: PoolRows): Finding {
  if (type !== 'file' || role === 'other') return 'unknown';
  if (role === 'image') return copies.has(id) || disks.has(id) ? 'known' : 'unknown';
  if (role === 'firmware') return disks.has(id) ? 'known' : 'unknown';
  // A download that failed or was cancelled goes on from its bytes; one that has ended well needs none.
  const state = role === 'part' ? copies.get(id) : disks.get(id);
  return state === undefined || state === 'Ready' ? 'leftover' : 'known';
}
