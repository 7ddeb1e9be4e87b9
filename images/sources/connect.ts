/** A connection: name, address, TCP and TLS, each with a limit of its own. */
import { lookup } from 'node:dns/promises';
import type { LookupAddress } from 'node:dns';
import { connect as connectTcp, isIP } from 'node:net';
import type { LookupFunction, Socket } from 'node:net';
import { connect as connectTls, rootCertificates } from 'node:tls';
import { ImageError } from '../../model/failures.ts';
import { displayUrl } from '../../model/url.ts';
import { duration, within } from './budgets.ts';
import type { HttpPhase } from './http-errors.ts';
import type { HttpSettings, UrlPolicy } from './http-options.ts';

export interface ConnectOptions {
  readonly settings: HttpSettings;
  /** Told of each step as it begins. */
  readonly onPhase: (phase: HttpPhase) => void;
  readonly signal: AbortSignal;
}

/**
 * The addresses are looked at before a packet leaves, and the socket uses one of those that were: no second look-up
 * can give another.
 * @throws ImageError for a limit or a refusal; else what the system says
 */
export async function connectTo(url: URL, options: ConnectOptions): Promise<Socket> {
  const { settings, onPhase } = options;
  onPhase('dns');
  const addresses = await allowedAddresses(url, settings.dnsMs, settings.policy);
  options.signal.throwIfAborted();
  onPhase('connect');
  const tcp = await openTcp(url, addresses, options);
  if (url.protocol !== 'https:') return tcp;
  onPhase('tls');
  return openTls(url, tcp, options);
}

/**
 * What the name stands for, without what the policy refuses.
 * @throws ImageError when the policy refuses all, or the name is not resolved in time; else what the resolver says
 */
export async function allowedAddresses(
  url: URL,
  dnsMs: number,
  policy: UrlPolicy,
): Promise<readonly LookupAddress[]> {
  const name = hostName(url);
  const family = isIP(name);
  const found =
    family === 0
      ? await within(dnsMs, lookup(name, { all: true }), () => {
          const limit = `within ${duration(dnsMs)} (limit for DNS)`;
          return new ImageError('Unreachable', `has a host name that was not resolved ${limit}`);
        })
      : [{ address: name, family }];
  const reasons = found.map(({ address }) => policy(url, address));
  const allowed = found.filter((_, index) => reasons[index] === undefined);
  if (allowed.length > 0) return allowed;
  throw new ImageError('NotAllowed', reasons[0] ?? 'has a host name without an address', {
    url: displayUrl(url.href),
  });
}

const hostName = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '');

async function openTcp(
  url: URL,
  addresses: readonly LookupAddress[],
  { settings, signal }: ConnectOptions,
): Promise<Socket> {
  const [first] = addresses;
  const given: LookupFunction = (_name, { all }, callback) => {
    if (all === true) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family);
  };
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const socket = connectTcp({ host: hostName(url), port, lookup: given, noDelay: true, keepAlive: true });
  const limit = `did not accept the connection within ${duration(settings.connectMs)} (limit for connecting)`;
  await opened(socket, 'connect', settings.connectMs, signal, () => new ImageError('Unreachable', limit));
  return socket;
}

async function openTls(url: URL, tcp: Socket, { settings, signal }: ConnectOptions): Promise<Socket> {
  const host = hostName(url).replace(/\.$/, '');
  const { ca } = settings.tls;
  const socket = connectTls({
    socket: tcp,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca: [...rootCertificates, ...ca] }),
    ALPNProtocols: ['h2', 'http/1.1'],
    rejectUnauthorized: true,
  });
  const limit = `did not finish the TLS handshake within ${duration(settings.tlsMs)} (limit for TLS)`;
  await opened(socket, 'secureConnect', settings.tlsMs, signal, () => new ImageError('Stalled', limit));
  return socket;
}

/** Waits for the event. Whatever comes in its place, the socket is gone afterwards. */
async function opened(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  ms: number,
  signal: AbortSignal,
  late: () => Error,
): Promise<void> {
  // Between here and its use by the HTTP client nobody else listens, and an unheard error ends the process.
  socket.on('error', () => undefined);
  const over = new AbortController();
  const opening = new Promise<void>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { signal: over.signal });
    socket.once(event, resolve).once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
  });
  try {
    await within(ms, opening, late);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    over.abort();
  }
}
