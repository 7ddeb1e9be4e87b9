/** What follows for a mirror from a failed connection or a corrupted piece, and what its try says of it. */
import type { ImageError } from '../../../model/failures.ts';
import { displayUrl } from '../../../model/url.ts';
import type { MirrorState } from './mirror-state.ts';
import { WrongPiece } from './pieces.ts';
import type { Piece } from './pieces.ts';
import type { AfterConnection } from './retries.ts';
import type { Tries } from './tries.ts';

/** Milliseconds until an origin that refused one more connection is asked for one again. */
const REFUSED_MS = 10_000;

/**
 * @param next as retries.ts decided
 * @param isLast whether no other connection of the transfer is open
 */
export function applySetback(
  next: AfterConnection,
  state: MirrorState,
  failure: ImageError,
  { tries, isLast }: { readonly tries: Tries; readonly isLast: boolean },
): void {
  const note = (sentence: string): void => tries.of(state.url).note(sentence);
  const hasBroken = next === 'go on' || next === 'drop barren mirror';
  if (hasBroken && !isLast) note(`a connection broke: it ${failure.message}`);
  switch (next) {
    case 'end transfer':
      return;
    case 'begin anew':
      return state.refuseRanges(failure);
    case 'keep one connection':
      state.refuseRanges(failure);
      return note(`only one connection: ${failure.message}`);
    case 'leave to others':
      state.refuseRanges(failure);
      return tries.of(state.url).end(state.lastError ?? failure);
    case 'throttle mirror':
      state.throttle(performance.now() + (failure.retryAfterMs ?? REFUSED_MS));
      if (state.connections > 0) note(`only ${connections(state)}: it ${failure.message} to one more`);
      return;
    case 'go on':
      return state.noteFailure(failure);
    case 'drop mirror':
    case 'drop barren mirror':
      return drop(state, failure, tries);
  }
}

const connections = ({ connections: count }: MirrorState): string =>
  count === 1 ? 'one connection' : `${count} connections`;

/** The try of the mirror goes on as long as connections of the mirror do. */
function drop(state: MirrorState, failure: ImageError, tries: Tries): void {
  state.drop(failure);
  const opened = tries.of(state.url);
  if (state.connections > 0) opened.fail(failure);
  else opened.end(failure);
}

/**
 * @param sender the mirror that sent the piece, if it is known
 * @returns the failure of the fetch when no other mirror has the piece
 */
export function noteCorruptPiece(
  piece: Piece,
  sender: MirrorState | undefined,
  { count, lead, tries }: { readonly count: number; readonly lead: MirrorState; readonly tries: Tries },
): WrongPiece {
  const which = `piece ${piece.number} of ${count} (bytes ${piece.first} to ${piece.end - 1})`;
  if (sender === undefined) {
    const from = [...piece.from].map(displayUrl).join(' and ');
    const sentence = `${which}, which ${from === '' ? 'was on the pool before' : `came from ${from}`}, is wrong`;
    // Of a damaged file any number of pieces may be wrong: one sentence is enough for them.
    tries.of(lead.url).note(from === '' ? 'pieces that were on the pool before are wrong' : sentence);
    return new WrongPiece(sentence);
  }
  const failure = new WrongPiece(`sent ${which} wrong`, displayUrl(sender.url));
  sender.noteCorruptPiece(failure);
  tries.of(sender.url).end(failure);
  return failure;
}
