/** Brings all bytes of a file into a sink, from the mirrors that give them. */
import { ImageError } from '../../model/failures.ts';
import type { FetchTask } from './task.ts';
import { fetchFrom } from './transfer/fetch-mirror.ts';
import type { Fetching } from './transfer/fetching.ts';
import { MirrorChoice } from './transfer/mirror-choice.ts';
import type { MirrorState } from './transfer/mirror-state.ts';
import { Pieces } from './transfer/pieces.ts';
import { afterRefusedFile, firstThatWorks } from './transfer/retries.ts';
import { withUrl } from './transfer/tries.ts';

/**
 * Fetches what the sink does not hold yet, from one mirror after the other until one works.
 * @param accept looks at the complete file. When it throws a failure of the content, the bytes go, and mirrors that have
 * not given any of them are asked
 * @throws ImageError the verdict over all mirrors; the signal's reason when aborted
 */
export function fetchFile<T>(task: FetchTask, accept: () => Promise<T>): Promise<T> {
  const { sink, mirrors } = task;
  const choice = new MirrorChoice(mirrors, sink.recorded);
  const pieces = createPieces(task);
  const fetching: Fetching = { task, mirrors: choice, pieces, remarks: [...task.remarks], alone: false };
  return firstThatWorks(choice.leads(), (lead) => fetchAccepted(lead, fetching, accept));
}

function createPieces({ sink, size, pieces }: FetchTask): Pieces | undefined {
  if (pieces === undefined) return undefined;
  const checked = new Pieces({
    pieces: pieces.hashes,
    total: size,
    hash: (span) => pieces.hash(span),
    onRight: (span) => sink.admit(span),
    onWrong: (span) => sink.discard(span),
  });
  sink.observe(checked);
  return checked;
}

/** The sink forgets bytes that turn out wrong, so that no attempt goes on from them. */
async function fetchAccepted<T>(lead: MirrorState, fetching: Fetching, accept: () => Promise<T>): Promise<T> {
  const { task, mirrors, alone } = fetching;
  try {
    return await fetchFrom(lead, fetching, accept);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    const failure = withUrl(error, lead.url);
    const contributors = mirrors.all.filter(({ contributed }) => contributed);
    const pieces = fetching.pieces !== undefined;
    const next = afterRefusedFile(error, {
      lead,
      contributors,
      pieces,
      strangers: mirrors.hasStrangers,
      alone,
    });
    if (next === 'keep bytes') throw failure;
    await task.sink.restart();
    mirrors.forget();
    if (next === 'each alone') {
      fetching.alone = true;
      return fetchAccepted(lead, fetching, accept);
    }
    if (next === 'drop all mirrors') {
      for (const state of mirrors.all) if (!state.isDropped) state.drop(failure);
    }
    throw failure;
  }
}
