/** Where a download fetches: at the origin, or at another host. */
import { copyFacts } from '../../db/copies/copies.ts';
import type { CopyUuids } from '../../db/jobs/jobs.ts';
import { peerKeys } from '../../db/peers/keys.ts';
import { lineagesOf } from '../../db/spread/lineages.ts';
import { chooseSource } from '../../db/spread/source-choice.ts';
import type { Chosen, SourceQuestion, SourceWait } from '../../db/spread/source-choice.ts';
import type { KnownLineage, PeerSource } from '../../model/spread.ts';
import { signTicket } from '../../trust/tickets.ts';
import type { ControlDeps } from './deps.ts';
import { wakeWaiting } from './source-hints.ts';

/** A source that a download may begin with. */
export interface ChosenSource {
  readonly wait?: undefined;
  /** Absent: the origin. */
  readonly peer?: PeerSource;
  /** Name of the peer. */
  readonly hostName?: string;
  /** Hosts between the one that fetches and the origin. */
  readonly depth: number;
  readonly lineages: readonly KnownLineage[];
}

export type SourceChoice = ChosenSource | { readonly wait: SourceWait };

export interface SourceActivities {
  /** Chooses where a host fetches a copy, and records it; or says why it must wait. */
  chooseSource(question: SourceQuestion): Promise<SourceChoice>;
}

export const createSourceActivities = (deps: ControlDeps): SourceActivities => ({
  async chooseSource(question) {
    const chosen = await chooseSource(deps.db, question);
    if ('wait' in chosen) return chosen;
    return openSource(deps, chosen, question.hostId, await copyFacts(deps.db, question.copyId));
  },
});

/**
 * A chosen source as a job names it, with a ticket where it is another host. Wakes copies that wait for the fetch that begins.
 * @param copy undefined when it is gone
 */
export async function openSource(
  { db, masterKey, orchestration }: ControlDeps,
  chosen: Exclude<Chosen, { readonly wait: SourceWait }>,
  hostId: string,
  copy: CopyUuids | undefined,
): Promise<ChosenSource> {
  // A host gives a copy to others while the copy is on its way.
  if (copy !== undefined) await wakeWaiting({ db, orchestration }, copy);
  const lineages = copy === undefined ? [] : await lineagesOf(db, copy.templateId);
  if ('origin' in chosen) {
    const { inPlaceOf = [] } = chosen;
    for (const replaced of inPlaceOf) await orchestration.handOver([replaced], replaced.hostId);
    return { depth: 0, lineages };
  }
  const { peer, hostName, depth } = chosen;
  const { tickets } = await peerKeys(db, masterKey);
  const ticket = await signTicket(tickets, { aud: peer.hostId, sub: hostId, copy: peer.copyId });
  return { peer: { ...peer, ticket }, hostName, depth, lineages };
}
