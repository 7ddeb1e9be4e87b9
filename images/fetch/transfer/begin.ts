/**
 * The first connection of a transfer. It asks for the first bytes that the sink does not hold, where the mirror may give a
 * part of the file; else for all from the end of what the sink holds, if the mirror proves that the file is the same; else
 * for the whole file, and the sink forgets its bytes.
 */
import { ImageError } from '../../../model/failures.ts';
import { counted } from '../../../model/grammar.ts';
import { displayUrl } from '../../../model/url.ts';
import { beginsGzip } from './gzip.ts';
import { changedOn } from './source-change.ts';
import { mixes } from './fetching.ts';
import type { Fetching } from './fetching.ts';
import type { FetchTask } from '../task.ts';
import { RangeRefused } from '../range.ts';
import { ORIGIN } from '../sink.ts';
import type { OpenedSource, OpenRequest } from '../protocol.ts';
import { mayGivePart } from './mirror-choice.ts';
import type { MirrorState } from './mirror-state.ts';
import { gapsIn } from '../../spans.ts';

export interface Begun {
  readonly source: OpenedSource;
  /** The position after the last byte that the source is going to send; Infinity when it does not say. */
  readonly responseEnd: number;
  /** Bytes of the file; 0 when unknown. */
  readonly total: number;
}

/** @param note gets the reason why it begins at the beginning although the sink holds bytes */
export async function begin(
  lead: MirrorState,
  fetching: Fetching,
  { signal, note }: { readonly signal: AbortSignal; readonly note: (sentence: string) => void },
): Promise<Begun> {
  const { task, mirrors } = fetching;
  const { sink } = task;
  const part = await openPart(lead, fetching, signal, note);
  if (part !== undefined) return part;
  const { url } = lead;
  const { held } = sink;
  const { total = 0 } = sink.recorded ?? {};
  const [prefix, ...beyond] = held;
  const mayResume = lead.contributed && lead.etag !== undefined && prefix?.first === 0 && beyond.length === 0;
  const resume = mayResume ? { offset: prefix.end, etag: lead.etag ?? '', total } : undefined;
  const gzip = await beginsGzip(sink);
  const asked: OpenRequest = { url, secrets: task.secrets, signal, resume, gzip, onRestart: note };
  const source = await task.sources.for(url).open(asked);
  try {
    requireLength(source, task);
    if (source.offset === 0 && held.length > 0) {
      await sink.restart();
      mirrors.forget();
    }
  } catch (error) {
    source.close();
    throw error;
  }
  return { source, responseEnd: source.total || Infinity, total: source.total || task.size };
}

/** Asks for the first gap. @returns undefined where the file is to be asked for from the beginning or from the end of what is held */
async function openPart(
  lead: MirrorState,
  fetching: Fetching,
  signal: AbortSignal,
  note: (sentence: string) => void,
): Promise<Begun | undefined> {
  const { task, pieces } = fetching;
  const { sink } = task;
  const { held } = sink;
  const total = sink.recorded?.total ?? task.size;
  const [gap] = gapsIn(held, total);
  // With a checksum, bytes of any lineage may follow: another host is asked for them without a condition.
  const isAnyLineage = lead.giver !== ORIGIN && mixes(fetching);
  const justBegun =
    pieces === undefined &&
    !isAnyLineage &&
    lead.contributed &&
    lead.etag !== undefined &&
    held.length === 1 &&
    held[0]?.first === 0;
  if (held.length === 0 || gap === undefined || (justBegun && gap.end === total)) return undefined;
  if (lead.refusal !== undefined) return undefined;
  if (!mayGivePart(lead, pieces !== undefined) || !mayAdd(lead, fetching)) return undefined;
  const etag = pieces === undefined && !isAnyLineage ? lead.etag : undefined;
  const range = { first: gap.first, last: gap.end - 1, total, etag };
  try {
    const { url } = lead;
    const gzip = await beginsGzip(sink);
    const source = await task.sources.for(url).open({ url, secrets: task.secrets, signal, range, gzip });
    return { source, responseEnd: gap.end, total };
  } catch (error) {
    if (!(error instanceof RangeRefused)) throw error;
    lead.refuseRanges(error);
    if (mixes(fetching) && fetching.mirrors.othersMayContinue(lead))
      throw new ImageError(error.kind, error.message, about(error));
    note(error.message);
    return undefined;
  }
}

const about = ({ url }: ImageError): { readonly url?: string } => (url === undefined ? {} : { url });

/** Bytes of several origins come together only where a checksum proves in the end that they are of one file. */
const mayAdd = (lead: MirrorState, fetching: Fetching): boolean =>
  mixes(fetching) || !fetching.mirrors.othersContributed(lead);

function requireLength(source: OpenedSource, { size, verifiable }: FetchTask): void {
  if (source.total > 0 && size > 0 && source.total !== size) {
    const when = changedOn(source);
    const sentence = `has ${counted(source.total, 'byte')}; ${size} were registered`;
    throw new ImageError('SizeMismatch', when === undefined ? sentence : `${sentence}: it ${when}`);
  }
  if (source.total === 0 && size === 0 && !verifiable) {
    const url = displayUrl(source.finalUrl);
    const sentence = 'does not say how long the file is, and no checksum was given to tell';
    throw new ImageError('ProtocolError', sentence, { url });
  }
}
