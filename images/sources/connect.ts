/** A connection: name, address, TCP and TLS, each with a limit of its own. */
import { connect as connectTcp } from 'node:net';
import type { LookupFunction, OnReadOpts, Socket, TcpNetConnectOpts } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { ImageError } from '../../model/failures.ts';
import { duration } from './budgets.ts';
import { hostName } from './guard.ts';
import type { Route } from './guard.ts';
import type { HttpPhase } from './http-errors.ts';
import type { HttpSettings } from './http-options.ts';
import { opened } from './opening.ts';
import type { ReadBuffers } from './read-buffers.ts';
import { beginOn, openTls } from './tls.ts';
import type { Begin } from './tls.ts';
import { openTunnel } from './tunnel.ts';

export interface ConnectOptions {
  readonly settings: HttpSettings;
  /** Told of each step as it begins. */
  readonly onPhase: (phase: HttpPhase) => void;
  readonly signal: AbortSignal;
  /** Where is read to what comes from the source, unless a proxy stands between. */
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
  const { addresses, port, proxy } = route;
  const name = hostName(url);
  const isSecure = url.protocol === 'https:';
  const open = async <T extends Socket>(way: () => Promise<T>): Promise<T> => {
    onPhase('connect');
    const socket = await way();
    if (isSecure) onPhase('tls');
    return socket;
  };
  if (proxy !== undefined) {
    const tunnel = (): Promise<Socket> => open(() => openThrough({ proxy, port, addresses }, options));
    return isSecure ? openTls(name, beginOn(tunnel), options) : tunnel();
  }
  const at = { host: name, port, addresses };
  if (!isSecure) return open(() => openTcp(at, options, connectTcp, options.buffers));
  // TLS that connects by itself reads into our memory; on a socket that is there already it would not.
  const begin: Begin = (tls) =>
    open(() => openTcp(at, options, (tcp) => connectTls({ ...tcp, ...tls }), options.buffers));
  return openTls(name, begin, options);
}

interface ThroughProxy extends Omit<Place, 'host'> {
  readonly proxy: NonNullable<Route['proxy']>;
}

/** Through a proxy: TLS and HTTP speak to the source all the same, by its name. */
function openThrough({ proxy, port, addresses }: ThroughProxy, options: ConnectOptions): Promise<Socket> {
  const at = { host: hostName(proxy.url), port, addresses };
  const plain = (): Promise<Socket> => openTcp(at, options, connectTcp);
  const secure = (): Promise<Socket> =>
    openTls(at.host, beginOn(plain), options, ['http/1.1']).catch(ofProxy);
  const connect = proxy.url.protocol === 'https:' ? secure : plain;
  const { settings, signal } = options;
  return openTunnel(proxy.url, proxy.targets, connect, { answerMs: settings.headersMs, signal });
}

/** Else it would be told of the source. */
function ofProxy(error: unknown): never {
  if (!(error instanceof ImageError)) throw error;
  throw new ImageError(error.kind, `cannot be reached: the proxy ${error.message}`, { cause: error });
}

interface Place {
  readonly host: string;
  readonly port: number;
  /** Those of the host that were judged. */
  readonly addresses: Route['addresses'];
}

/** @param connect what connects: plain, or what goes on with TLS then */
async function openTcp<T extends Socket>(
  { host, port, addresses }: Place,
  { settings, signal }: ConnectOptions,
  connect: (options: TcpNetConnectOpts) => T,
  buffers?: ReadBuffers,
): Promise<T> {
  const [first] = addresses;
  const given: LookupFunction = (_name, { all }, callback) => {
    if (all === true) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family);
  };
  const socket: T = connect({
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
