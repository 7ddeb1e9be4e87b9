/** What a fetch is asked for, and what it needs for it. */
import type { Try } from '../../model/payloads.ts';
import type { Phase } from '../../model/progress.ts';
import type { Mirror, Secrets } from '../../model/source.ts';
import type { Span } from '../spans.ts';
import type { Sources } from './sources.ts';
import type { PieceHashes } from './piece-hashes.ts';
import type { RateLimit } from './rate-limit.ts';
import type { Sink } from './sink.ts';

export interface FetchTask {
  readonly sink: Sink;
  readonly sources: Pick<Sources, 'for'>;
  /** At least one. */
  readonly mirrors: readonly Mirror[];
  /** Bytes of the file as registered; 0 when unknown. */
  readonly size: number;
  /** Whether a checksum tells in the end if all bytes are of one file: only then are mirrors mixed. */
  readonly verifiable: boolean;
  /** Hashes of pieces, where a metalink gives them, and what computes those of bytes that the sink holds. */
  readonly pieces?: { readonly hashes: PieceHashes; hash(span: Span): Promise<string> } | undefined;
  readonly secrets?: Secrets | undefined;
  readonly rateLimit: RateLimit;
  /** Connections to one origin, at most. Default 16. */
  readonly connections?: number | undefined;
  /** Aborting keeps the bytes that the sink holds. */
  readonly signal: AbortSignal;
  /** Looks at the first bytes of the file. It throws an ImageError when they cannot be of the file that is wanted. */
  readonly head: { readonly length: number; check(head: Buffer, total: number): void };
  readonly progress: FetchProgress;
  /** Gets each try as it ends. */
  readonly onTry: (ended: Try) => void;
  /** Sentences for the first try. */
  readonly remarks: readonly string[];
}

export interface FetchProgress {
  phase(
    phase: Phase,
    change?: { readonly source?: string; readonly total?: number; readonly bytes?: number },
  ): void;
  /** @param sent how many of them came over the line: zeros may not */
  addFetched(count: number, sent: number): void;
}
