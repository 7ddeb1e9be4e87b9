/**
 * Which starts a host refuses. A start may arrive late, when the machine was released from the host already and perhaps runs
 * on another one; so each release leaves the generation up to which starts are outdated, on disk, before it answers.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { ImageError } from '../model/failures.ts';
import { message, readJson, whole } from '../model/messages/schema.ts';
import { readShort } from '../images/regular-files.ts';
import { requireUuid } from '../images/uuid.ts';
import { replaceFile, syncFolder } from '../platform/replace-file.ts';

interface Fence {
  readonly v: 1;
  readonly generation: number;
}

const fence = message<Fence>({ v: z.literal(1), generation: whole() });

const MAX_FENCE = 256;
/** No start arrives after a month: hosts take a job within seconds, or never. */
const KEPT_MS = 31 * 24 * 60 * 60 * 1000;

export interface Fences {
  /** Refuses starts of this generation and older ones from now on. */
  raise(vmId: string, generation: number): Promise<void>;
  /** @throws ImageError MachineReleased when a start of this generation is outdated */
  check(vmId: string, generation: number): Promise<void>;
}

export function openFences(folder: string): Fences {
  const pathOf = (vmId: string): string => join(folder, `${requireUuid(vmId)}.json`);
  const raisedTo = async (vmId: string): Promise<number> =>
    readJson(fence, await readShort(pathOf(vmId), MAX_FENCE)).value?.generation ?? -1;
  return {
    async raise(vmId, generation) {
      if ((await raisedTo(vmId)) >= generation) return;
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await prune(folder, vmId);
      await replaceFile(pathOf(vmId), JSON.stringify({ v: 1, generation } satisfies Fence));
      await syncFolder(folder);
    },
    async check(vmId, generation) {
      if ((await raisedTo(vmId)) < generation) return;
      throw new ImageError(
        'MachineReleased',
        'the machine was released from this host after this start began',
      );
    },
  };
}

/** Removes what is old, and what a host worker that was killed left when it raised the fence of this machine. */
async function prune(folder: string, vmId: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const isLeft = name.startsWith(`${vmId}.json.`);
    if (isLeft || Date.now() - (await stat(path)).mtimeMs > KEPT_MS) await rm(path, { force: true });
  }
}
