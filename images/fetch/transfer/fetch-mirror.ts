/** Fetches a file, led by one mirror: over as many connections as are worth it, and from other mirrors where they mix. */
import { ImageError } from '../../../model/failures.ts';
import type { Fetching } from './fetching.ts';
import type { MirrorState } from './mirror-state.ts';
import { afterTransfer } from './retries.ts';
import { Transfer } from './transfer.ts';
import { Tries, withUrl } from './tries.ts';

/**
 * Runs transfers that the mirror leads, until all bytes are there or it has failed.
 * @param accept looks at the complete file; when it throws, so did the try that brought the last bytes
 * @throws ImageError why the mirror has failed; the signal's reason when aborted
 */
export async function fetchFrom<T>(
  lead: MirrorState,
  fetching: Fetching,
  accept: () => Promise<T>,
): Promise<T> {
  const { sink, signal } = fetching.task;
  if (lead.failure !== undefined) throw lead.failure;
  for (let [heldBefore, isAnew] = [sink.heldBytes, false]; ;) {
    try {
      return await fetchOnce(lead, fetching, accept);
    } catch (error) {
      signal.throwIfAborted();
      const gained = sink.heldBytes - heldBefore;
      const { total = 0 } = sink.recorded ?? {};
      const pieces = fetching.pieces !== undefined;
      const next = afterTransfer(error, { lead, isAnew, gained, total, pieces });
      if (next === 'mirror has failed') throw error;
      if (next === 'begin anew') {
        isAnew = true;
        await beginAnew(fetching, error as ImageError);
      }
      heldBefore = sink.heldBytes;
    }
  }
}

/** Bytes of two versions never mix: the sink forgets its bytes, and one connection brings the whole file. */
async function beginAnew({ task, mirrors, remarks }: Fetching, { message }: ImageError): Promise<void> {
  remarks.push(message);
  await task.sink.restart();
  mirrors.forget();
}

async function fetchOnce<T>(lead: MirrorState, fetching: Fetching, accept: () => Promise<T>): Promise<T> {
  const tries = new Tries((ended) => fetching.task.onTry(ended));
  let failure: ImageError | undefined;
  try {
    await new Transfer(fetching, lead, tries).run();
    return await accept();
  } catch (error) {
    if (error instanceof ImageError) failure = withUrl(error, lead.url);
    throw failure ?? error;
  } finally {
    tries.end(lead.url, failure);
  }
}
