/**
 * Copies of other hosts, from their doors (model/spread.ts). A peer is no protocol of URLs: its source is made for one
 * download, from what the control side said of the parent. Nothing of a template goes to a door: neither its headers nor its
 * credentials, only the ticket.
 *
 * Every answer is known by its lineage, which stands for the entity tag, also of a published image: bytes of a lineage go on
 * from wherever it is. A copy that is not ready yet answers 503, and is asked again for a minute.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ImageError } from '../../../../model/failures.ts';
import { knownLineage, originVersion } from '../../../../model/messages/lineages.ts';
import { readJson, uuid, read } from '../../../../model/messages/schema.ts';
import { lineageTag, peerUrl } from '../../../../model/spread.ts';
import type { KnownLineage, OriginVersion, PeerSource } from '../../../../model/spread.ts';
import { HOLES_CODING } from '../../../spread/hole-frames.ts';
import { firstBytes } from '../../first-bytes.ts';
import { BUDGETS } from '../../network/budgets.ts';
import type { BodyBudgets, Budgets } from '../../network/budgets.ts';
import { PROBE_LENGTH } from '../../protocol.ts';
import type { OpenedSource, OpenRequest, Source, SourceFacts } from '../../protocol.ts';
import { RangeRefused } from '../../range.ts';
import { exchange } from '../http/exchange.ts';
import type { Exchange } from '../http/exchange.ts';
import { statusError } from '../http/http-errors.ts';
import type { HttpSettings } from '../http/http-options.ts';
import {
  parseContentRange,
  rangeHeaders,
  requireRange,
  resumeHeaders,
  resumeOutcome,
} from '../http/ranges.ts';
import { routeToDoor } from './door-route.ts';
import { watchDoor } from './door-watch.ts';
import type { DoorWatchOptions } from './door-watch.ts';
import { peerBody } from './peer-body.ts';
import { trustDoorOf } from './peer-trust.ts';
import type { PeerIdentity } from './peer-trust.ts';

export interface PeerOptions extends Partial<Budgets> {
  /** Undefined while this host has no certificate for other hosts. */
  readonly identity: () => PeerIdentity | undefined;
  /** Milliseconds without a byte after which the other host is looked at. Default 10 000. */
  readonly silenceMs?: number;
}

/** A copy of another host. */
export interface PeerCopy extends Source {
  /**
   * Waits until the other host knows the SHA-256 of what it gives.
   * @throws ImageError when it cannot be had; the signal's reason when aborted
   */
  digest(signal: AbortSignal): Promise<KnownLineage>;
}

/** Milliseconds for which a copy that is not ready is asked again, and a digest that is not known. */
const READY_MS = 60_000;
const DIGEST_MS = 600_000;
/** Milliseconds between two requests for what is not ready. */
const [MIN_WAIT_MS, MAX_WAIT_MS] = [200, 5000];
/** A door answers at the latest after a minute, when it has waited for a digest. */
const DOOR_MS = 75_000;
const SILENCE_MS = 5000;
/**
 * A host waits so many times as long for another one as that one waits for its own source: else, when the first of a chain
 * waits for its origin, all behind it would give up and ask the origin themselves.
 */
const PATIENCE = 3;
const MAX_ANSWER = 1024;
const MAX_ORIGIN = 65_536;

interface Door extends DoorWatchOptions {
  readonly peer: PeerSource;
  readonly limits: BodyBudgets;
}

export function createPeerCopy(
  peer: PeerSource,
  { identity, silenceMs = SILENCE_MS, ...budgets }: PeerOptions,
): PeerCopy {
  const limits: Budgets = { ...BUDGETS, ...budgets };
  const settings: HttpSettings = {
    ...limits,
    headersMs: Math.max(DOOR_MS, limits.headersMs),
    idleMs: limits.idleMs * PATIENCE,
    // The rate is that of decoded bytes (peer-body.ts).
    minimumRate: 0,
    minimumRateMs: limits.minimumRateMs * PATIENCE,
    maxRedirects: 0,
    trust: trustDoorOf(peer.hostId, identity),
    egress: routeToDoor(peer.address),
  };
  const door: Door = { peer, settings, silenceMs, limits: { ...settings, minimumRate: limits.minimumRate } };
  return {
    open: (request) => asOfPeer(peer, () => open(request, door)),
    async probe(request) {
      const opened = await asOfPeer(peer, () => open(request, door));
      try {
        const { finalUrl, total, etag, lastModified, contentType, ranges } = opened;
        const head = await firstBytes(opened.body, PROBE_LENGTH);
        return { finalUrl, total, etag, lastModified, contentType, ranges, head };
      } finally {
        opened.close();
      }
    },
    digest: (signal) => asOfPeer(peer, () => digest(signal, door)),
  };
}

async function open(request: OpenRequest, door: Door): Promise<OpenedSource> {
  const { resume, range, signal } = request;
  const wanted = range === undefined ? { range: 'bytes=0-', ...resumeHeaders(resume) } : rangeHeaders(range);
  const headers = { te: HOLES_CODING, ...wanted };
  const answer = await whenReady(READY_MS, signal, () => ask('', headers, signal, door));
  try {
    if (range !== undefined) {
      requireStatus(answer, [200, 206, 416], door);
      if (answer.status !== 200) requireRange(range, withLineageTag(answer));
      else throw new RangeRefused('has another lineage now', { changed: true });
      return openedAt(range.first, answer, door);
    }
    requireStatus(answer, resume === undefined ? [200, 206] : [200, 206, 416], door);
    if (resume === undefined) return openedAt(requireBeginning(answer), answer, door);
    const outcome = resumeOutcome(resume, withLineageTag(answer));
    if (outcome.from === 'offset') return openedAt(resume.offset, answer, door);
    if (outcome.reason !== undefined) request.onRestart?.('the other host has another lineage');
    if (outcome.from === 'zero') return openedAt(0, answer, door);
    answer.close();
    return await open({ ...request, resume: undefined }, door);
  } catch (error) {
    answer.close();
    throw error;
  }
}

