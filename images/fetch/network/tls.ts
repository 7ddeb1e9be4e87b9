/** TLS with a source: the server's name is always verified; the client certificate is sent only to servers that it is for. */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect } from 'node:tls';
import type { ConnectionOptions, SecureContext, TLSSocket, TLSSocketOptions } from 'node:tls';
import { ImageError } from '../../../model/failures.ts';
import { duration } from './budgets.ts';
import type { Budgets } from './budgets.ts';
import { waitForSocket } from './socket-event.ts';
import { tlsFailure } from './tls-errors.ts';
import type { Trust, TrustNow } from './trust.ts';

/** Connects and begins TLS. @throws the connection's error */
export type Begin = (tls: ConnectionOptions) => Promise<TLSSocket>;

/** Begins TLS on a socket that `openTcp` opens. */
export const beginOn =
  (openTcp: () => Promise<Socket>): Begin =>
  async (tls) =>
    connect({ ...tls, socket: await openTcp() });

export interface TlsSettings extends Pick<Budgets, 'tlsMs'> {
  readonly trust: Trust;
}

export interface TlsOptions {
  readonly settings: TlsSettings;
  readonly signal: AbortSignal;
}

/**
 * The first handshake offers no client certificate. When the server's own certificate, proven in that handshake, belongs to
 * an upload with a client certificate, a second connection offers that one. So no other server learns who this host is,
 * wherever a URL or a redirect leads.
 * @param host as it stands in the URL
 * @param begin called twice at most for each protocol
 * @param protocols ALPN names; each is offered only after the server refused the ones before
 * @throws ImageError with what is wrong; the signal's reason when aborted
 */
export async function openTls(
  host: string,
  begin: Begin,
  options: TlsOptions,
  protocols: readonly string[] = ['http/1.1', 'h2'],
): Promise<Socket> {
  for (const [at, protocol] of protocols.entries()) {
    const last = at === protocols.length - 1;
    const shaken = await openWith(protocol, host, begin, options);
    if (last || !speaksAnother(shaken.failure)) return usable(shaken);
  }
  throw new TypeError('no protocol to speak within TLS');
}

const speaksAnother = (failure: Error | undefined): boolean =>
  (failure?.cause as NodeJS.ErrnoException | undefined)?.code ===
  'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL';

async function openWith(
  protocol: string,
  host: string,
  begin: Begin,
  options: TlsOptions,
): Promise<Handshake> {
  const name = host.replace(/\.$/, '');
  const { context, identities, identify } = await options.settings.trust();
  const shake = async (secureContext: SecureContext): Promise<Handshake> =>
    handshake({ name, secureContext, protocol, identify }, begin, options);
  const first = await shake(context);
  const identity = identities.find((one) => one.isFor(name, first.chain));
  if (identity === undefined) return first;
  first.socket.destroy();
  return shake(identity.context);
}

interface Wanted {
  readonly name: string;
  readonly secureContext: SecureContext;
  readonly protocol: string;
  readonly identify: TrustNow['identify'];
}

interface Handshake {
  readonly socket: TLSSocket;
  /** Certificates of the server, its own first; empty when the handshake failed before they came. */
  readonly chain: readonly X509Certificate[];
  readonly failure?: Error;
}

async function handshake(
  { name, secureContext, protocol, identify }: Wanted,
  begin: Begin,
  { settings, signal }: TlsOptions,
): Promise<Handshake> {
  const handshakeOptions: ConnectionOptions & TLSSocketOptions = {
    host: name,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    secureContext,
    ALPNProtocols: [protocol],
    rejectUnauthorized: true,
    ...(identify === undefined ? {} : { checkServerIdentity: identify }),
    requestOCSP: true,
  };
  const socket = await begin(handshakeOptions);
  let chain: readonly X509Certificate[] = [];
  // Emitted even when the server sends no OCSP answer: the only moment to see its certificates if the handshake then fails.
  socket.once('OCSPResponse', () => {
    chain = chainOf(socket);
  });
  const limit = `did not finish the TLS handshake within ${duration(settings.tlsMs)} (limit for TLS)`;
  try {
    await waitForSocket(
      socket,
      'secureConnect',
      settings.tlsMs,
      signal,
      () => new ImageError('Stalled', limit),
    );
    return { socket, chain };
  } catch (error) {
    signal.throwIfAborted();
    const failure = error instanceof ImageError ? error : tlsFailure(error as Error, name, chain);
    return { socket, chain, failure };
  }
}

function usable({ socket, failure }: Handshake): Socket {
  if (failure !== undefined) throw failure;
  return socket;
}

const MAX_CHAIN = 10;

function chainOf(socket: TLSSocket): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next = socket.getPeerCertificate(true);
  while (next?.raw !== undefined && chain.length < MAX_CHAIN) {
    chain.push(new X509Certificate(next.raw));
    if (next.issuerCertificate === next) break;
    next = next.issuerCertificate;
  }
  return chain;
}
