/** The last stage: gives the image its final name. */
import type { FileHandle } from 'node:fs/promises';
import type { ForeignFile, Try } from '../../model/payloads.ts';
import { lineageOfImage } from '../../model/spread.ts';
import { displayUrl } from '../../model/url.ts';
import { digestsOf, sha256Of } from '../hashing/digester.ts';
import type { Part, PublishedIdentity } from '../pools/pool.ts';
import { originOf } from '../spread/origin.ts';
import type { DownloadedImage, DownloadRequest } from './download-request.ts';
import type { InspectedImage } from './inspect.ts';
import type { ProgressMeter } from './progress-meter.ts';

export async function publish(
  part: Part,
  { file, ...image }: InspectedImage,
  { templateId, url, signal }: Pick<DownloadRequest, 'templateId' | 'url' | 'signal'>,
  { meter, tries }: { readonly meter: ProgressMeter; readonly tries: readonly Try[] },
): Promise<DownloadedImage> {
  const transferred = part.position;
  meter.phase('publishing');
  const identity = { sha256: image.sha256, size: (await file.stat()).size };
  const passedOn = lineageOf(part, file, image.sha256);
  const { facts, foreign } = await part.publish(file, {
    ...identity,
    templateId,
    ...passedOn,
    isSame: (published) => hasIdentity(published, identity, signal),
  });
  const { fetched } = meter;
  return {
    ...facts,
    ...image,
    ...(passedOn.lineage === undefined ? {} : { lineage: passedOn.lineage }),
    transferred,
    fetched,
    tries: withForeign(foreign, tries, url),
  };
}

/** As what others may go on from the published file: the file as transferred has a lineage and an origin, an unpacked one has neither. */
function lineageOf(
  { file: transferred, provenance }: Part,
  file: FileHandle,
  sha256: string,
): Pick<PublishedIdentity, 'lineage' | 'origin'> {
  if (file !== transferred) return { lineage: lineageOfImage(sha256) };
  if (provenance?.lineage === undefined) return {};
  return { lineage: provenance.lineage, ...originOf(provenance) };
}

async function hasIdentity(
  file: FileHandle,
  { sha256, size }: { readonly sha256: string; readonly size: number },
  signal: AbortSignal,
): Promise<boolean> {
  if ((await file.stat()).size !== size) return false;
  return sha256Of(await digestsOf(file, size, { algorithms: ['SHA-256'], signal })) === sha256;
}

/** Attaches foreign files to the last try, at whose end they were found. */
function withForeign(foreign: readonly ForeignFile[], tries: readonly Try[], url: string): readonly Try[] {
  if (foreign.length === 0) return tries;
  const now = new Date().toISOString();
  const note = 'all bytes were on the pool already';
  const last = tries.at(-1) ?? { source: displayUrl(url), startedAt: now, endedAt: now, bytes: 0, note };
  return [...tries.slice(0, -1), { ...last, foreign }];
}