/** @throws ImageError ProtocolError when the answer does not begin with the first byte */
function requireBeginning({ status, headers }: Exchange): 0 {
  const range = parseContentRange(headers.get('content-range'));
  const isWhole = range?.first === 0 && range.total !== undefined && range.last === range.total - 1;
  if (status === 206 && !isWhole) throw new ImageError('ProtocolError', 'sent other bytes than asked for');
  return 0;
}

function openedAt(offset: number, answer: Exchange, door: Door): OpenedSource {
  const { peer, limits } = door;
  const known = facts(answer, peer);
  const endWatch = watchDoor(answer, door);
  const { first, last } = rangeOf(answer) ?? { first: 0, last: known.total - 1 };
  const { batches, arrived } = peerBody(answer, {
    length: last + 1 - first,
    limits,
    named: (error) => named(peer, error),
    onEnd: endWatch,
  });
  return {
    ...known,
    offset,
    body: batches,
    arrived,
    giveBack: (chunks) => answer.giveBack(chunks),
    close() {
      endWatch();
      answer.close();
    },
  };
}

/** Undefined when the whole is answered. */
const rangeOf = ({ status, headers }: Exchange) =>
  status === 206 ? parseContentRange(headers.get('content-range')) : undefined;

function facts(answer: Exchange, peer: PeerSource): SourceFacts {
  const { status, headers } = answer;
  const length = headers.get('content-length') ?? headers.get('bypass-total') ?? '';
  const whole = /^\d{1,15}$/.test(length) ? Number(length) : 0;
  const total = status === 206 ? (rangeOf(answer)?.total ?? 0) : whole;
  const lineage = lineageIn(headers);
  const origin = originIn(headers, total);
  return {
    finalUrl: peerUrl(peer.hostId),
    total,
    etag: lineageTag(lineage),
    lastModified: undefined,
    contentType: undefined,
    ranges: true,
    passedOn: { lineage, ...(origin === undefined ? {} : { origin }) },
  };
}

type Headers = Exchange['headers'];

/** @throws ImageError ProtocolError */
function lineageIn(headers: Headers): string {
  const { value } = read(uuid(), headers.get('bypass-lineage'));
  if (value !== undefined) return value;
  throw new ImageError('ProtocolError', 'does not say of which lineage its bytes are');
}

/** @throws ImageError ProtocolError when it is there and makes no sense */
function originIn(headers: Headers, total: number): OriginVersion | undefined {
  const given = headers.get('bypass-origin');
  if (given === undefined) return undefined;
  const text = given.length > MAX_ORIGIN ? '' : Buffer.from(given, 'base64url').toString('utf8');
  const { value } = readJson(originVersion, text);
  if (value !== undefined && value.total === total) return value;
  throw new ImageError('ProtocolError', 'does not say rightly from which origin its bytes are');
}

/** A published image has its SHA-256 as tag; its lineage says the same of the version. */
const withLineageTag = ({ status, headers }: Exchange) => ({
  status,
  headers: new Map([...headers, ['etag', lineageTag(lineageIn(headers))]]),
});

async function digest(signal: AbortSignal, door: Door): Promise<KnownLineage> {
  const answer = await whenReady(DIGEST_MS, signal, () => ask('/digest', {}, signal, door));
  try {
    requireStatus(answer, [200], door);
    const { value } = readJson(knownLineage, String(await firstBytes(answer.body, MAX_ANSWER)));
    if (value !== undefined) return value;
    throw new ImageError('ProtocolError', 'does not say rightly which SHA-256 its copy has');
  } finally {
    answer.close();
  }
}

function ask(
  what: '' | '/digest',
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
  { peer, settings }: Door,
): Promise<Exchange> {
  const url = new URL(`https://${peer.address}/v1/copies/${peer.copyId}${what}`);
  return exchange(url, { authorization: `Bearer ${peer.ticket}`, ...headers }, settings, signal);
}

/** Asks again while the door answers that it is not ready. @returns the last answer */
async function whenReady(
  patienceMs: number,
  signal: AbortSignal,
  request: () => Promise<Exchange>,
): Promise<Exchange> {
  const ends = performance.now() + patienceMs;
  for (;;) {
    const answer = await request();
    if (answer.status !== 503 || performance.now() >= ends) return answer;
    answer.close();
    const seconds = Number(answer.headers.get('retry-after') ?? 1);
    const ms = Number.isFinite(seconds) ? seconds * 1000 : 0;
    await sleep(Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, ms)), undefined, { signal }).catch(
      () => undefined,
    );
    signal.throwIfAborted();
  }
}

function requireStatus(answer: Exchange, accepted: readonly number[], { settings }: Door): void {
  if (!accepted.includes(answer.status)) throw statusError(answer, answer.url, settings.retryAfterMostMs);
}

/** Failures name the host, not the address of its door. */
async function asOfPeer<T>(peer: PeerSource, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw named(peer, error);
  }
}

function named({ hostId }: PeerSource, error: unknown): unknown {
  if (!(error instanceof ImageError)) return error;
  const url = peerUrl(hostId);
  if (error instanceof RangeRefused) return new RangeRefused(error.message, { changed: error.changed, url });
  const { kind, message, retryAfterMs } = error;
  return new ImageError(kind, message, {
    url,
    cause: error,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
