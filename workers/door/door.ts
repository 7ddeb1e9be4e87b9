/**
 * The door: the HTTPS server at which other hosts of the installation fetch copies of this one. It runs in the transfer thread,
 * where the parts are.
 *
 * Whoever comes in has shown a certificate of an authority of the installation (TLS 1.3, both ways), is one of the hosts that
 * may ask, and has a ticket of the control side for this copy. All three are checked for each request, so that a host that was
 * removed is out at once. There are copies and nothing else: a request names a copy by its id, never a path, and the file is
 * the one that the pool opened.
 *
 * Nobody can take what others need: connections are counted for each address and host (entrance.ts), uploads for each host and
 * copy (uploads.ts), and who is slow is let go.
 */
import { constants } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Server, ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { RateLimit } from '../../images/fetch/rate-limit.ts';
import type { OpenCopies } from '../../images/spread/open-copies.ts';
import { hostIdOfNames } from '../../model/spread.ts';
import type { PeerCredentials } from '../../model/spread.ts';
import { serveBytes, serveDigest } from './copies.ts';
import { createCounter } from './counts.ts';
import type { DoorCounts } from './counts.ts';
import { createEntrance } from './entrance.ts';
import { readAsked } from './asked.ts';
import { Refused } from './refusal.ts';
import { Stalled } from './sending.ts';
import { TIMES } from './times.ts';
import type { DoorTimes } from './times.ts';
import { createUploads } from './uploads.ts';

/** What the host was told, with the private key of its certificate. */
export interface DoorCredentials extends PeerCredentials {
  /** PEM of PKCS#8. */
  readonly key: string;
}

export interface DoorOptions {
  readonly hostId: string;
  readonly listen: { readonly host: string; readonly port: number };
  /** Uploads at a time. */
  readonly uploads: number;
  readonly rate: RateLimit;
  readonly copies: OpenCopies;
  readonly credentials: DoorCredentials;
  readonly times?: Partial<DoorTimes>;
}

export interface Door {
  readonly port: number;
  /** Replaces what the host was told. Uploads to hosts that may not ask any more end at once. */
  setCredentials(credentials: DoorCredentials): void;
  counts(): DoorCounts;
  close(): Promise<void>;
}

const ENTRANCE = { strangersOfAddress: 16, strangers: 256, connectionsOfHost: 16 };
const MAX_HEADER_BYTES = 8192;
const KEEP_ALIVE_MS = 5000;

/** @throws an error of Node when it cannot listen there */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const { hostId, listen, copies, rate } = options;
  const times = { ...TIMES, ...options.times };
  let { credentials } = options;
  const counter = createCounter();
  const entrance = createEntrance(ENTRANCE);
  const uploads = createUploads(options.uploads);
  const hosts = new WeakMap<Socket, string>();
  const serving = { copies, rate, uploads, times, counter };

  const server = createServer(serverOptions(credentials, times), (request, response) => {
    void answer(request, response, async () => {
      const asked = await readAsked(request, hosts.get(request.socket), hostId, credentials);
      const serve = asked.what === 'bytes' ? serveBytes : serveDigest;
      await serve(asked, { request, response }, serving);
    }).catch((error: unknown) => counter.refused(error instanceof Stalled ? 'slow' : undefined));
  });
  const answer = async (
    request: IncomingMessage,
    response: ServerResponse,
    serve: () => Promise<void>,
  ): Promise<void> => {
    try {
      await serve();
    } catch (error) {
      if (!(error instanceof Refused) || response.headersSent) {
        request.socket.destroy();
        throw error;
      }
      counter.refused(error.reason);
      const text = `${error.message}\n`;
      response.writeHead(error.status, {
        'content-type': 'text/plain',
        'content-length': Buffer.byteLength(text),
        ...(error.status === 503 ? {} : { connection: 'close' }),
        ...error.headers,
      });
      response.end(text);
    }
  };

  admitFirst(server, (socket) => {
    if (entrance.takeStranger(socket)) return true;
    counter.refused('connections');
    return false;
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    const peer = hostIdOfNames(socket.getPeerX509Certificate()?.subjectAltName);
    if (peer === undefined || !entrance.takeHost(socket, peer)) {
      counter.refused(peer === undefined ? 'certificate' : 'connections');
      socket.destroy();
    } else hosts.set(socket, peer);
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    counter.refused(error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT' ? 'slow' : 'certificate');
    socket.destroy();
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // An error of TLS comes here as well, and was counted.
    if (hosts.has(socket as Socket) && error.code !== 'ECONNRESET') {
      counter.refused(error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'slow' : 'request');
    }
    socket.destroy();
  });

  server.listen(listen.port, listen.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    setCredentials(next) {
      credentials = next;
      server.setSecureContext(contextOf(next));
      uploads.keepOnly(new Set(next.hostIds));
    },
    counts: () => ({ ...counter.counts(), uploads: uploads.count }),
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

const contextOf = ({ certificate, key, authorities }: DoorCredentials) => ({
  cert: certificate,
  key,
  ca: [...authorities],
  minVersion: 'TLSv1.3' as const,
  // A session that is resumed would be one whose certificate is not looked at again.
  secureOptions: constants.SSL_OP_NO_TICKET,
});

const serverOptions = (credentials: DoorCredentials, { headersMs }: DoorTimes): ServerOptions => ({
  ...contextOf(credentials),
  requestCert: true,
  rejectUnauthorized: true,
  handshakeTimeout: headersMs,
  headersTimeout: headersMs,
  requestTimeout: headersMs,
  connectionsCheckingInterval: Math.min(1000, headersMs),
  keepAliveTimeout: KEEP_ALIVE_MS,
  maxHeaderSize: MAX_HEADER_BYTES,
});

/** Has each connection admitted before the server begins TLS on it. */
function admitFirst(server: Server, admit: (socket: Socket) => boolean): void {
  const handlers = server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    if (!admit(socket)) socket.destroy();
    else for (const handle of handlers) handle.call(server, socket);
  });
}
