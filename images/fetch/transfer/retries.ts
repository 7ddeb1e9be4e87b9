/**
 * Where this host decides what is tried again after a failure of a fetch. From the smallest unit to the largest:
 *
 * 1. A connection fails (`afterConnection`): its mirror goes on as before, with fewer connections, with one, or not at
 *    all; or the transfer ends.
 * 2. A piece turns out wrong (`fetchesPieceAgain`): another mirror sends it; or the transfer ends.
 * 3. A transfer ends early (`afterTransfer`): the same mirror leads another one, which goes on from the bytes that the
 *    sink holds or begins anew; or the mirror has failed.
 * 4. The complete file is wrong (`afterRefusedFile`): its bytes go, and where several mirrors sent them, each is tried by
 *    itself; or the mirror has failed.
 * 5. A mirror has failed (`firstThatWorks`): the next one leads; or the fetch has failed, with the `verdict` over all.
 *
 * What a failed fetch means for the deployment is decided by its workflow (model/rules/), and what a kind of failure means
 * by the one table (model/failures.ts). Only HTTP repeats a request by itself, once: without the resume point that the
 * server did not accept.
 */
import { ImageError } from '../../../model/failures.ts';
import { RangeRefused } from '../range.ts';
import type { MirrorState } from './mirror-state.ts';
import { WrongPiece } from './pieces.ts';

/** Of the file, what a mirror must send between two failures to be forgiven; at most so many bytes. */
const [MIN_GAIN, MAX_MIN_GAIN_BYTES] = [1 / 100, 4 * 1_048_576];

export interface FailedConnection {
  /** The connection no longer counts among those of its mirror. */
  readonly mirror: MirrorState;
  /** Whether it brought bytes. */
  readonly flowing: boolean;
  /** On the clock of performance.now(). */
  readonly openedAt: number;
  /** Bytes of the file; 0 when unknown. */
  readonly total: number;
  /** Whether other mirrors may be asked for the bytes that are missing. */
  readonly othersMayContinue: boolean;
}

export type AfterConnection =
  /** The transfer ends: no mirror is the cause, or what came is wrong. */
  | 'end transfer'
  /** The mirror gives no parts, and the connection that it has left goes on alone. */
  | 'keep one connection'
  /** The mirror gives no parts, and other mirrors send what is missing. */
  | 'leave to others'
  /** The mirror gives no parts, and nobody else does: the transfer ends, and the next one begins anew. */
  | 'begin anew'
  /** Another request would end the same. */
  | 'drop mirror'
  /** The mirror brought too little since its last failure. */
  | 'drop barren mirror'
  /** The origin takes no more connections than it has. */
  | 'throttle mirror'
  /** The mirror is forgiven, since it brought the file on. */
  | 'go on';

export function afterConnection(error: unknown, failed: FailedConnection): AfterConnection {
  if (!(error instanceof ImageError)) return 'end transfer';
  const { mirror, flowing, openedAt, total, othersMayContinue } = failed;
  const { sameMirror, otherMirror } = error.consequences;
  if (otherMirror !== 'next' && otherMirror !== 'beside') return 'end transfer';
  // From a mirror that has given parts, a mere status says that this connection was one too many.
  if (error instanceof RangeRefused && !(error.byStatus && mirror.supportsRanges)) {
    const isOtherVersion = error.changed && mirror.supportsRanges;
    if (mirror.connections > 0 && !isOtherVersion) return 'keep one connection';
    return othersMayContinue ? 'leave to others' : 'begin anew';
  }
  if (sameMirror === 'drop') return 'drop mirror';
  if (error.class === 'time' || (!flowing && mirror.connections > 0)) return 'throttle mirror';
  const enough = Math.max(1, Math.min(total * MIN_GAIN, MAX_MIN_GAIN_BYTES));
  const isBarren = openedAt > mirror.lastFailedAt && mirror.bytesSinceFailure < enough;
  return isBarren ? 'drop barren mirror' : 'go on';
}

/**
 * @param times how often the piece was wrong
 * @param mirrors all of them, and those that may still have the right piece
 */
