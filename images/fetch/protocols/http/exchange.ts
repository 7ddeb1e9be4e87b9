/** One HTTP request on a connection of its own, and its answer. It follows no redirect and interprets no status. */
import type { TLSSocket } from 'node:tls';
import { types } from 'node:util';
import { Client } from 'undici';
import type { buildConnector, Dispatcher } from 'undici';
import { ImageError } from '../../../../model/failures.ts';
import { watchBody } from '../../network/body-watch.ts';
import { duration } from '../../network/budgets.ts';
import { ChunkQueue } from '../../network/chunk-queue.ts';
import { connectTo } from '../../network/connect.ts';
import type { Route } from '../../network/egress-policy.ts';
import { finishAfterGoaway } from './goaway.ts';
import { outOfTime, transportError } from './http-errors.ts';
import type { HttpPhase } from './http-errors.ts';
import type { HttpSettings } from './http-options.ts';
import { passOverContinue } from './informational.ts';
import { ReadBuffers } from '../../network/read-buffers.ts';
import { gateReading } from './read-gate.ts';
import type { ReadGate } from './read-gate.ts';
import { proxyCredentials } from '../../network/tunnel.ts';
import { OutOfTime } from '../../protocol.ts';
import { errnoOf } from '../../../../platform/errno.ts';

/** Bytes: the flow-control window of HTTP/2. */
const WINDOW = 8 * 1_048_576;
/** Bytes of an answer's headers: a mirror may send a long list of other mirrors. */
const MAX_HEADERS = 262_144;
/** Informational answers (1xx) before the real one. */
const MAX_INFORMATIONAL = 32;

export interface Exchange {
  readonly url: URL;
  readonly status: number;
  /** Lower-case names; a repeated header's values are joined by commas. */
  readonly headers: ReadonlyMap<string, string>;
  /** Lower-case names of headers that came more than once, with different values. */
  readonly repeated: ReadonlySet<string>;
  readonly body: ChunkQueue;
  /** Returns chunks for reuse; see OpenedSource. */
  giveBack(chunks: readonly Buffer[]): void;
  close(): void;
}

