/**
 * Where a mirror is chosen, in three places of a fetch:
 *
 * 1. One mirror leads a transfer: it opens the first connection, and what the file is, is judged by its answer. Mirrors
 *    lead in the order of `leads`, each until it fails in a way that retries.ts gives to the next one.
 * 2. While a transfer goes on, it opens more connections. `candidates` are the mirrors that may have one, the best first.
 * 3. Where the lead cannot go on from the bytes that the sink holds, `othersMayContinue` says whether other mirrors can.
 *
 * Bytes of several mirrors come together only where something proves in the end that they are of one file: a checksum
 * (`mixes`) or hashes of pieces.
 */
import type { Mirror } from '../../../model/source.ts';
import { lineageTag } from '../../../model/spread.ts';
import { displayUrl } from '../../../model/url.ts';
import { ORIGIN } from '../sink.ts';
import type { Provenance, RecordedMirror } from '../sink.ts';
import { LineageOfBytes } from './lineage.ts';
import { MirrorState } from './mirror-state.ts';

/** What one more connection is wanted for. */
export interface Need {
  /** On the clock of performance.now(). */
  readonly now: number;
  /** Connections to one origin, at most. */
  readonly maxConnections: number;
  /** Whether every piece of the file is checked by itself. */
  readonly pieces: boolean;
  /** The one mirror that may be asked, where mirrors are not mixed. */
  readonly only: MirrorState | undefined;
}

/**
 * By priority; but the mirror whose bytes the sink holds is first, so that they are not fetched again.
 * @param begun the URL of that mirror, without credentials
 */
export function orderMirrors(mirrors: readonly Mirror[], begun: string | undefined): readonly Mirror[] {
  const byPriority = mirrors.toSorted((a, b) => a.priority - b.priority);
  return byPriority.toSorted(
    (a, b) => Number(displayUrl(b.url) === begun) - Number(displayUrl(a.url) === begun),
  );
}

/** The mirrors of one fetch. */
export class MirrorChoice {
  /** In the order in which they lead. */
  readonly all: readonly MirrorState[];

  /** Of the bytes that the sink holds or gets. A fetch that begins anew has a new one. */
  readonly #lineage: LineageOfBytes;
  /** Who gave bytes that the sink holds, apart from these mirrors. */
  #strangers: readonly string[];

  /** @param recorded what the sink knows of the bytes that it holds */
  constructor(mirrors: readonly Mirror[], recorded: Provenance | undefined) {
    const begun = recorded?.etag === undefined ? undefined : displayUrl(recorded.url);
    this.all = orderMirrors(mirrors, begun).map((mirror) => new MirrorState(mirror));
    this.#lineage = new LineageOfBytes(recorded?.lineage);
    const own = new Set(this.all.map(({ giver }) => giver));
    const givers = recorded === undefined ? [] : (recorded.givers ?? [ORIGIN]);
    this.#strangers = givers.filter((giver) => !own.has(giver));
    for (const one of recorded === undefined ? [] : [recorded, ...(recorded.others ?? [])]) {
      this.all.find(({ url }) => displayUrl(url) === displayUrl(one.url))?.recall(one);
    }
    // Whoever passes on the lineage of these bytes can go on from them.
    const { lineage } = recorded ?? {};
    if (lineage === undefined) return;
    for (const state of this.all) if (state.giver !== ORIGIN) state.recall({ etag: lineageTag(lineage) });
  }

  /** Whether the sink holds bytes of others than these mirrors: of other hosts, or of the origin when a host is asked. */
  get hasStrangers(): boolean {
    return this.#strangers.length > 0;
  }

  /** The mirrors that lead: all of them, then those that may still send the whole file although they refused a part. */
  *leads(): Generator<MirrorState> {
    yield* this.all;
    for (const state of this.all) if (!state.isDropped && state.refusal !== undefined) yield state;
  }

  /** Mirrors that may have one more connection now, the best first. */
  candidates(need: Need): readonly MirrorState[] {
    return this.all
      .filter((state) => this.#mayServe(state, need) && !state.isNoticing(need.now))
      .toSorted(
        (a, b) => a.corruptPieces - b.corruptPieces || (need.pieces ? a.connections - b.connections : 0),
      );
  }

  /** Whether a mirror will be a candidate in a moment. */
  awaits(need: Need): boolean {
    return this.all.some((state) => this.#mayServe(state, need) && state.isNoticing(need.now));
  }

  /** Whether other mirrors than this one may be asked for parts of the file. */
  othersMayContinue(lead: MirrorState): boolean {
    return this.all.some((state) => state !== lead && state.mayGiveParts);
  }

  /** Whether the sink holds bytes of other mirrors than this one. */
  othersContributed(lead: MirrorState): boolean {
    return this.all.some((state) => state !== lead && state.contributed);
  }

  /** The sink forgot all bytes. */
  forget(): void {
    this.#lineage.forget();
    this.#strangers = [];
    for (const state of this.all) state.forget();
  }

  /** With which mirrors the bytes of the sink are recorded. */
  record(lead: MirrorState): Omit<Provenance, 'total'> {
    const contributors = this.all.filter((state) => state.contributed);
    const first = lead.contributed ? lead : (contributors[0] ?? lead);
    const others = contributors.filter((state) => state !== first).map(recordOf);
    const givers = [...new Set([...this.#strangers, ...contributors.map(({ giver }) => giver)])];
    return {
      ...recordOf(first),
      finalUrl: first.passedOn?.origin?.finalUrl ?? first.finalUrl,
      lineage: this.#lineage.with(lead.passedOn?.lineage),
      ...(givers.every((giver) => giver === ORIGIN) ? {} : { givers }),
      ...(others.length === 0 ? {} : { others }),
    };
  }

  #mayServe(state: MirrorState, { now, maxConnections, pieces, only }: Need): boolean {
    const open = this.all.reduce((sum, one) => sum + (one.origin === state.origin ? one.connections : 0), 0);
    return (
      (only === undefined || only === state) &&
      state.connections < state.maxConnections(now) &&
      open < maxConnections &&
      mayGivePart(state, pieces)
    );
  }
}

/**
 * Bytes of one origin come over several connections only under one strong tag, unless each piece is checked. An origin
 * that has contributed nothing may give a part in any case.
 */
export const mayGivePart = ({ etag, contributed }: MirrorState, pieces: boolean): boolean =>
  pieces || etag !== undefined || !contributed;

/**
 * Records lie on pools: they have URLs without credentials. Of bytes that a host passes on, they have the version at the
 * origin, so that a later attempt can go on there.
 */
function recordOf({ url, etag, passedOn }: MirrorState): RecordedMirror {
  if (passedOn !== undefined) return versionOf(passedOn.origin ?? { url });
  return versionOf({ url: displayUrl(url), ...(etag === undefined ? {} : { etag }) });
}

const versionOf = ({ url, etag }: RecordedMirror): RecordedMirror => ({
  url,
  ...(etag === undefined ? {} : { etag }),
});
