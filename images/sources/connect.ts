/** A connection: name, address, TCP and TLS, each with a limit of its own. */
import { connect as connectTcp } from 'node:net';
import type { LookupFunction, OnReadOpts, Socket } from 'node:net';
import { ImageError } from '../../model/failures.ts';
import { duration } from './budgets.ts';
import { hostName } from './guard.ts';
import type { Route } from './guard.ts';
import type { HttpPhase } from './http-errors.ts';
import type { HttpSettings } from './http-options.ts';
import { opened } from './opening.ts';
import type { ReadBuffers } from './read-buffers.ts';
import { openTls } from './tls.ts';
import { openTunnel } from './tunnel.ts';

export interface ConnectOptions {
  readonly settings: HttpSettings;
  /** Told of each step as it begins. */
  readonly onPhase: (phase: HttpPhase) => void;
  readonly signal: AbortSignal;
  /** Where plain HTTP is read to. */
  readonly buffers: ReadBuffers;
}

/**
 * The way is judged before a packet leaves, and the socket uses an address that was: no second look-up can give another.
 * @throws ImageError for a limit or a refusal; else what the system says
 */
export async function connectTo(url: URL, options: ConnectOptions): Promise<Socket> {
  const { settings, onPhase } = options;
  onPhase('dns');
  const route = await settings.guard.route(url, settings.dnsMs);
  options.signal.throwIfAborted();
  const open = (): Promise<Socket> => {
    onPhase('connect');
    return openWay(url, route, options);
  };
  if (url.protocol !== 'https:') return open();
  const openForTls = async (): Promise<Socket> => {
    const tcp = await open();
    onPhase('tls');
    return tcp;
  };
  return openTls(hostName(url), openForTls, options);
}

/** Straight to the source, or through a proxy: then TLS and HTTP still speak to the source, by its name. */
function openWay(url: URL, { addresses, port, proxy }: Route, options: ConnectOptions): Promise<Socket> {
  if (proxy === undefined) {
    const buffers = url.protocol === 'http:' ? options.buffers : undefined;
    return openTcp(hostName(url), port, addresses, options, buffers);
  }
  const name = hostName(proxy.url);
  const plain = (): Promise<Socket> => openTcp(name, port, addresses, options);
  const secure = (): Promise<Socket> => openTls(name, plain, options, ['http/1.1']).catch(ofProxy);
  const connect = proxy.url.protocol === 'https:' ? secure : plain;
  const { settings, signal } = options;
  return openTunnel(proxy.url, proxy.targets, connect, { answerMs: settings.headersMs, signal });
}

/** Else it would be told of the source. */
function ofProxy(error: unknown): never {
  if (!(error instanceof ImageError)) throw error;
  throw new ImageError(error.kind, `cannot be reached: the proxy ${error.message}`, { cause: error });
}

async function openTcp(
  host: string,
  port: number,
  addresses: Route['addresses'],
  { settings, signal }: ConnectOptions,
  buffers?: ReadBuffers,
): Promise<Socket> {
  const [first] = addresses;
  const given: LookupFunction = (_name, { all }, callback) => {
    if (all === true) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family);
  };
  const socket: Socket = connectTcp({
    host,
    port,
    lookup: given,
    noDelay: true,
    keepAlive: true,
    ...(buffers === undefined ? {} : { onread: readInto(buffers, (bytes) => socket.push(bytes)) }),
  });
  const limit = `did not accept the connection within ${duration(settings.connectMs)} (limit for connecting)`;
  await opened(socket, 'connect', settings.connectMs, signal, () => new ImageError('Unreachable', limit));
  return socket;
}

/** What was read goes the usual way afterwards. */
const readInto = (buffers: ReadBuffers, push: (bytes: Buffer) => boolean): OnReadOpts => ({
  buffer: () => buffers.next(),
  callback: (count) => push(buffers.came(count)),
});
