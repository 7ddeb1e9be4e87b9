/** One HTTP request on one connection of its own, and its answer. Follows nothing, interprets nothing. */
import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { rootCertificates } from 'node:tls';
import { Client } from 'undici';
import type { Dispatcher } from 'undici';
import { ImageError } from '../../model/failures.ts';
import { displayUrl } from '../../model/url.ts';
import { ChunkQueue } from './chunk-queue.ts';
import { transportError } from './http-errors.ts';
import type { HttpPhase } from './http-errors.ts';
import type { HttpSettings, UrlPolicy } from './http-options.ts';
import { watchRate } from './minimum-rate.ts';

export interface Exchange {
  readonly url: URL;
  readonly status: number;
  readonly statusText: string;
  /** Lower-case names; of a repeated header the first. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: ChunkQueue;
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
  refuseAddress(url, settings.policy);
  const client = new Client(url.origin, {
    headersTimeout: settings.headersMs,
    bodyTimeout: settings.idleMs,
    connectTimeout: settings.connectMs,
    connect: {
      lookup: policedLookup(url, settings.policy),
      ...(settings.tls.ca === undefined ? {} : { ca: [...rootCertificates, ...settings.tls.ca] }),
    },
  });
  const stop = (reason: Error): void => {
    client.destroy(reason).catch(() => undefined);
  };
  return new Promise((resolve, reject) => {
    const onAbort = (): void => stop(asError(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    const release = (): void => {
      signal.removeEventListener('abort', onAbort);
      stop(new Error('the exchange is over'));
    };
    const handler = new AnswerHandler(url, settings, signal, { resolve, reject, release });
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
  #phase: HttpPhase = 'connect';
  #body: ChunkQueue | undefined;
  #count: (bytes: number) => void = () => undefined;
  #stopWatch: () => void = () => undefined;

  constructor(url: URL, settings: HttpSettings, signal: AbortSignal, outcome: Outcome) {
    this.#url = url;
    this.#settings = settings;
    this.#signal = signal;
    this.#outcome = outcome;
  }

  onRequestStart(): void {
    this.#phase = 'headers';
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
    statusText = '',
  ): void {
    if (status < 200) return;
    this.#phase = 'body';
    const close = (): void => this.#finish();
    const body = new ChunkQueue({
      pause: () => controller.pause(),
      resume: () => controller.resume(),
      cancel: close,
    });
    this.#body = body;
    const watch = watchRate(this.#settings, body, (error) => {
      body.fail(this.#explain(error));
      this.#finish();
    });
    this.#count = watch.count;
    this.#stopWatch = watch.stop;
    this.#outcome.resolve({ url: this.#url, status, statusText, headers: flatten(headers), body, close });
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
    const failure = this.#explain(error);
    this.#finish();
    if (this.#body === undefined) this.#outcome.reject(failure);
    else this.#body.fail(failure);
  }

  #explain(error: Error): Error {
    if (this.#signal.aborted) return asError(this.#signal.reason);
    return transportError(error, this.#phase, this.#url);
  }

  #finish(): void {
    this.#stopWatch();
    this.#outcome.release();
  }
}

/** Node asks no resolver for a literal address, so that one is looked at here. */
function refuseAddress(url: URL, policy: UrlPolicy): void {
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) === 0) return;
  const reason = policy(url, literal);
  if (reason !== undefined) throw notAllowed(url, reason);
}

/** The address that the socket uses is the one that was checked: no second look-up can give another. */
function policedLookup(url: URL, policy: UrlPolicy): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, '', 0);
      const reasons = found.map(({ address }) => policy(url, address));
      const allowed = found.filter((_, index) => reasons[index] === undefined);
      const [first] = allowed;
      if (first === undefined) return callback(notAllowed(url, reasons[0] ?? 'has no address'), '', 0);
      if (options.all === true) return callback(null, allowed);
      return callback(null, first.address, first.family);
    });
  };
}

const notAllowed = (url: URL, reason: string): ImageError =>
  new ImageError('NotAllowed', reason, { url: displayUrl(url.href) });

const flatten = (headers: Record<string, string | string[] | undefined>): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(headers).flatMap(([name, value]) => {
      const text = Array.isArray(value) ? value[0] : value;
      return text === undefined ? [] : [[name.toLowerCase(), text] as const];
    }),
  );

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));
