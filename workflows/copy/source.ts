/**
 * From where an attempt fetches: the origin, or another host that has the copy (a peer). The control side chooses, in one
 * transaction for all copies of a zone. A peer that fails leads to another one; after some in a row that brought nothing the
 * origin is asked (db/spread/source-choice.ts). So peers never make a deployment fail, and their failures never reach the rules (model/rules/).
 */
import type { PlaceWishes } from '../../activities/control/places.ts';
import type { ChosenSource } from '../../activities/control/sources.ts';
import type { ChosenHost } from '../../activities/control/sealing.ts';
import type { PeerFailures } from '../../model/spread.ts';
import { backoffMs } from '../../model/timing.ts';
import type { FailedAttempt } from '../failures.ts';
import { control } from '../policies.ts';
import { waitVisibly } from '../status.ts';
import type { CopyRun } from './attempt.ts';

export const NO_PEER_FAILURES: PeerFailures = { hostIds: [], farthest: 0 };

/**
 * For runs that choose host, space and source one after the other.
 * Waits once when every host that has the copy is busy. A free upload ends the wait early, as does a new request for the copy.
 * @returns undefined after a wait: the host is chosen anew
 */
export async function sourceFor(
  { hostId, hostName }: ChosenHost,
  run: CopyRun,
): Promise<ChosenSource | undefined> {
  const { plan, requests, timing } = run;
  // Counted before the choice: an upload may become free while the choice is on its way here.
  const { wanted, sourceHints } = requests;
  const wake = (): boolean => requests.wanted > wanted || requests.sourceHints > sourceHints;
  const choice = await control(`Choose a source for host ${hostName}`).chooseSource({
    copyId: plan.copyId,
    hostId,
    ...failuresAsAsked(run.peerFailures),
    priority: requests.priority,
  });
  if (choice.wait === undefined) {
    run.sourceWaits = 0;
    return choice;
  }
  const ms = backoffMs(timing.peerWait, run.sourceWaits);
  run.sourceWaits += 1;
  await waitVisibly({ word: 'NoPeer', ...choice.wait, ms }, wake);
  return undefined;
}

/**
 * Remembers how peers failed.
 * @returns whether the failure was that of a peer, so that another source is asked at once
 */
export function isFailureOfPeer(
  { failure, position }: FailedAttempt,
  { peer }: ChosenSource,
  run: CopyRun,
): boolean {
  if (peer === undefined || !OF_PEERS.has(failure.kind)) {
    run.peerFailures = NO_PEER_FAILURES;
    return false;
  }
  const { hostIds, farthest, sinceMs } = run.peerFailures;
  const progressed = position - farthest >= Math.max(1, run.plan.size * run.timing.peerProgress);
  const before = progressed ? 0 : strikesOf(run.peerFailures);
  const since = before === 0 ? Date.now() : sinceMs;
  run.peerFailures = {
    hostIds: [...hostIds.filter((id) => id !== peer.hostId), peer.hostId].slice(-run.timing.mostFailedPeers),
    strikes: before + 1,
    ...(since === undefined ? {} : { sinceMs: since }),
    farthest: progressed ? position : farthest,
  };
  return true;
}

/** Runs of the release before have no number: there each host that failed counted. */
const strikesOf = ({ hostIds, strikes = hostIds.length }: PeerFailures): number => strikes;

/** How peers failed, for the choice of a source. */
export const failuresAsAsked = (
  failures: PeerFailures,
): Pick<PlaceWishes, 'failedPeers' | 'peerStrikes' | 'peersFailMs'> => {
  const { hostIds, sinceMs } = failures;
  return {
    failedPeers: hostIds,
    peerStrikes: strikesOf(failures),
    ...(sinceMs === undefined ? {} : { peersFailMs: Date.now() - sinceMs }),
  };
};

const OF_PEERS: ReadonlySet<string> = new Set(['PeerUnreachable', 'PeerWrong']);
