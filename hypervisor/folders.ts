/**
 * The folder of a host's machines:
 *
 *   seeds/      first boot data, which QEMU's user reads: libvirt gives each file to it
 *   consoles/   logs of serial consoles
 *   fences/     which starts are outdated
 *   drafts/     seeds that are being made; what a host worker that was killed left there goes when the next one starts
 */
import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { requireUuid } from '../images/uuid.ts';

export interface Folders {
  readonly consoles: string;
  readonly fences: string;
  readonly drafts: string;
  seedOf(vmId: string): string;
  /** Makes the folders, once; the first machine needs them. */
  prepare(): Promise<void>;
}

const OWNER_ONLY = 0o700;
/** Others may pass through, but not list what is there. */
const PASSABLE = 0o711;

export function foldersOf(folder: string): Folders {
  const of = (name: string): string => join(folder, name);
  const [seeds, consoles, fences, drafts] = [of('seeds'), of('consoles'), of('fences'), of('drafts')];
  let prepared: Promise<void> | undefined;
  const clear = (): Promise<void> => rm(drafts, { recursive: true, force: true });
  const cleared = clear();
  cleared.catch(() => undefined);
  const prepare = async (): Promise<void> => {
    await cleared.catch(clear);
    for (const path of [folder, seeds]) await makeFolder(path, PASSABLE);
    for (const path of [consoles, fences, drafts]) await makeFolder(path, OWNER_ONLY);
  };
  return {
    consoles,
    fences,
    drafts,
    seedOf: (vmId) => join(seeds, `${requireUuid(vmId)}.iso`),
    prepare: () =>
      (prepared ??= prepare().catch((error: unknown) => {
        prepared = undefined;
        throw error;
      })),
  };
}

async function makeFolder(path: string, mode: number): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, mode);
}
