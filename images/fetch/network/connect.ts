/** Opens a connection: TCP, directly or through a proxy, then TLS, each with a limit of its own. */
import type { LookupAddress } from 'node:dns';
import { connect as connectTcp } from 'node:net';
import type { LookupFunction, OnReadOpts, Socket, TcpNetConnectOpts } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { ImageError } from '../../../model/failures.ts';
import { connectToFirst } from './connect-to-first.ts';
import { duration } from './budgets.ts';
import type { Budgets } from './budgets.ts';
import type { ConnectPhase } from './connect-errors.ts';
import { hostName } from './egress-policy.ts';
import type { Route } from './egress-policy.ts';
import type { ReadBuffers } from './read-buffers.ts';
import { beginOn, openTls } from './tls.ts';
import type { Begin, TlsSettings } from './tls.ts';
import { openTunnel } from './tunnel.ts';

/** Limits of each step, and the certificates that a connection trusts. */
export type ConnectSettings = TlsSettings & Pick<Budgets, 'connectMs' | 'headersMs'>;

export interface ConnectOptions {
  /** Whether the source speaks TLS. */
  readonly secure: boolean;
  readonly settings: ConnectSettings;
  /** Called as each step begins. */
  readonly onPhase: (phase: ConnectPhase) => void;
  readonly signal: AbortSignal;
  /** Memory that the connection reads into, unless it goes through a proxy. */
  readonly buffers: ReadBuffers;
}

/**
 * @param route was judged before; the socket uses its addresses, so that no second look-up can give other ones
 * @throws ImageError when a limit is reached or a proxy refuses; else the error of the system
 */
export async function connectTo(url: URL, route: Route, options: ConnectOptions): Promise<Socket> {
  const { onPhase, secure } = options;
  const { addresses, port, proxy } = route;
  const name = hostName(url);
  const open = async <T extends Socket>(way: () => Promise<T>): Promise<T> => {
    onPhase('connect');
    const socket = await way();
    if (secure) onPhase('tls');
    return socket;
  };
  if (proxy !== undefined) {
    const tunnel = (): Promise<Socket> => open(() => openThrough({ proxy, port, addresses }, options));
    return secure ? openTls(name, beginOn(tunnel), options) : tunnel();
  }
  const at = { host: name, port, addresses };
  if (!secure) return open(() => openTcp(at, options, connectTcp, options.buffers));
  // Only a TLS socket that makes its own TCP connection reads into `buffers`; one on top of an open socket does not.
  const begin: Begin = (tls) =>
    open(() => openTcp(at, options, (tcp) => connectTls({ ...tcp, ...tls }), options.buffers));
  return openTls(name, begin, options);
}

interface ThroughProxy extends Omit<Endpoint, 'host'> {
  readonly proxy: NonNullable<Route['proxy']>;
}

/** TLS and HTTP still speak to the source by its name, unless the proxy forwards requests. */
function openThrough({ proxy, port, addresses }: ThroughProxy, options: ConnectOptions): Promise<Socket> {
  const at = { host: hostName(proxy.url), port, addresses };
  const plain = (): Promise<Socket> => openTcp(at, options, connectTcp);
  const overTls = (): Promise<Socket> =>
    openTls(at.host, beginOn(plain), options, ['http/1.1']).catch(blameProxy);
  const connect = proxy.url.protocol === 'https:' ? overTls : plain;
  const { settings, signal } = options;
  if (proxy.forwards) return connect();
  return openTunnel(proxy.url, proxy.targets, connect, { answerMs: settings.headersMs, signal });
}

/** Otherwise the error would be blamed on the source instead of the proxy. */
function blameProxy(error: unknown): never {
  if (!(error instanceof ImageError)) throw error;
  throw new ImageError(error.kind, `cannot be reached: the proxy ${error.message}`, { cause: error });
}

interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Addresses of the host; the policy allowed each of them. */
  readonly addresses: Route['addresses'];
}

/** @param connect opens the socket: a plain one, or one that continues with TLS */
function openTcp<T extends Socket>(
  { host, port, addresses }: Endpoint,
  { settings, signal }: ConnectOptions,
  connect: (options: TcpNetConnectOpts) => T,
  buffers?: ReadBuffers,
): Promise<T> {
  const limit = `did not accept the connection within ${duration(settings.connectMs)} (limit for connecting)`;
  const begin = ({ address, family }: LookupAddress): T => {
    const given: LookupFunction = (_name, { all }, callback) => {
      if (all === true) callback(null, [{ address, family }]);
      else callback(null, address, family);
    };
    const reading = buffers && { onread: readInto(buffers, (bytes) => socket.push(bytes)) };
    const socket: T = connect({ host, port, lookup: given, noDelay: true, keepAlive: true, ...reading });
    return socket;
  };
  const late = (): Error => new ImageError('Unreachable', limit);
  return connectToFirst(addresses, begin, { ms: settings.connectMs, signal, late });
}

/** Reads into `buffers`, then hands the bytes to the socket's stream as usual. */
const readInto = (buffers: ReadBuffers, push: (bytes: Buffer) => boolean): OnReadOpts => ({
  buffer: () => buffers.next(),
  callback: (count) => push(buffers.came(count)),
});
