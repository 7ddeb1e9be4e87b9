/** Serves a copy: what is published, or what is on its way, as far as its bytes are good. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RateLimit } from '../../images/fetch/rate-limit.ts';
import type { CopyFacts, OpenCopies, PublishedCopy, ServedPart } from '../../images/spread/open-copies.ts';
import type { Span } from '../../images/spans.ts';
import { imageTag, lineageTag } from '../../model/spread.ts';
import type { KnownLineage } from '../../model/spread.ts';
import type { Asked } from './asked.ts';
import type { Counter } from './counts.ts';
import { Refused } from './refusal.ts';
import { represent } from './representation.ts';
import { chunksOf, send } from './sending.ts';
import type { DoorTimes } from './times.ts';
import type { Uploads } from './uploads.ts';

export interface Serving {
  readonly copies: OpenCopies;
  readonly rate: RateLimit;
  readonly uploads: Uploads;
  readonly times: DoorTimes;
  readonly counter: Counter;
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** @throws Refused before any header is sent; Stalled, PartGone or an error of the connection afterwards */
export async function serveBytes(
  { hostId, copyId }: Asked,
  { request, response }: Exchange,
  { copies, rate, uploads, times, counter }: Serving,
): Promise<void> {
  const upload = uploads.begin(hostId, copyId);
  const signal = AbortSignal.any([upload.signal, closing(response)]);
  signal.addEventListener('abort', () => request.socket.destroy(), { once: true });
  try {
    const copy = await within(times.copyMs, signal, (until) =>
      copies.until(copyId, async () => (await published(copies, copyId)) ?? onItsWay(copies, copyId), until),
    );
    try {
      const { status, headers, span, encode } = represent(copy.facts, copy.tag, request.headers);
      response.writeHead(status, headers);
      response.flushHeaders();
      counter.began();
      const onSent = (bytes: number): void => counter.sent(bytes);
      await send(response, copy.read(span, signal), { encode, rate, signal, stallMs: times.stallMs, onSent });
      response.end();
    } finally {
      await copy.close();
    }
  } finally {
    upload.end();
  }
}

/** Answers what the bytes of a copy are, once that is known here. */
export async function serveDigest(
  { copyId }: Asked,
  { response }: Exchange,
  { copies, times }: Serving,
): Promise<void> {
  const known = await within(times.digestMs, closing(response), (until) =>
    copies.until(copyId, async () => digestOf(copies, copyId), until),
  );
  const text = JSON.stringify(known);
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(text);
}

interface Readable {
  readonly facts: CopyFacts;
  readonly tag: string;
  read(span: Span, signal: AbortSignal): AsyncIterable<Buffer>;
  close(): Promise<void>;
}

async function published(copies: OpenCopies, copyId: string): Promise<Readable | undefined> {
  const copy: PublishedCopy | undefined = await copies.published(copyId);
  if (copy === undefined) return undefined;
  const { file, ...facts } = copy;
  return {
    facts,
    tag: imageTag(copy.sha256),
    read: (span) => chunksOf(file, span),
    close: () => file.close(),
  };
}

function onItsWay(copies: OpenCopies, copyId: string): Readable | undefined {
  const part: ServedPart | undefined = copies.part(copyId);
  if (part === undefined) return undefined;
  return {
    facts: part,
    tag: lineageTag(part.lineage),
    read: (span, signal) => part.read(span, signal),
    close: () => Promise.resolve(),
  };
}

async function digestOf(copies: OpenCopies, copyId: string): Promise<KnownLineage | undefined> {
  const copy = await copies.published(copyId);
  await copy?.file.close();
  const { sha256, lineage } = copy ?? copies.part(copyId) ?? {};
  return sha256 === undefined || lineage === undefined ? undefined : { lineage, sha256 };
}

/** Aborted when the connection is closed before the answer is complete. A complete one leaves it open for the next request. */
function closing(response: ServerResponse): AbortSignal {
  const stop = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) stop.abort(new Error('the connection was closed'));
  });
  return stop.signal;
}

/** @throws Refused when the time is over; the signal's reason */
async function within<T>(
  ms: number,
  signal: AbortSignal,
  wait: (until: AbortSignal) => Promise<T>,
): Promise<T> {
  const time = new AbortController();
  const timer = setTimeout(() => time.abort(), ms);
  try {
    return await wait(AbortSignal.any([signal, time.signal]));
  } catch (error) {
    signal.throwIfAborted();
    if (!time.signal.aborted) throw error;
    const refusal = { status: 503, reason: 'absent' } as const;
    throw new Refused(refusal, 'this host does not have the copy yet', { 'retry-after': '5' });
  } finally {
    clearTimeout(timer);
  }
}
