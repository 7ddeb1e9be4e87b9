/**
 * The interface of a storage pool, for attempts and for virtual machines. Each kind of pool (kinds.ts) implements `Pool` and `Part`; no
 * other module joins paths of a pool or links names in it.
 */
import type { FileHandle } from 'node:fs/promises';
import type { DownloadResult, ForeignFile, PoolReport } from '../../model/payloads.ts';
import type { ListedFile, PoolFile } from '../../model/pool-files.ts';
import type { OriginVersion } from '../../model/spread.ts';
import type { PoolScope, PoolType } from '../../model/states.ts';
import type { Provenance, Sink } from '../fetch/sink.ts';
import type { Scratch } from '../scratch.ts';
import type { Ledger } from './ledger.ts';

export interface PoolConfig {
  /** The pool's root on this host; must exist. */
  readonly path: string;
  readonly type: PoolType;
  readonly scope: PoolScope;
  readonly name: string;
  /** Whether this host may mark a shared pool that has no marker yet. Filesystem pools are always marked. */
  readonly create: boolean;
}

export interface Pool {
  readonly id: string;
  readonly config: PoolConfig;
  /** @throws ImageError PoolNotMounted when the root is not this pool now */
  check(): Promise<void>;
  /** Space of the pool, and bytes of unfinished downloads. Never throws: a failure becomes the report's `problem`. */
  report(): Promise<PoolReport>;
  /**
   * The published image of a copy, open for reading; undefined when there is none.
   * @throws ImageError DiskBroken when its name belongs to something that is no regular file
   */
  openPublished(copyId: string): Promise<StoredImage | undefined>;
  /**
   * Gives a published image the name of another copy as well; no byte is copied.
   * @param image as it was opened and verified
   * @returns undefined when the name is taken, or the pool can give an image one name alone
   */
  publishAgain(image: StoredImage, copyId: string): Promise<StoredFacts | undefined>;
  /** Opens the part of a new attempt, with those bytes of earlier attempts in it that `usable` accepts. */
  openPart(request: PartRequest, writer: PoolWriter): Promise<Part>;
  /** Removes the parts of a copy. @returns number of removed files with bytes of the image */
  removeParts(copyId: string): Promise<number>;
  /**
   * Removes the published image and all parts of a copy. Idempotent.
   * @returns number of removed files
   * @throws ImageError PoolNotMounted when the root is not this pool now
   */
  remove(copyId: string): Promise<number>;
  /**
   * The disk of a virtual machine; undefined when there is none.
   * @throws ImageError DiskBroken when its name belongs to something that is no regular file
   */
  openVolume(volumeId: string): Promise<StoredVolume | undefined>;
  /**
   * Makes a disk. It has its name only when `fill` has written all of it.
   * @returns false when there is such a disk already, which stays as it is
   * @throws ImageError PoolNotMounted when the root is not this pool now; what `fill` throws
   */
  createVolume(volumeId: string, fill: (draft: VolumeDraft) => Promise<void>): Promise<boolean>;
  /**
   * Removes a disk and what belongs to it. Idempotent.
   * @returns number of removed files
   * @throws ImageError PoolNotMounted when the root is not this pool now
   */
  removeVolume(volumeId: string): Promise<number>;
  /**
   * The name by which a disk refers to the published image that it stands on. It is relative to the disk, so that it holds
   * wherever the pool is mounted.
   */
  backingName(copyId: string): string;
  /**
   * Everything that is in the pool, sorted by name, but for what says which pool it is.
   * @throws ImageError PoolNotMounted when the root is not this pool now
   */
  files(): Promise<readonly PoolFile[]>;
  /** A regular file of the pool, open for reading; undefined when there is none of this name. The caller closes it. */
  openFile(name: string): Promise<FileHandle | undefined>;
  /**
   * Removes a file that `files` listed, if its name is still its own. The caller knows that nothing needs it. Idempotent.
   * @returns why it stays, as the end of a sentence; undefined when it is gone
   * @throws ImageError PoolNotMounted when the root is not this pool now
   */
  removeFile(file: ListedFile): Promise<string | undefined>;
}

