/** A `Part` of a pool of files: a part file, its scratch file, and their publication. */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { ForeignFile } from '../../../model/payloads.ts';
import { namedBy, openRegular, unlinkIfThere } from '../../regular-files.ts';
import type { Scratch } from '../../scratch.ts';
import type { Part, PartRequest, Pool, PoolWriter, Published, PublishedIdentity } from '../pool.ts';
import { Intake } from './intake.ts';
import type { PartFile } from './part-file.ts';
import { inflatedPath, removeParts } from './part-file.ts';
import { publish, storedFacts } from './publish.ts';

const CHECKPOINT_BYTES = 64 * 1_048_576;

export interface FilesPartOptions {
  readonly pool: Pool;
  readonly request: PartRequest;
  readonly writer: PoolWriter;
  /** The damaged file that the new one replaces. Open until the part is closed, so that no other file gets its inode. */
  readonly replaced: FileHandle | undefined;
}

export class FilesPart extends Intake implements Part {
  readonly #options: FilesPartOptions;
  readonly #scratchPath: string;

  constructor(part: PartFile, options: FilesPartOptions) {
    const { pool, request, writer } = options;
    const { hostId, checkpointBytes = CHECKPOINT_BYTES } = writer;
    super(part, { hostId, checkpointBytes, admission: request.admission });
    this.#options = options;
    this.#scratchPath = inflatedPath(pool, request.copyId, request.attemptId);
  }

  get file(): FileHandle {
    return this.part.file;
  }

  async openScratch(): Promise<Scratch> {
    const path = this.#scratchPath;
    const file = await openRegular(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL);
    return {
      file,
      async remove() {
        await file.close();
        await unlinkIfThere(path);
      },
    };
  }

  async publish(file: FileHandle, { isSame, ...image }: PublishedIdentity): Promise<Published> {
    const { pool, request, writer } = this.#options;
    const { copyId } = request;
    await writer.ledger.noteImage(copyId, image);
    const path = file === this.file ? this.part.path : this.#scratchPath;
    const foreign = await publish({ path, file }, { pool, copyId, settings: writer.publish, isSame });
    await removeParts(pool, copyId);
    return { foreign: await this.#withoutReplaced(foreign), facts: await storedFacts(pool, copyId, file) };
  }

  /** Removes the damaged file that was moved aside, if nothing stands on it. */
  async #withoutReplaced(aside: readonly ForeignFile[]): Promise<readonly ForeignFile[]> {
    const { replaced, request } = this.#options;
    if (replaced === undefined || request.damaged?.unused !== true) return aside;
    const others: ForeignFile[] = [];
    for (const one of aside) {
      if ((await namedBy(one.movedTo, replaced)) === 'this') await unlinkIfThere(one.movedTo);
      else others.push(one);
    }
    return others;
  }

  remove(): Promise<void> {
    return this.part.unlink();
  }

  async close(): Promise<void> {
    try {
      await this.part.close();
    } finally {
      this.#options.writer.openParts.delete(this.part.path);
      await this.#options.replaced?.close();
    }
  }
}
