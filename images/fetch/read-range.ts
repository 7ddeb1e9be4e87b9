/** Parts of a file at its source that are small enough for memory. */
import { firstBytes } from './first-bytes.ts';
import { strongEtag } from './range.ts';
import type { Source, SourceFacts, SourceRequest } from './protocol.ts';

/** Milliseconds: the end of a file only adds to what its beginning tells, so a slow source is not waited for. */
const MAX_MS = 2000;

export interface RangeRequest extends SourceRequest {
  readonly source: Source;
}

/**
 * Reads from byte `first` to the end.
 * @returns undefined when the source gives no parts, refuses this one, or is too slow
 * @throws the signal's reason when aborted
 */
export async function readToEnd(
  found: Pick<SourceFacts, 'ranges' | 'total' | 'etag'>,
  { source, signal, ...request }: RangeRequest,
  first: number,
): Promise<Buffer | undefined> {
  if (!found.ranges || first >= found.total) return undefined;
  const range = { first, last: found.total - 1, total: found.total, etag: strongEtag(found.etag) };
  const soon = AbortSignal.any([signal, AbortSignal.timeout(MAX_MS)]);
  try {
    const opened = await source.open({ ...request, signal: soon, range });
    try {
      const chunks: Buffer[] = [];
      for await (const batch of opened.body) chunks.push(...batch);
      return Buffer.concat(chunks);
    } finally {
      opened.close();
    }
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** Reads the first `length` bytes. @throws as opening the source and its body do */
export async function readStart({ source, ...request }: RangeRequest, length: number): Promise<Buffer> {
  const opened = await source.open(request);
  try {
    return await firstBytes(opened.body, length);
  } finally {
    opened.close();
  }
}
