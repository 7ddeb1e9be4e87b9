/** What a failed connection, or a wrong piece, means for its mirror while others go on. */
import type { FailureKind, ImageError } from '../../model/failures.ts';
import { displayUrl } from '../../model/url.ts';
import type { RangeRefused } from '../sources/range.ts';
import type { Tries } from '../tries.ts';
import type { Connection } from './connection.ts';
import type { MirrorState } from './mirror-state.ts';
import { WrongPiece } from './pieces.ts';
import type { Piece } from './pieces.ts';

/** With these a mirror is not asked again, whatever else it is still sending. */
const GONE: ReadonlySet<FailureKind> = new Set(['NotFound', 'NotAllowed']);
/** Milliseconds until an origin that refused one more connection is asked for one again. */
const REFUSED_MS = 10_000;

export interface Setback {
  readonly tries: Tries;
  /** Bytes that a mirror must give between two failures. */
  readonly enough: number;
  /** No other connection is open. */
  readonly alone: boolean;
}

/** The connection is over, and counts no more among those of its mirror. */
export function setBack(connection: Connection, failure: ImageError, setback: Setback): void {
  const { state, flowing } = connection;
  if (GONE.has(failure.kind)) return drop(state, failure, setback.tries);
  const unwelcome = failure.kind === 'Throttled' || (!flowing && state.connections > 0);
  if (unwelcome) shrink(state, failure, setback.tries);
  else weaken(connection, failure, setback);
}

/** One more connection is not welcome: fewer will do. */
function shrink(state: MirrorState, failure: ImageError, tries: Tries): void {
  state.most = state.connections;
  state.notBefore = performance.now() + (failure.retryAfterMs ?? REFUSED_MS);
  if (state.connections === 0) return;
  const told = state.connections === 1 ? 'one connection' : `${state.connections} connections`;
  tries.of(state.url).note(`only ${told}: it ${failure.message} to one more`);
}

/** A mirror that keeps failing without bringing the file on is not asked again. */
function weaken({ state, openedAt }: Connection, failure: ImageError, setback: Setback): void {
  const { tries, enough, alone } = setback;
  if (!alone) tries.of(state.url).note(`a connection broke: it ${failure.message}`);
  const gained = state.gave - state.gaveBefore;
  if (openedAt > state.failedAt && gained < enough) return drop(state, failure, tries);
  state.gaveBefore = state.gave;
  state.failedAt = performance.now();
  state.broke = failure;
}

/** A mirror is not asked again in this attempt. */
export function drop(state: MirrorState, failure: ImageError, tries: Tries): void {
  state.failure = failure;
  const told = tries.of(state.url);
  if (state.connections > 0) told.fail(failure);
  else told.end(failure);
}

/** A source that does not give parts of its file has one connection. */
export function keepToOne(state: MirrorState, refusal: RangeRefused, tries: Tries): void {
  state.whole = true;
  tries.of(state.url).note(`only one connection: ${refusal.message}`);
}

/** @param liar who sent it, where that is known. @returns what it means when nobody else has it */
export function tellWrong(
  piece: Piece,
  liar: MirrorState | undefined,
  { count, lead, tries }: { readonly count: number; readonly lead: MirrorState; readonly tries: Tries },
): WrongPiece {
  const which = `piece ${piece.number} of ${count} (bytes ${piece.first} to ${piece.end - 1})`;
  if (liar === undefined) {
    const from = [...piece.from].map(displayUrl).join(' and ') || 'an earlier attempt';
    const sentence = `${which}, which came from ${from}, is wrong`;
    tries.of(lead.url).note(sentence);
    return new WrongPiece(sentence);
  }
  const failure = new WrongPiece(`sent ${which} wrong`, displayUrl(liar.url));
  liar.lies += 1;
  if (!liar.usable) liar.failure = failure;
  tries.of(liar.url).end(failure);
  return failure;
}
