/** Looks at unpacked bytes as they come: what they are, as soon as that can be told, and that there are not too many. */
import type { Compression } from '../../model/source.ts';
import type { TemplateFormat } from '../../model/states.ts';
import { HEAD_LENGTH } from '../inspection/format.ts';
import { inspectHead } from '../inspection/inspect.ts';
import type { InspectionLimits } from '../inspection/limits.ts';
import { unpackedFrom } from './compression.ts';
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

export class UnpackedOutput {
  readonly #expected: Expected;
  #head: Buffer | undefined = Buffer.alloc(0);
  #length = 0;
  #most: number;

  constructor(expected: Expected) {
    this.#expected = expected;
    this.#most = mostByDisk(undefined, expected.limits);
  }

  /** @throws ImageError when no more is to be unpacked */
  look(chunk: Buffer): void {
    this.#length += chunk.length;
    this.#lookAtHead(chunk);
    const { packed, settings } = this.#expected;
    const byRatio = mostByRatio(packed(), settings);
    const most = Math.min(this.#most, byRatio);
    if (this.#length <= most) return;
    const why =
      most === byRatio
        ? `which is ${Math.floor(byRatio / packed())} times its own length`
        : 'which is more than the disk in it can be';
    throw hostile(`unpacks to more than ${most} bytes, ${why}`);
  }

  /** A login page or a foreign format is refused here, not after 40 GB of it. */
  #lookAtHead(chunk: Buffer): void {
    if (this.#head === undefined) return;
    this.#head = Buffer.concat([this.#head, chunk.subarray(0, HEAD_LENGTH - this.#head.length)]);
    if (this.#head.length < HEAD_LENGTH) return;
    const { compression, format, limits } = this.#expected;
    try {
      const { virtualSize } = inspectHead(this.#head, Number.MAX_SAFE_INTEGER, format, limits);
      if (format === 'QCOW2') this.#most = mostByDisk(virtualSize, limits);
    } catch (error) {
      throw unpackedFrom(compression, error);
    }
    this.#head = undefined;
  }
}