export const fetchesPieceAgain = (
  times: number,
  { all, left }: { readonly all: number; readonly left: number },
): boolean => left > 0 && times <= all + 1;

export interface EndedTransfer {
  readonly lead: MirrorState;
  /** Whether an earlier transfer of this mirror began anew. */
  readonly isAnew: boolean;
  /** Bytes that the sink holds now and did not hold after the transfer before. */
  readonly gained: number;
  /** Bytes of the file; 0 when unknown. */
  readonly total: number;
  /** Whether every piece of the file is checked by itself. */
  readonly pieces: boolean;
}

export type AfterTransfer = 'begin anew' | 'reconnect' | 'mirror has failed';

export function afterTransfer(error: unknown, ended: EndedTransfer): AfterTransfer {
  const { lead, isAnew, gained, total, pieces } = ended;
  if (!(error instanceof ImageError)) return 'mirror has failed';
  if (error instanceof RangeRefused && lead.refusal !== undefined && !isAnew) return 'begin anew';
  // Only a strong tag, or the hashes of pieces, prove that the rest is of the same version.
  const mayResume = !lead.isDropped && (lead.etag !== undefined || pieces);
  const isWorthIt = gained >= Math.max(1, total * MIN_GAIN);
  return error.consequences.sameMirror === 'reconnect' && mayResume && isWorthIt
    ? 'reconnect'
    : 'mirror has failed';
}

export interface RefusedFile {
  readonly lead: MirrorState;
  /** Mirrors whose bytes the sink holds. */
  readonly contributors: readonly MirrorState[];
  readonly pieces: boolean;
  /** Whether the sink holds bytes that came from others in earlier attempts. */
  readonly strangers: boolean;
  /** Whether each mirror is tried by itself already. */
  readonly alone: boolean;
}

export type AfterRefusedFile =
  /** The failure is not one of the bytes: the sink keeps them. */
  | 'keep bytes'
  /** Nobody knows which of several mirrors sent the wrong bytes: each is tried by itself, from the beginning. */
  | 'each alone'
  | 'next mirror'
  /** All pieces were right, so that each mirror would send the same. */
  | 'drop all mirrors';

export function afterRefusedFile(error: unknown, refused: RefusedFile): AfterRefusedFile {
  const { lead, contributors, pieces, strangers, alone } = refused;
  const isWrong =
    error instanceof ImageError && !error.consequences.keepsBytes && !(error instanceof WrongPiece);
  if (isWrong && strangers && !pieces && !alone) return 'each alone';
  if (!isWrong || !contributors.includes(lead)) return 'keep bytes';
  if (pieces) return 'drop all mirrors';
  return contributors.length > 1 && !alone ? 'each alone' : 'next mirror';
}

/**
 * Tries mirrors until one works. After wrong content one other mirror is tried, and no third one.
 * @throws ImageError the verdict over all that failed; at once for what no other mirror can mend
 */
export async function firstThatWorks<M, T>(
  mirrors: Iterable<M>,
  attempt: (mirror: M) => Promise<T>,
): Promise<T> {
  const failed: ImageError[] = [];
  for (const mirror of mirrors) {
    try {
      return await attempt(mirror);
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      const { otherMirror } = error.consequences;
      if (otherMirror !== 'next' && otherMirror !== 'once') throw error;
      const wasLastChance = failed.some((earlier) => earlier.consequences.otherMirror === 'once');
      failed.push(error);
      if (wasLastChance) break;
    }
  }
  throw verdict(failed);
}

/** Of several failures, the most useful one for the next decision. */
export function verdict(failed: readonly ImageError[]): ImageError {
  const soonest = failed
    .filter((failure) => failure.class === 'time')
    .toSorted((a, b) => (a.retryAfterMs ?? Infinity) - (b.retryAfterMs ?? Infinity))[0];
  return (
    failed.find((failure) => failure.class === 'content') ??
    soonest ??
    failed.findLast(({ consequences }) => consequences.sameMirror === 'reconnect') ??
    failed.at(-1) ??
    new ImageError('NotFound', 'there is no URL to download from')
  );
}
