/** Inspects bytes in a file, as a host inspects a downloaded image. */
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HEAD_LENGTH } from '../../images/inspect/format.ts';
import { inspectFile, inspectHead } from '../../images/inspect/inspect.ts';
import type { InspectionLimits } from '../../images/inspect/limits.ts';
import { ImageRefused } from '../../images/image-refused.ts';
import type { ImageEvidence } from '../../model/evidence.ts';
import type { Failure } from '../../model/failures.ts';
import type { ImageFacts } from '../../model/source.ts';
import type { TemplateFormat } from '../../model/states.ts';

/** The outcome of an inspection. */
export type InspectionVerdict =
  | { readonly accepted: true; readonly facts: ImageFacts }
  | { readonly accepted: false; readonly failure: Failure; readonly evidence: ImageEvidence };

export interface InspectionLab {
  readonly folder: string;
  /** Writes a file, then judges it. */
  judge(bytes: Buffer, declared: TemplateFormat, limits?: InspectionLimits): Promise<InspectionVerdict>;
  judgePath(path: string, declared: TemplateFormat, limits?: InspectionLimits): Promise<InspectionVerdict>;
  close(): Promise<void>;
}

const judgePath: InspectionLab['judgePath'] = async (path, declared, limits) => {
  const file = await open(path, 'r');
  try {
    return { accepted: true, facts: await inspectFile(file, declared, limits) };
  } catch (error) {
    if (!(error instanceof ImageRefused)) throw error;
    return { accepted: false, failure: error.toFailure(), evidence: error.evidence };
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

/** Inspects the head of a file with its length, as a probe does. */
export const inspectStart = (bytes: Buffer, declared: TemplateFormat, limits?: InspectionLimits) =>
  inspectHead(bytes.subarray(0, HEAD_LENGTH), bytes.length, declared, limits);

/** A verdict in one line, for the message of a failing test. */
export const said = (verdict: InspectionVerdict): string =>
  verdict.accepted ? 'accepted' : `${verdict.failure.kind}: ${verdict.failure.message}`;
