/** The copies of this host that others may read: images that it published, and parts of its running attempts. */
import type { FileHandle } from 'node:fs/promises';
import type { Ledger } from '../pools/ledger.ts';
import type { Part, Pool, StoredImage } from '../pools/pool.ts';
import { lineageOfImage } from '../../model/spread.ts';
import { isUuid } from '../uuid.ts';
import type { OpenCopies } from './open-copies.ts';
import { SharedPart } from './shared-part.ts';

export interface CopyRegistry extends OpenCopies {
  /** Shares the part of an attempt until it is closed. */
  share(copyId: string, part: Part): SharedPart;
}

export interface CopyRegistryOptions {
  /** The host's pools that are mounted. */
  readonly pools: () => Promise<readonly Pool[]>;
  readonly ledger: Ledger;
}

export function createCopyRegistry({ pools, ledger }: CopyRegistryOptions): CopyRegistry {
  const parts = new Map<string, SharedPart>();
  const waiting = new Map<string, Set<() => void>>();
  const wake = (copyId: string): void => waiting.get(copyId)?.forEach((look) => look());

  return {
    async published(copyId) {
      if (!isUuid(copyId)) return undefined;
      const noted = await ledger.imageOf(copyId);
      if (noted === undefined) return undefined;
      const { size, sha256, lineage = lineageOfImage(sha256), origin } = noted;
      const file = await fileOf(copyId, size, await pools());
      return file && { ...(origin === undefined ? {} : { origin }), sha256, lineage, total: size, file };
    },
    part: (copyId) => parts.get(copyId)?.served,
    share(copyId, part) {
      const shared = new SharedPart(part, {
        onChange: () => wake(copyId),
        onEnd() {
          if (parts.get(copyId) === shared) parts.delete(copyId);
        },
      });
      parts.set(copyId, shared);
      part.observe(shared);
      wake(copyId);
      return shared;
    },
    async until(copyId, condition, signal) {
      const looks = waiting.get(copyId) ?? new Set();
      waiting.set(copyId, looks);
      const changes = createChanges(signal);
      looks.add(changes.note);
      try {
        for (;;) {
          changes.expect();
          const found = await condition();
          if (found !== undefined) return found;
          await changes.next();
        }
      } finally {
        changes.end();
        looks.delete(changes.note);
        if (looks.size === 0 && waiting.get(copyId) === looks) waiting.delete(copyId);
      }
    },
  };
}

interface Changes {
  readonly note: () => void;
  /** Changes from now on count for `next`. */
  expect(): void;
  next(): Promise<void>;
  end(): void;
}

/** A change is never missed, even when it comes while a condition is looked at. */
function createChanges(signal: AbortSignal): Changes {
  let noted = false;
  let wake: (() => void) | undefined;
  const note = (): void => {
    noted = true;
    wake?.();
  };
  signal.addEventListener('abort', note, { once: true });
  return {
    note,
    expect() {
      signal.throwIfAborted();
      noted = false;
    },
    async next() {
      if (!noted) await new Promise<void>((resolve) => (wake = resolve));
      signal.throwIfAborted();
    },
    end: () => signal.removeEventListener('abort', note),
  };
}

/** The file of a published copy with this length, on whichever pool it is. */
async function fileOf(copyId: string, size: number, pools: readonly Pool[]): Promise<FileHandle | undefined> {
  for (const pool of pools) {
    // A pool that cannot be read now, or has something else of that name, does not have the copy.
    const stored: StoredImage | undefined = await pool.openPublished(copyId).catch(() => undefined);
    if (stored === undefined) continue;
    if ((await stored.file.stat()).size === size) return stored.file;
    await stored.file.close();
  }
  return undefined;
}
