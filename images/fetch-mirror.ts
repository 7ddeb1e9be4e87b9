/** All bytes of one mirror, over as many connections as bring them on. */
import { ImageError } from '../model/failures.ts';
import type { Try } from '../model/payloads.ts';
import type { Mirror } from '../model/source.ts';
import { displayUrl } from '../model/url.ts';
import type { DownloadDeps, DownloadRequest } from './download-request.ts';
import { diskError } from './files.ts';
import { evidenceOf } from './inspection/refusal.ts';
import type { Intake, Origin } from './intake.ts';
import type { ProgressMeter } from './progress-meter.ts';
import { strongEtag } from './sources/range.ts';
import type { OpenedSource } from './sources/source.ts';
import { transfer } from './transfer.ts';

export interface Attempt {
  readonly request: DownloadRequest;
  readonly deps: DownloadDeps;
  readonly meter: ProgressMeter;
  readonly tries: Try[];
  readonly intake: Intake;
}

/**
 * Fetches all from one mirror, reconnecting as long as that brings the file on by a hundredth each time.
 * @param finish looks at the whole file; when it fails, so did the try that brought the last bytes
 */
export async function fetchFrom<T>(mirror: Mirror, attempt: Attempt, finish: () => Promise<T>): Promise<T> {
  const { intake, request } = attempt;
  for (let farthest = intake.position; ;) {
    try {
      return await fetchOnce(mirror, attempt, finish);
    } catch (error) {
      request.signal.throwIfAborted();
      const cut =
        error instanceof ImageError && (error.kind === 'ConnectionLost' || error.kind === 'Stalled');
      const { total = 0, etag } = intake.part.checkpoint ?? {};
      const gained = intake.position - farthest;
      if (!cut || etag === undefined || gained < Math.max(1, total / 100)) throw error;
      farthest = intake.position;
    }
  }
}

async function fetchOnce<T>(mirror: Mirror, attempt: Attempt, finish: () => Promise<T>): Promise<T> {
  const { request, intake, meter, tries } = attempt;
  const begun = intake.part.checkpoint;
  const whole = begun?.url === mirror.url && begun.offset === begun.total;
  const startedAt = new Date().toISOString();
  const before = meter.fetched;
  let note: string | undefined;
  let failure: ImageError | undefined;
  try {
    if (!whole) {
      const source = await openMirror(mirror, attempt, (reason) => (note = reason));
      await receive(source, mirror, attempt);
    }
    return await finish();
  } catch (error) {
    const known = diskError(error);
    if (known instanceof ImageError) failure = withUrl(known, mirror.url);
    throw failure ?? error;
  } finally {
    const evidence = evidenceOf(failure);
    const ended: Try = {
      source: displayUrl(mirror.url),
      startedAt,
      endedAt: new Date().toISOString(),
      bytes: meter.fetched - before,
      ...(failure === undefined ? {} : { failure: failure.toFailure() }),
      ...(evidence === undefined ? {} : { evidence }),
      ...(note === undefined ? {} : { note }),
    };
    // What asked no source, and went well, was no try.
    if (!whole || failure !== undefined) {
      tries.push(ended);
      request.onTry?.(ended);
    }
  }
}

function openMirror(
  mirror: Mirror,
  { request, deps, meter, intake }: Attempt,
  onRestart: (reason: string) => void,
): Promise<OpenedSource> {
  const begun = intake.part.checkpoint;
  meter.phase('connecting', { source: displayUrl(mirror.url) });
  const resume =
    begun?.url === mirror.url && begun.etag !== undefined && begun.offset > 0
      ? { offset: begun.offset, etag: begun.etag, total: begun.total }
      : undefined;
  const { secrets, signal } = request;
  return deps.sources.for(mirror.url).open({ url: mirror.url, secrets, signal, resume, onRestart });
}

async function receive(source: OpenedSource, mirror: Mirror, attempt: Attempt): Promise<void> {
  const { request, deps, meter, intake } = attempt;
  try {
    requireLength(source, request);
  } catch (error) {
    source.close();
    throw error;
  }
  const etag = strongEtag(source.etag);
  const total = source.total || request.size;
  const { hostId, rateLimit } = deps;
  const origin: Origin = {
    hostId,
    url: mirror.url,
    finalUrl: source.finalUrl,
    total,
    ...(etag === undefined ? {} : { etag }),
  };
  meter.phase('downloading', { total, bytes: source.offset });
  const { format, signal } = request;
  await transfer(source, intake, {
    origin,
    format,
    limits: deps.limits,
    rateLimit,
    signal,
    onBytes: (count) => meter.addFetched(count),
  });
}

function requireLength(source: OpenedSource, { size, checksum }: DownloadRequest): void {
  if (source.total > 0 && size > 0 && source.total !== size) {
    throw new ImageError('SizeMismatch', `has ${source.total} bytes; ${size} were registered`);
  }
  if (source.total === 0 && size === 0 && checksum === undefined) {
    throw new ImageError(
      'ProtocolError',
      'does not say how long the file is, and no checksum was given to tell',
    );
  }
}

/** Says of a failure which mirror it is about, unless it is about this host. */
export function withUrl(error: ImageError, url: string): ImageError {
  if (error.url !== undefined || error.class === 'host' || error.class === 'space') return error;
  const { kind, message, rule, retryAfterMs } = error;
  return new ImageError(kind, message, {
    url: displayUrl(url),
    cause: error,
    ...(rule === undefined ? {} : { rule }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
