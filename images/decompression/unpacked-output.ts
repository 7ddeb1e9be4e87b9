/** Looks at an unpacked file as it grows: what it is, as soon as that can be told, that it is not too long, its digest. */
import type { FileHandle } from 'node:fs/promises';
import type { Compression } from '../../model/source.ts';
import type { TemplateFormat } from '../../model/states.ts';
import type { Digester } from '../digester.ts';
import { HEAD_LENGTH } from '../inspection/format.ts';
import { inspectHead } from '../inspection/inspect.ts';
import type { InspectionLimits } from '../inspection/limits.ts';
import { readAt } from '../inspection/reader.ts';
import { unpackedFrom } from './compression.ts';
import type { Output } from './decode.ts';
import { hostile } from './failures.ts';
import { mostByDisk, mostByRatio } from './limits.ts';
import type { UnpackSettings } from './limits.ts';

export interface Expected {
  readonly compression: Compression;
  readonly format: TemplateFormat;
  readonly limits: InspectionLimits;
  readonly settings: UnpackSettings;
  /** Bytes of the packed file, as far as they are known. */
  readonly packed: () => number;
}

/** Bytes after which they are sent to the disk, so that the end need not wait for all of them. */
const SYNC_EVERY = 64 * 1_048_576;

export class UnpackedOutput implements Output {
  readonly #file: FileHandle;
  readonly #digester: Digester;
  readonly #expected: Expected;
  #known = false;
  #most: number;
  #syncedAt = 0;
  #syncing: Promise<void> = Promise.resolve();

  constructor(file: FileHandle, digester: Digester, expected: Expected) {
    this.#file = file;
    this.#digester = digester;
    this.#expected = expected;
    this.#most = mostByDisk(undefined, expected.limits);
  }

  async grown(length: number): Promise<void> {
    if (!this.#known && length >= HEAD_LENGTH) await this.#lookAtHead();
    this.#requireLength(length);
    this.#digester.grown(length);
    await this.#digester.ready();
    if (length - this.#syncedAt >= SYNC_EVERY) await this.#sync(length);
  }

  ready(): Promise<void> {
    return this.#digester.ready();
  }

  /** Waits until nothing is on its way to the disk any more, however that ends. */
  async settle(): Promise<void> {
    await Promise.allSettled([this.#syncing]);
  }

  /** @returns the SHA-256 of the whole file */
  async finish(): Promise<string> {
    await this.#syncing;
    return (await this.#digester.finish()).get('SHA-256')?.hex ?? '';
  }

  #requireLength(length: number): void {
    const { packed, settings } = this.#expected;
    const byRatio = mostByRatio(packed(), settings);
    const most = Math.min(this.#most, byRatio);
    if (length <= most) return;
    const why =
      most === byRatio
        ? `which is ${Math.floor(byRatio / packed())} times its own length`
        : 'which is more than the disk in it can be';
    throw hostile(`unpacks to more than ${most} bytes, ${why}`);
  }

  /** A login page or a foreign format is refused here, not after 40 GB of it. */
  async #lookAtHead(): Promise<void> {
    const head = await readAt(this.#file, 0, HEAD_LENGTH);
    const { compression, format, limits } = this.#expected;
    try {
      const { virtualSize } = inspectHead(head, Number.MAX_SAFE_INTEGER, format, limits);
      if (format === 'QCOW2') this.#most = mostByDisk(virtualSize, limits);
    } catch (error) {
      throw unpackedFrom(compression, error);
    }
    this.#known = true;
  }

  async #sync(length: number): Promise<void> {
    await this.#syncing;
    this.#syncedAt = length;
    this.#syncing = this.#file.datasync();
    // Its failure is met where it is awaited.
    this.#syncing.catch(() => undefined);
  }
}
