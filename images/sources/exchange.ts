/** One HTTP request on one connection of its own, and its answer. Follows nothing, interprets nothing. */
import type { TLSSocket } from 'node:tls';
import { types } from 'node:util';
import { Client } from 'undici';
import type { buildConnector, Dispatcher } from 'undici';
import { ImageError } from '../../model/failures.ts';
import { watchBody } from './body-watch.ts';
import { duration } from './budgets.ts';
import { ChunkQueue } from './chunk-queue.ts';
import { connectTo } from './connect.ts';
import { transportError } from './http-errors.ts';
import type { HttpPhase } from './http-errors.ts';
import type { HttpSettings } from './http-options.ts';
import { ReadBuffers } from './read-buffers.ts';
import { gateReading } from './read-gate.ts';
import type { ReadGate } from './read-gate.ts';

/** Bytes that may be on their way over HTTP/2 without having been read. */
const WINDOW = 8 * 1_048_576;
/** Informational answers (1xx) before the real one. */
const MAX_INFORMATIONAL = 32;

export interface Exchange {
  readonly url: URL;
  readonly status: number;
  /** Lower-case names; a repeated header's values are joined by commas. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: ChunkQueue;
  /** Chunks of the body that nobody reads any more; see OpenedSource. */
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
    const stop = (reason: Error): void => {
      leaving.abort(reason);
      client.destroy(reason).catch(() => undefined);
    };
    const onAbort = (): void => stop(asError(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    const release = (): void => {
      signal.removeEventListener('abort', onAbort);
      stop(new Error('the exchange is over'));
    };
    const handler = new AnswerHandler(url, settings, signal, { resolve, reject, release });
    const onPhase = (phase: HttpPhase): void => handler.enter(phase);
    const connect: buildConnector.connector = (_options, callback) => {
      const buffers = new ReadBuffers();
      handler.buffers = buffers;
      connectTo(url, { settings, onPhase, signal: leaving.signal, buffers }).then(
        (socket) => {
          handler.enter('headers');
          // What undici tells of an alert is only that the other side closed.
          socket.once('error', (error: NodeJS.ErrnoException) => {
            if (error.code?.startsWith('ERR_SSL_') === true) handler.alert = error;
          });
          callback(null, socket);
          if ((socket as TLSSocket).alpnProtocol !== 'h2') handler.gate = gateReading(socket);
        },
        (error: unknown) => callback(asError(error), null),
      );
    };
    // All time is measured here, so that undici's own limits, which are coarser, are off.
    const client = new Client(url.origin, {
      connect,
      allowH2: true,
      headersTimeout: 0,
      bodyTimeout: 0,
      initialWindowSize: WINDOW,
      connectionWindowSize: WINDOW,
    });
    client.dispatch({ path: url.pathname + url.search, method: 'GET', headers: { ...headers } }, handler);
  });
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
  /** How to hold back an HTTP/1.1 connection; HTTP/2 has flow control. */
  gate: ReadGate | undefined;
  /** What the connection reads into. */
  buffers: ReadBuffers | undefined;
  /** What the server said when it broke TLS off. */
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

  /** What the exchange is at now. */
  enter(phase: HttpPhase): void {
    if (this.#over) return;
    this.#phase = phase;
    if (phase !== 'headers') return;
    const { headersMs } = this.#settings;
    this.#answerTimer = setTimeout(() => {
      const limit = `${duration(headersMs)} (limit for headers)`;
      this.#fail(new ImageError('Stalled', `accepted the connection but did not answer within ${limit}`));
    }, headersMs);
  }

  onRequestStart(): void {
    // The clock of the answer runs since the connection is made.
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (this.#over) return;
    if (status < 200) return this.#countInformational(status);
    clearTimeout(this.#answerTimer);
    this.#phase = 'body';
    const close = (): void => this.#finish();
    const body = new ChunkQueue({
      pause: () => (this.gate === undefined ? controller.pause() : this.gate.shut()),
      resume: () => (this.gate === undefined ? controller.resume() : this.gate.open()),
      cancel: close,
    });
    this.#body = body;
    const watch = watchBody(this.#settings, body, (error) => this.#fail(error));
    this.#count = watch.count;
    this.#stopWatch = watch.stop;
    const giveBack = (chunks: readonly Buffer[]): void => this.buffers?.giveBack(chunks);
    this.#outcome.resolve({ url: this.#url, status, headers: flatten(headers), body, giveBack, close });
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
    this.#fail(error);
  }

  #countInformational(status: number): void {
    this.#informational += 1;
    if (this.#informational <= MAX_INFORMATIONAL) return;
    this.#fail(new ImageError('ProtocolError', `answers ${status} over and over, without an end`));
  }

  /** What came before is still handed over. */
  #fail(error: Error): void {
    if (this.#over) return;
    const failure = this.#explain(error);
    this.#finish();
    if (this.#body === undefined) this.#outcome.reject(failure);
    else this.#body.fail(failure);
  }

  #explain(error: Error): Error {
    if (this.#signal.aborted) return asError(this.#signal.reason);
    return transportError(this.alert ?? error, this.#phase, this.#url);
  }

  #finish(): void {
    this.#over = true;
    clearTimeout(this.#answerTimer);
    this.#stopWatch();
    this.#outcome.release();
  }
}

const flatten = (headers: Record<string, string | string[] | undefined>): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(headers).flatMap(([name, value]) => {
      const text = Array.isArray(value) ? value.join(', ') : value;
      return text === undefined ? [] : [[name.toLowerCase(), text] as const];
    }),
  );

const asError = (reason: unknown): Error =>
  types.isNativeError(reason) || reason instanceof Error ? reason : new Error(String(reason));
