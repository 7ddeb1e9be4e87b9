/** Where a download fetches: at the origin, or at another host. */
import { copyFacts } from '../../db/copies/copies.ts';
import { peerKeys } from '../../db/peers/keys.ts';
import { lineagesOf } from '../../db/spread/lineages.ts';
import { chooseSource } from '../../db/spread/source-choice.ts';
import type { SourceQuestion, SourceWait } from '../../db/spread/source-choice.ts';
import type { KnownLineage, PeerSource, TicketClaims } from '../../model/spread.ts';
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

export function createSourceActivities({ db, masterKey, orchestration }: ControlDeps): SourceActivities {
  const ticketFor = async (fetch: Omit<TicketClaims, 'exp'>): Promise<string> =>
    signTicket((await peerKeys(db, masterKey)).tickets, fetch);
  return {
    async chooseSource(question) {
      const chosen = await chooseSource(db, question);
      if ('wait' in chosen) return chosen;
      const copy = await copyFacts(db, question.copyId);
      // A host gives a copy to others while the copy is on its way.
      if (copy !== undefined) await wakeWaiting({ db, orchestration }, copy);
      const lineages = copy === undefined ? [] : await lineagesOf(db, copy.templateId);
      if ('origin' in chosen) return { depth: 0, lineages };
      const { peer, hostName, depth } = chosen;
      const ticket = await ticketFor({ aud: peer.hostId, sub: question.hostId, copy: peer.copyId });
      return { peer: { ...peer, ticket }, hostName, depth, lineages };
    },
  };
}
