/** The first connection of a transfer: it goes on where bytes are missing, or begins at the beginning. */
import { ImageError } from '../../model/failures.ts';
import { displayUrl } from '../../model/url.ts';
import type { Attempt } from '../attempt.ts';
import { RangeRefused } from '../sources/range.ts';
import type { OpenedSource, OpenRequest } from '../sources/source.ts';
import { mayGivePart } from './mirror-state.ts';
import type { MirrorState } from './mirror-state.ts';
import { gapsIn } from './spans.ts';

export interface Begun {
  readonly source: OpenedSource;
  /** The byte behind the last one that the source is going to send; Infinity when it does not say. */
  readonly responseEnd: number;
  /** Bytes of the file; 0 when unknown. */
  readonly total: number;
}

/** @param note told why it begins at the beginning although bytes are here */
export async function begin(
  lead: MirrorState,
  attempt: Attempt,
  { signal, note }: { readonly signal: AbortSignal; readonly note: (sentence: string) => void },
): Promise<Begun> {
  const { request, deps, intake } = attempt;
  const part = await openPart(lead, attempt, signal, note);
  if (part !== undefined) return part;
  const { url } = lead;
  const { held } = intake;
  const { total = 0 } = intake.part.checkpoint ?? {};
  const [prefix, ...beyond] = held;
  const mayResume = lead.here && lead.etag !== undefined && prefix?.first === 0 && beyond.length === 0;
  const resume = mayResume ? { offset: prefix.end, etag: lead.etag ?? '', total } : undefined;
  const asked: OpenRequest = { url, secrets: request.secrets, signal, resume, onRestart: note };
  const source = await deps.sources.for(url).open(asked);
  try {
    requireLength(source, attempt);
    if (source.offset === 0 && held.length > 0) {
      await intake.restart();
      attempt.mirrors.forget();
    }
  } catch (error) {
    source.close();
    throw error;
  }
  return { source, responseEnd: source.total || Infinity, total: source.total || request.size };
}

/** The first gap, where what is here is not just a beginning that this mirror gave, or where another one gave it. */
async function openPart(
  lead: MirrorState,
  attempt: Attempt,
  signal: AbortSignal,
  note: (sentence: string) => void,
): Promise<Begun | undefined> {
  const { request, deps, intake, pieces } = attempt;
  const { held } = intake;
  const total = intake.part.checkpoint?.total ?? request.size;
  const [gap] = gapsIn(held, total);
  const justBegun = lead.here && lead.etag !== undefined && held.length === 1 && held[0]?.first === 0;
  if (held.length === 0 || gap === undefined || (justBegun && gap.end === total)) return undefined;
  if (!mayGivePart(lead, pieces !== undefined) || !mayAdd(lead, attempt)) return undefined;
  const range = { first: gap.first, last: gap.end - 1, total, etag: lead.etag };
  try {
    const { url } = lead;
    const source = await deps.sources.for(url).open({ url, secrets: request.secrets, signal, range });
    return { source, responseEnd: gap.end, total };
  } catch (error) {
    if (!(error instanceof RangeRefused)) throw error;
    if (othersMayDo(lead, attempt))
      throw (lead.failure = new ImageError(error.kind, error.message, about(error)));
    note(error.message);
    return undefined;
  }
}

const about = ({ url }: ImageError): { readonly url?: string } => (url === undefined ? {} : { url });

/** Whether another mirror may go on where this one does not. */
const othersMayDo = (lead: MirrorState, { mirrors, request, alone }: Attempt): boolean =>
  request.checksum !== undefined && !alone && mirrors.all.some((state) => state !== lead && state.usable);

/** Bytes of several origins come together only where a checksum tells in the end whether they are of one file. */
function mayAdd(lead: MirrorState, { request, mirrors, alone }: Attempt): boolean {
  const others = mirrors.all.some((state) => state !== lead && state.here);
  return !others || (request.checksum !== undefined && !alone);
}

function requireLength(source: OpenedSource, { request }: Attempt): void {
  const { size, checksum } = request;
  if (source.total > 0 && size > 0 && source.total !== size) {
    throw new ImageError('SizeMismatch', `has ${source.total} bytes; ${size} were registered`);
  }
  if (source.total === 0 && size === 0 && checksum === undefined) {
    const url = displayUrl(source.finalUrl);
    const sentence = 'does not say how long the file is, and no checksum was given to tell';
    throw new ImageError('ProtocolError', sentence, { url });
  }
}
