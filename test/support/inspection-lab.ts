/** Inspects bytes as a file, as a host does with what it has downloaded. */
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HEAD_LENGTH } from '../../images/inspection/format.ts';
import { inspectHead, judgeFile } from '../../images/inspection/inspect.ts';
import type { InspectionLimits } from '../../images/inspection/limits.ts';
import type { Verdict } from '../../model/evidence.ts';
import type { TemplateFormat } from '../../model/states.ts';

export interface InspectionLab {
  readonly folder: string;
  /** Writes a file, then judges it. */
  judge(bytes: Buffer, declared: TemplateFormat, limits?: InspectionLimits): Promise<Verdict>;
  judgePath(path: string, declared: TemplateFormat, limits?: InspectionLimits): Promise<Verdict>;
  close(): Promise<void>;
}

const judgePath: InspectionLab['judgePath'] = async (path, declared, limits) => {
  const file = await open(path, 'r');
  try {
    return await judgeFile(file, declared, limits);
  } finally {
    await file.close();
  }
};

export async function openInspectionLab(): Promise<InspectionLab> {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-inspect-'));
  return {
    folder,
    judgePath,
    async judge(bytes, declared, limits) {
      const path = join(folder, 'image');
      await writeFile(path, bytes);
      return judgePath(path, declared, limits);
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** As a probe does, which has the first bytes and the length. */
export const inspectStart = (bytes: Buffer, declared: TemplateFormat, limits?: InspectionLimits) =>
  inspectHead(bytes.subarray(0, HEAD_LENGTH), bytes.length, declared, limits);

/** What a verdict says in one line, so that a failing test shows it. */
export const said = (verdict: Verdict): string =>
  verdict.accepted ? 'accepted' : `${verdict.failure.kind}: ${verdict.failure.message}`;