/** @throws ImageError for everything but an answer; the signal's reason when aborted. */
export function exchange(
  url: URL,
  headers: Readonly<Record<string, string>>,
  settings: HttpSettings,
  signal: AbortSignal,
): Promise<Exchange> {
  signal.throwIfAborted();
  const leaving = new AbortController();
  return new Promise((resolve, reject) => {
    let client: Client | undefined;
    const stop = (reason: Error): void => {
      leaving.abort(reason);
      client?.destroy(reason).catch(() => undefined);
    };
    const onAbort = (): void => {
      stop(asError(signal.reason));
      handler.fail(asError(signal.reason));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const release = (): void => {
      signal.removeEventListener('abort', onAbort);
      stop(new Error('the exchange is over'));
    };
    const handler = new AnswerHandler(url, settings, signal, { resolve, reject, release });
    const onPhase = (phase: HttpPhase): void => handler.enter(phase);
    const connect =
      (route: Route): buildConnector.connector =>
      (_options, callback) => {
        const buffers = new ReadBuffers();
        handler.buffers = buffers;
        connectTo(url, route, {
          secure: url.protocol === 'https:',
          settings,
          onPhase,
          signal: leaving.signal,
          buffers,
        }).then(
          (socket) => {
            handler.enter('headers');
            // For a TLS alert undici only reports that the other side closed.
            socket.once('error', (error) => {
              if (errnoOf(error)?.startsWith('ERR_SSL_') === true) handler.alert = error;
            });
            passOverContinue(socket, () => handler.countInformational(100));
            callback(null, socket);
            if ((socket as TLSSocket).alpnProtocol === 'h2') finishAfterGoaway(socket);
            else handler.gate = gateReading(socket);
          },
          (error: unknown) => callback(asError(error), null),
        );
      };
    const send = (route: Route): void => {
      if (leaving.signal.aborted) return;
      // This module measures all time; undici's own limits, which are coarser, are off.
      client = new Client(url.origin, {
        connect: connect(route),
        allowH2: true,
        maxHeaderSize: MAX_HEADERS,
        headersTimeout: 0,
        bodyTimeout: 0,
        initialWindowSize: WINDOW,
        connectionWindowSize: WINDOW,
      });
      client.dispatch({ ...requestBy(route, url, headers), method: 'GET' }, handler);
    };
    handler.enter('dns');
    settings.egress.route(url, settings.dnsMs).then(send, (error: unknown) => handler.fail(asError(error)));
  });
}

/** A proxy that forwards requests needs the whole URL. */
function requestBy(
  { proxy }: Route,
  url: URL,
  headers: Readonly<Record<string, string>>,
): { readonly path: string; readonly headers: Record<string, string> } {
  if (proxy?.forwards !== true) return { path: url.pathname + url.search, headers: { ...headers } };
  return { path: url.href, headers: { ...headers, ...proxyCredentials(proxy.url) } };
}

interface Outcome {
  resolve(answer: Exchange): void;
  reject(error: unknown): void;
  /** Frees the connection. */
  release(): void;
}

class AnswerHandler implements Dispatcher.DispatchHandler {
  readonly #url: URL;
  readonly #settings: HttpSettings;
  readonly #signal: AbortSignal;
  readonly #outcome: Outcome;
  /** Holds back an HTTP/1.1 connection; HTTP/2 has flow control. */
  gate: ReadGate | undefined;
  /** Memory that the connection reads into. */
  buffers: ReadBuffers | undefined;
  /** The server's TLS alert. */
  alert: Error | undefined;
  #phase: HttpPhase = 'dns';
  #informational = 0;
  #answerTimer: NodeJS.Timeout | undefined;
  #over = false;
  #body: ChunkQueue | undefined;
  #count: (bytes: number) => void = () => undefined;
  #stopWatch: () => void = () => undefined;

  constructor(url: URL, settings: HttpSettings, signal: AbortSignal, outcome: Outcome) {
    this.#url = url;
    this.#settings = settings;
    this.#signal = signal;
    this.#outcome = outcome;
  }

  /** Records the step that begins. */
  enter(phase: HttpPhase): void {
    if (this.#over) return;
    this.#phase = phase;
    if (phase !== 'headers') return;
    const { headersMs } = this.#settings;
    this.#answerTimer = setTimeout(() => {
      const limit = `${duration(headersMs)} (limit for headers)`;
      this.fail(new ImageError('Stalled', `accepted the connection but did not answer within ${limit}`));
    }, headersMs);
  }

  onRequestStart(): void {
    // The limit for headers runs since the connection was made.
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (this.#over) return;
    if (status < 200) return this.countInformational(status);
    clearTimeout(this.#answerTimer);
    this.#phase = 'body';
    const close = (): void => this.#finish();
    const body = new ChunkQueue({
      pause: () => (this.gate === undefined ? controller.pause() : this.gate.shut()),
      resume: () => (this.gate === undefined ? controller.resume() : this.gate.open()),
      cancel: close,
    });
    this.#body = body;
    const watch = watchBody(this.#settings, body, (error) => this.fail(error));
    this.#count = watch.count;
    this.#stopWatch = watch.stop;
    const giveBack = (chunks: readonly Buffer[]): void => this.buffers?.giveBack(chunks);
    this.#outcome.resolve({
      url: this.#url,
      status,
      headers: flatten(headers),
      repeated: repeatedIn(headers),
      body,
      giveBack,
      close,
    });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#count(chunk.length);
    this.#body?.push(chunk);
  }

  onResponseEnd(): void {
    this.#body?.end();
    this.#finish();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error);
  }

  countInformational(status: number): void {
    this.#informational += 1;
    if (this.#informational <= MAX_INFORMATIONAL) return;
    this.fail(new ImageError('ProtocolError', `answers ${status} over and over, without an end`));
  }

  /** What came before is still handed over. */
  fail(error: Error): void {
    if (this.#over) return;
    const failure = this.#explain(error);
    this.#finish();
    if (this.#body === undefined) this.#outcome.reject(failure);
    else this.#body.fail(failure);
  }

  #explain(error: Error): Error {
    const reason: unknown = this.#signal.aborted ? this.#signal.reason : undefined;
    if (reason instanceof OutOfTime) return outOfTime(this.#phase, reason);
    if (reason !== undefined) return asError(reason);
    return transportError(this.alert ?? error, this.#phase, this.#url);
  }

  #finish(): void {
    this.#over = true;
    clearTimeout(this.#answerTimer);
    this.#stopWatch();
    this.#outcome.release();
  }
}

type RawHeaders = Record<string, string | string[] | undefined>;

const repeatedIn = (headers: RawHeaders): ReadonlySet<string> =>
  new Set(
    Object.entries(headers).flatMap(([name, value]) =>
      Array.isArray(value) && new Set(value).size > 1 ? [name.toLowerCase()] : [],
    ),
  );

const flatten = (headers: RawHeaders): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(headers).flatMap(([name, value]) => {
      const text = Array.isArray(value) ? value.join(', ') : value;
      return text === undefined ? [] : [[name.toLowerCase(), text] as const];
    }),
  );

const asError = (reason: unknown): Error =>
  types.isNativeError(reason) || reason instanceof Error ? reason : new Error(String(reason));
