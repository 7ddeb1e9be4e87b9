/** All bytes of a file, led by one mirror: over as many connections as bring them on, and from others where they may. */
import { ImageError } from '../model/failures.ts';
import type { Mirror } from '../model/source.ts';
import type { Attempt } from './attempt.ts';
import { diskError } from './files.ts';
import { MOST_CHANGES } from './parallel/mirror-state.ts';
import type { MirrorState } from './parallel/mirror-state.ts';
import { Transfer } from './parallel/transfer.ts';
import { RangeRefused } from './sources/range.ts';
import { Tries, withUrl } from './tries.ts';

/**
 * Fetches all that is missing, reconnecting as long as that brings the file on by a hundredth each time.
 * @param finish looks at the whole file; when it fails, so did the try that brought the last bytes
 */
export async function fetchFrom<T>(mirror: Mirror, attempt: Attempt, finish: () => Promise<T>): Promise<T> {
  const { intake, request } = attempt;
  const lead = attempt.mirrors.of(mirror);
  if (lead.failure !== undefined) throw lead.failure;
  for (let farthest = intake.heldBytes; ;) {
    try {
      return await fetchOnce(lead, attempt, finish);
    } catch (error) {
      request.signal.throwIfAborted();
      if (error instanceof RangeRefused && error.changed && lead.changes < MOST_CHANGES) {
        await beginAnew(lead, attempt, error);
        farthest = 0;
        continue;
      }
      const gained = intake.heldBytes - farthest;
      const { total = 0 } = intake.part.checkpoint ?? {};
      if (!isCut(error) || !mayGoOn(lead, attempt) || gained < Math.max(1, total / 100)) throw error;
      farthest = intake.heldBytes;
    }
  }
}

const isCut = (error: unknown): boolean =>
  error instanceof ImageError && (error.kind === 'ConnectionLost' || error.kind === 'Stalled');

const mayGoOn = (lead: MirrorState, { pieces }: Attempt): boolean =>
  lead.usable && (lead.etag !== undefined || pieces !== undefined);

/** Bytes of two versions never mix: what is here goes. */
async function beginAnew(lead: MirrorState, attempt: Attempt, error: ImageError): Promise<void> {
  lead.changes += 1;
  attempt.remarks.push(error.message);
  await attempt.intake.restart();
  attempt.mirrors.forget();
}

async function fetchOnce<T>(lead: MirrorState, attempt: Attempt, finish: () => Promise<T>): Promise<T> {
  const { request } = attempt;
  const tries = new Tries((ended) => {
    attempt.tries.push(ended);
    request.onTry?.(ended);
  });
  let failure: ImageError | undefined;
  try {
    await new Transfer(attempt, lead, tries).run();
    return await finish();
  } catch (error) {
    const known = diskError(error);
    if (known instanceof ImageError) failure = withUrl(known, lead.url);
    throw failure ?? error;
  } finally {
    tries.end(lead.url, failure);
  }
}
