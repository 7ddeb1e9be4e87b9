/**
 * The ledger of a host: what this host itself has written onto pools. It lies in the host's state folder, where
 * nobody else writes. Anybody may write onto a pool, so names and records there prove nothing; the ledger does.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { originVersion } from '../../model/messages/lineages.ts';
import { ifUnderstood, message, readJson, text, uuid, whole } from '../../model/messages/schema.ts';
import type { OriginVersion } from '../../model/spread.ts';
import { errnoOf } from '../../platform/errno.ts';
import { replaceFile } from '../../platform/replace-file.ts';
import { readShort, unlinkIfThere } from '../regular-files.ts';
import { isUuid, requireUuid } from '../uuid.ts';

const MAX_NOTE = 65_536;

/** The part file that this host created last. */
export interface NotedPart {
  readonly name: string;
  readonly inode: string;
}

/** An image that this host was about to give its final name. */
export interface NotedImage {
  readonly sha256: string;
  readonly size: number;
  /** The lineage of its bytes; absent in notes of releases without lineages. */
  readonly lineage?: string;
  /** Absent where the image was unpacked: no origin has it. */
  readonly origin?: OriginVersion;
  /** The template that it is of; absent in notes of releases that did not note it. */
  readonly templateId?: string;
}

interface Note {
  readonly v: 1;
  readonly part?: NotedPart;
  readonly image?: NotedImage;
}

const note = message<Note>({
  v: z.literal(1),
  part: z.optional(message<NotedPart>({ name: text(), inode: text() })),
  image: z.optional(
    message<NotedImage>({
      sha256: text(),
      size: whole(),
      lineage: ifUnderstood(uuid()),
      origin: ifUnderstood(originVersion),
      templateId: ifUnderstood(uuid()),
    }),
  ),
});

export interface Ledger {
  partOf(copyId: string): Promise<NotedPart | undefined>;
  imageOf(copyId: string): Promise<NotedImage | undefined>;
  /** Ids of the copies of this template that were noted as images. */
  copiesOf(templateId: string): Promise<readonly string[]>;
  notePart(copyId: string, part: NotedPart): Promise<void>;
  noteImage(copyId: string, image: NotedImage): Promise<void>;
  /** Removes the note of a removed copy. */
  forget(copyId: string): Promise<void>;
}

/**
 * Only one ledger of a folder may note images and be asked for those of a template: it keeps in memory which template each is of,
 * since a host may have thousands of notes. Another ledger of the folder may read and forget; what it forgets stays in memory
 * here, and is left out of answers.
 * @param stateDir the host's state folder, which exists
 */
export function openLedger(stateDir: string): Ledger {
  const folder = join(stateDir, 'copies');
  let reading: Promise<Map<string, string>> | undefined;
  const templatesOfImages = (): Promise<Map<string, string>> => {
    reading ??= readTemplates(folder).catch((error: unknown) => {
      reading = undefined;
      throw error;
    });
    return reading;
  };
  const pathOf = (copyId: string): string => join(folder, `${requireUuid(copyId)}.json`);
  const write = async (copyId: string, change: Partial<Note>): Promise<void> => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const noted: Note = { ...(await readNote(pathOf(copyId))), ...change, v: 1 };
    await replaceFile(pathOf(copyId), JSON.stringify(noted));
  };
  return {
    partOf: async (copyId) => (await readNote(pathOf(copyId)))?.part,
    imageOf: async (copyId) => (await readNote(pathOf(copyId)))?.image,
    async copiesOf(templateId) {
      const templates = await templatesOfImages();
      const found: string[] = [];
      for (const [copyId, of] of templates) {
        if (of !== templateId) continue;
        const { image } = (await readNote(pathOf(copyId))) ?? {};
        if (image?.templateId === templateId) found.push(copyId);
      }
      return found;
    },
    notePart: (copyId, part) => write(copyId, { part }),
    async noteImage(copyId, image) {
      await write(copyId, { image });
      if (image.templateId !== undefined) (await templatesOfImages()).set(copyId, image.templateId);
    },
    forget: async (copyId) => void (await unlinkIfThere(pathOf(copyId))),
  };
}

/** Copy id → id of the template that it was noted as an image of. */
async function readTemplates(folder: string): Promise<Map<string, string>> {
  const templates = new Map<string, string>();
  for (const copyId of await copiesIn(folder)) {
    const { image } = (await readNote(join(folder, `${copyId}.json`))) ?? {};
    if (image?.templateId !== undefined) templates.set(copyId, image.templateId);
  }
  return templates;
}

async function copiesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).map((name) => name.replace(/\.json$/, '')).filter(isUuid);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** @returns undefined when the note is absent or damaged */
async function readNote(path: string): Promise<Note | undefined> {
  return readJson(note, await readShort(path, MAX_NOTE)).value;
}
