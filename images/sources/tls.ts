/** TLS to a source: its name is always verified, and what this host shows of itself depends on whom it speaks to. */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect } from 'node:tls';
import type { ConnectionOptions, SecureContext, TLSSocket, TLSSocketOptions } from 'node:tls';
import { ImageError } from '../../model/failures.ts';
import { duration } from './budgets.ts';
import type { HttpSettings } from './http-options.ts';
import { opened } from './opening.ts';
import { tlsFailure } from './tls-errors.ts';

/** Begins TLS on a connection that is made. @throws what the connection fails with */
export type Begin = (tls: ConnectionOptions) => Promise<TLSSocket>;

/** On a connection that is made otherwise. */
export const beginOn =
  (openTcp: () => Promise<Socket>): Begin =>
  async (tls) =>
    connect({ ...tls, socket: await openTcp() });

export interface TlsOptions {
  readonly settings: Pick<HttpSettings, 'tlsMs' | 'trust'>;
  readonly signal: AbortSignal;
}

/**
 * Shows nothing of this host at first. A server that an upload with a client certificate vouches for gets a second
 * connection, which shows it: nobody else learns who we are, wherever a URL or a redirect leads. What vouches is
 * looked at when the server has proven that it holds its key, and before the client's certificate would be sent.
 * @param host as it stands in the URL
 * @param begin called twice at most
 * @param protocols that are to be spoken within, by their ALPN names
 * @throws ImageError with what is wrong; the signal's reason when aborted
 */
export async function openTls(
  host: string,
  begin: Begin,
  options: TlsOptions,
  protocols: readonly string[] = ['h2', 'http/1.1'],
): Promise<Socket> {
  const name = host.replace(/\.$/, '');
  const { context, identities } = await options.settings.trust();
  const shake = async (secureContext: SecureContext): Promise<Handshake> =>
    handshake({ name, secureContext, protocols }, begin, options);
  const first = await shake(context);
  const identity = identities.find((one) => one.isFor(name, first.chain));
  if (identity === undefined) return usable(first);
  first.socket.destroy();
  return usable(await shake(identity.context));
}

interface Wanted {
  readonly name: string;
  readonly secureContext: SecureContext;
  readonly protocols: readonly string[];
}

interface Handshake {
  readonly socket: TLSSocket;
  /** The certificates of the server, its own first; none when it did not get so far. */
  readonly chain: readonly X509Certificate[];
  readonly failure?: Error;
}

async function handshake(
  { name, secureContext, protocols }: Wanted,
  begin: Begin,
  { settings, signal }: TlsOptions,
): Promise<Handshake> {
  const handshakeOptions: ConnectionOptions & TLSSocketOptions = {
    host: name,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    secureContext,
    ALPNProtocols: [...protocols],
    rejectUnauthorized: true,
    requestOCSP: true,
  };
  const socket = await begin(handshakeOptions);
  let chain: readonly X509Certificate[] = [];
  // Comes whether or not the server has such an answer: the one moment to see its certificates if the rest fails.
  socket.once('OCSPResponse', () => {
    chain = chainOf(socket);
  });
  const limit = `did not finish the TLS handshake within ${duration(settings.tlsMs)} (limit for TLS)`;
  try {
    await opened(socket, 'secureConnect', settings.tlsMs, signal, () => new ImageError('Stalled', limit));
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

/** The longest that is looked at. */
const MOST = 10;

function chainOf(socket: TLSSocket): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next = socket.getPeerCertificate(true);
  while (next?.raw !== undefined && chain.length < MOST) {
    chain.push(new X509Certificate(next.raw));
    if (next.issuerCertificate === next) break;
    next = next.issuerCertificate;
  }
  return chain;
}
