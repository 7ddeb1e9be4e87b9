/**
 * The place of a copy: the host that works on it, space on its pool, and a source. The control side chooses all three in one
 * step (activities/control/places.ts); the first choice comes with the opening of the copy.
 */
import type { Place, PlaceChoice, PlaceWait, PlaceWishes } from '../../activities/control/places.ts';
import { bytesOfPlan } from '../../model/space.ts';
import { backoffMs } from '../../model/timing.ts';
import type { Backoff, CopyTiming } from '../../model/timing.ts';
import { continueWhenSuggested } from '../continue-as-new.ts';
import { endingFailure } from '../failures.ts';
import { control } from '../policies.ts';
import { waitVisibly } from '../status.ts';
import type { CopyRun } from './attempt.ts';
import type { Requests } from './requests.ts';
import { refreshReport } from './room.ts';
import { failuresAsAsked } from './source.ts';

/** A choice, and the requests that had come when it was asked for: a later one may change it. */
export interface Look {
  readonly choice: PlaceChoice;
  readonly wanted: number;
  readonly sourceHints: number;
}

export const wishesOf = ({
  history: { excluded, avoided },
  peerFailures,
  requests,
  timing,
}: Pick<CopyRun, 'history' | 'peerFailures' | 'requests' | 'timing'>): PlaceWishes => ({
  excluded,
  avoided,
  ...failuresAsAsked(peerFailures),
  priority: requests.priority,
  reportFreshMs: timing.reportFreshMs,
  ...(timing.roomyReportFreshMs === undefined ? {} : { roomyReportFreshMs: timing.roomyReportFreshMs }),
});

/**
 * Waits until there is a place. A new request for the copy ends a wait early, as does the hint that another host has become
 * free to give it.
 * @param first the choice that came with the opening of the copy
 * @throws ApplicationFailure when every host of the pool has failed in a way that does not pass
 */
export async function placeFor(run: CopyRun, first?: Look): Promise<Place> {
  const rounds = { NoHost: 0, NoSpace: 0, NoPeer: 0 };
  let look = first ?? (await lookFor(run));
  for (;;) {
    if ('place' in look.choice) return look.choice.place;
    if ('outdated' in look.choice) {
      await refreshReport(look.choice.outdated, run);
      // A host that does not answer will not take the download either: its report is not asked for again.
      look = await lookFor(run, { anyReport: true });
    } else {
      const { wait } = look.choice;
      if (wait.hopeless === true && run.last !== undefined) throw endingFailure(run.last);
      await waitFor(wait, run, rounds[wait.word], look);
      rounds[wait.word] += 1;
      await continueWhenSuggested(run);
      look = await lookFor(run);
    }
  }
}

async function lookFor(run: CopyRun, { anyReport = false } = {}): Promise<Look> {
  const { plan, requests } = run;
  const before = requestsSoFar(requests);
  const wishes = wishesOf(run);
  const { reportFreshMs: _reportFreshMs, ...withAnyReport } = wishes;
  const choose = control('Choose a host, space and a source');
  return {
    ...before,
    choice: await choose.choosePlace(plan.copyId, bytesOfPlan(plan), anyReport ? withAnyReport : wishes),
  };
}

/** Counted before a choice: an upload may become free while the choice is on its way here. */
export const requestsSoFar = ({ wanted, sourceHints }: Requests): Omit<Look, 'choice'> => ({
  wanted,
  sourceHints,
});

const waitFor = (
  { word, reason, publicReason }: PlaceWait,
  { requests, timing }: CopyRun,
  round: number,
  { wanted, sourceHints }: Omit<Look, 'choice'>,
): Promise<void> =>
  waitVisibly(
    { word, reason, publicReason, ms: backoffMs(WAITS[word](timing), round) },
    () => requests.wanted > wanted || (word === 'NoPeer' && requests.sourceHints > sourceHints),
  );

const WAITS: Readonly<Record<PlaceWait['word'], (timing: CopyTiming) => Backoff>> = {
  NoHost: ({ hostWait }) => hostWait,
  NoSpace: ({ spaceWait }) => spaceWait,
  NoPeer: ({ peerWait }) => peerWait,
};
