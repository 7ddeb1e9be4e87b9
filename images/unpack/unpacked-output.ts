/** Checks an unpacked file while it grows: its format as soon as its head is complete, its length, and its digest. */
import { counted } from '../../model/grammar.ts';
import type { FileHandle } from 'node:fs/promises';
import type { Compression } from '../../model/source.ts';
import type { TemplateFormat } from '../../model/states.ts';
import { sha256Of } from '../hashing/digester.ts';
import type { Digester } from '../hashing/digester.ts';
import { HEAD_LENGTH } from '../inspect/format.ts';
import { inspectHead } from '../inspect/inspect.ts';
import type { ImageLimits } from '../inspect/limits.ts';
import { readAt } from '../reader.ts';
import { unpackedFrom } from './compression.ts';
import type { Output } from './decode.ts';
import { hostile } from './failures.ts';
import { maxSizeByDisk, maxSizeByRatio } from './limits.ts';
import type { UnpackSettings } from './limits.ts';

export interface Expected {
  readonly compression: Compression;
  readonly format: TemplateFormat;
  readonly limits: ImageLimits;
  readonly settings: UnpackSettings;
  /** Bytes of the packed file as far as known. */
  readonly packed: () => number;
}

/** Bytes between two syncs, so that the last sync need not write the whole file. */
const SYNC_EVERY = 64 * 1_048_576;
/** Maximum number of bytes that are not synced. */
const MAX_UNSYNCED = 4 * SYNC_EVERY;

export class UnpackedOutput implements Output {
  readonly #file: FileHandle;
  readonly #digester: Digester;
  readonly #expected: Expected;
  #isHeadChecked = false;
  /** Bytes, by the disk in the file. */
  #maxLength: number;
  #syncedAt = 0;
  #syncing: Promise<void> | undefined;

  constructor(file: FileHandle, digester: Digester, expected: Expected) {
    this.#file = file;
    this.#digester = digester;
    this.#expected = expected;
    this.#maxLength = maxSizeByDisk(undefined, expected.limits);
  }

  async grown(length: number): Promise<void> {
    if (!this.#isHeadChecked && length >= HEAD_LENGTH) await this.#checkHead();
    this.#requireLength(length);
    this.#digester.grown(length);
    await this.#digester.ready();
    const unsynced = length - this.#syncedAt;
    if (unsynced >= MAX_UNSYNCED) await this.#syncing;
    if (unsynced >= SYNC_EVERY && this.#syncing === undefined) this.#sync(length);
  }

  ready(): Promise<void> {
    return this.#digester.ready();
  }

  /** Waits for the sync that is under way, whether it succeeds or fails. */
  async settle(): Promise<void> {
    await Promise.allSettled([this.#syncing]);
  }

  /** @returns the SHA-256 of the whole file */
  async finish(): Promise<string> {
    // The last bytes are synced while they are hashed.
    const synced = Promise.resolve(this.#syncing).then(() => this.#file.datasync());
    const [digests] = await Promise.all([this.#digester.finish(), synced]);
    return sha256Of(digests);
  }

  #requireLength(length: number): void {
    const { packed, settings } = this.#expected;
    const byRatio = maxSizeByRatio(packed(), settings);
    const maxLength = Math.min(this.#maxLength, byRatio);
    if (length <= maxLength) return;
    const why =
      maxLength === byRatio
        ? `which is ${counted(Math.floor(byRatio / packed()), 'time')} its own length`
        : 'which is more than the disk in it can be';
    throw hostile(`unpacks to more than ${counted(maxLength, 'byte')}, ${why}`);
  }

  /** Refuses a login page or a foreign format at its beginning, not after 40 GB of output. */
  async #checkHead(): Promise<void> {
    const head = await readAt(this.#file, 0, HEAD_LENGTH);
    const { compression, format, limits } = this.#expected;
    try {
      const { virtualSize } = inspectHead(head, Number.MAX_SAFE_INTEGER, format, limits);
      if (format === 'QCOW2') this.#maxLength = maxSizeByDisk(virtualSize, limits);
    } catch (error) {
      throw unpackedFrom(compression, error);
    }
    this.#isHeadChecked = true;
  }

  /** Syncs in the background, while unpacking and hashing go on. */
  #sync(length: number): void {
    this.#syncedAt = length;
    const syncing = this.#file.datasync().then(() => void (this.#syncing = undefined));
    // A failure stays in `#syncing` until it is awaited there.
    syncing.catch(() => undefined);
    this.#syncing = syncing;
  }
}