/** The host that writes onto pools, with its record of what it wrote. */
export interface PoolWriter {
  readonly hostId: string;
  /** Paths of the parts that are open in this process; all downloads share the set. */
  readonly openParts: Set<string>;
  /** What this host wrote onto pools before. */
  readonly ledger: Ledger;
  readonly publish?: PublishSettings;
  /** Maximum number of received bytes that a crash of the process may cost. Default 64 MiB. */
  readonly checkpointBytes?: number;
}

export interface PublishSettings {
  /** Mode of published files. Default 0644: QEMU reads them, and only their owner writes. */
  readonly mode?: number;
  /** Owner of published files. Default: the user that the host worker runs as. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

export interface PartRequest {
  /** UUID; the name of the published image. */
  readonly copyId: string;
  /** UUID, unique to this attempt. */
  readonly attemptId: string;
  /** Whether bytes are good only after `admit`; otherwise they are good as soon as they are written. */
  readonly admission: boolean;
  readonly signal: AbortSignal;
  /** Whether the attempt can continue from `heldBytes` bytes of this provenance. */
  usable(recorded: Provenance, heldBytes: number): boolean;
  /** Called with the number of bytes taken over from earlier attempts, or from the damaged file. */
  onReused(count: number): void;
  /** The published file of the copy, if it is damaged. It is read and never written. */
  readonly damaged?: DamagedFile;
}

export interface DamagedFile {
  /**
   * With what its bytes are recorded, when they go into the part: where no earlier attempt left any. They are good only after
   * `admit`. Absent: they are of no use.
   */
  readonly provenance?: Provenance;
  /** Nothing stands on it: it is removed when the new file has its name. */
  readonly unused: boolean;
}

/** The unfinished file of one attempt: a sink that can be read, and published when it is complete and verified. */
export interface Part extends Sink {
  /** Only the part itself writes to the file; others read. */
  readonly file: FileHandle;
  /** Length of the good prefix of the file, which others may read. */
  readonly position: number;
  /** Opens a second, empty file of this attempt, to unpack into. */
  openScratch(): Promise<Scratch>;
  /**
   * Gives a complete, verified, inspected file its final name, and removes all parts of the copy.
   * @param file this part's file, or its scratch file
   * @throws ImageError HostGone when another attempt took over; DiskBroken with the path when somebody else keeps
   * putting files at the final name
   */
  publish(file: FileHandle, image: PublishedIdentity): Promise<Published>;
  /** Removes the part, so that no later attempt uses it. */
  remove(): Promise<void>;
  close(): Promise<void>;
}

export interface PublishedIdentity {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** The template that the image is of. */
  readonly templateId: string;
  readonly lineage?: string;
  /** Absent where the image was unpacked. */
  readonly origin?: OriginVersion;
  /** Whether a file that already has the final name is the same image. */
  readonly isSame: (published: FileHandle) => Promise<boolean>;
}

export interface Published {
  readonly facts: StoredFacts;
  /** Files of somebody else that had the final name and were moved aside. */
  readonly foreign: readonly ForeignFile[];
}

export interface StoredImage {
  /** The caller closes it. */
  readonly file: FileHandle;
  facts(): Promise<StoredFacts>;
}

export interface StoredVolume {
  /** Open for reading. The caller closes it. */
  readonly file: FileHandle;
  readonly path: string;
  /** Of the variables of UEFI firmware, which libvirt makes when they are absent. */
  readonly firmwarePath: string;
}

/** A disk that is being made. */
export interface VolumeDraft {
  /** Of an empty file. */
  readonly path: string;
  /** The same file, open for writing. */
  readonly file: FileHandle;
}

/**
 * What a pool knows of a published image, as the answer to a download has it. `installPath` is the copy's id, by which the
 * control side recognises the copy; `localPath` may have any name that the pool gave the image.
 */
export type StoredFacts = Pick<DownloadResult, 'size' | 'physicalSize' | 'installPath' | 'localPath'>;
