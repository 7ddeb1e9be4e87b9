/** A scripted origin of images on loopback, which counts requests and bytes by path. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createSecureServer as createHttp2Server } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import type { ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** How a path answers. Only the body is required; the default is a correct server with ranges and a strong ETag. */
export interface Behaviour {
  readonly body?: Buffer;
  /** ETag. Default `"1"`; null for none. */
  readonly etag?: string | null;
  readonly lastModified?: string;
  readonly contentType?: string;
  /** Default true. */
  readonly ranges?: boolean;
  /** Whether to answer 206 regardless of If-Range. */
  readonly ignoreIfRange?: boolean;
  /** Content-Range instead of the correct one. */
  readonly contentRange?: string;
  /** Whether to omit Content-Length. */
  readonly chunked?: boolean;
  readonly contentEncoding?: string;
  /** Bytes of this answer after which the connection is cut. */
  readonly cutAfter?: number;
  /** Bytes of this answer after which nothing more comes. */
  readonly stallAfter?: number;
  /** Milliseconds between pieces of `pieceBytes`. */
  readonly pauseMs?: number;
  readonly pieceBytes?: number;
  /** Called with the number of sent bytes; the returned promise holds further bytes back. */
  readonly hold?: (sent: number) => Promise<void> | undefined;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly redirectTo?: string;
  /** Required request header; without it the answer is 403. */
  readonly needHeader?: { readonly name: string; readonly value: string };
  /** Whether to never answer. */
  readonly silent?: boolean;
  /** Milliseconds before the first byte of the answer. */
  readonly lateMs?: number;
}

export interface Seen {
  /** Requests so far. */
  requests: IncomingMessage['headers'][];
  /** Bytes of body written so far. */
  bytes: number;
  /** Present and peak number of simultaneous answers. */
  open: number;
  peak: number;
}

export interface ImageServer {
  readonly origin: string;
  url(path: string): string;
  /** Sets the behaviour of a path. A function gets the number of the request, from 0. */
  serve(path: string, behaviour: Behaviour | ((n: number, request: IncomingMessage) => Behaviour)): void;
  seen(path: string): Seen;
  close(): Promise<void>;
}

export interface TlsOptions extends ServerOptions {
  /** Whether to speak HTTP/2 only. */
  readonly http2?: boolean;
}

/** @param address default: loopback */
export async function startImageServer(tls?: TlsOptions, address = '127.0.0.1'): Promise<ImageServer> {
  const behaviours = new Map<string, (n: number, request: IncomingMessage) => Behaviour>();
  const counts = new Map<string, Seen>();
  const sockets = new Set<Socket>();
  const seen = (path: string): Seen => {
    const known = counts.get(path) ?? { requests: [], bytes: 0, open: 0, peak: 0 };
    counts.set(path, known);
    return known;
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    const count = seen(path);
    const behaviour = behaviours.get(path)?.(count.requests.length, request) ?? { status: 404 };
    count.requests.push(request.headers);
    count.open += 1;
    count.peak = Math.max(count.peak, count.open);
    response.once('close', () => {
      count.open -= 1;
    });
    answer(request, response, behaviour, (bytes) => {
      count.bytes += bytes;
    }).catch(() => response.destroy());
  };
  const server = tls === undefined ? createServer(onRequest) : startTls(tls, onRequest);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const origin = `${tls === undefined ? 'http' : 'https'}://${address}:${port}`;
  return {
    origin,
    url: (path) => `${origin}${path}`,
    serve(path, behaviour) {
      behaviours.set(path, typeof behaviour === 'function' ? behaviour : () => behaviour);
    },
    seen,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function startTls(
  { http2 = false, ...tls }: TlsOptions,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  if (!http2) return createTlsServer(tls, onRequest);
  // Requests and responses have what is used of them here.
  return createHttp2Server(tls, onRequest as never) as unknown as Server;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  behaviour: Behaviour,
  count: (bytes: number) => void,
): Promise<void> {
  if (behaviour.silent === true) return;
  if (behaviour.lateMs !== undefined) await sleep(behaviour.lateMs);
  const { needHeader, redirectTo, headers = {} } = behaviour;
  if (needHeader !== undefined && request.headers[needHeader.name.toLowerCase()] !== needHeader.value) {
    response.writeHead(403).end();
    return;
  }
  if (redirectTo !== undefined) {
    response.writeHead(behaviour.status ?? 302, { location: redirectTo, ...headers }).end();
    return;
  }
  if (behaviour.status !== undefined && behaviour.body === undefined) {
    response.writeHead(behaviour.status, { ...headers }).end();
    return;
  }
  const { status, part, fields } = represent(request, behaviour);
  response.writeHead(behaviour.status ?? status, { ...fields, ...headers });
  await send(response, part, behaviour, count);
}

interface Representation {
  readonly status: number;
  readonly part: Buffer;
  readonly fields: Record<string, string>;
}

function represent(request: IncomingMessage, behaviour: Behaviour): Representation {
  const { body = Buffer.alloc(0), etag = '"1"', ranges = true } = behaviour;
  const fields: Record<string, string> = {
    ...(etag === null ? {} : { etag }),
    ...(ranges ? { 'accept-ranges': 'bytes' } : {}),
    ...(behaviour.lastModified === undefined ? {} : { 'last-modified': behaviour.lastModified }),
    ...(behaviour.contentType === undefined ? {} : { 'content-type': behaviour.contentType }),
    ...(behaviour.contentEncoding === undefined ? {} : { 'content-encoding': behaviour.contentEncoding }),
  };
  const length = (bytes: number): Record<string, string> =>
    behaviour.chunked === true ? {} : { 'content-length': String(bytes) };
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const condition = request.headers['if-range'];
  const same = condition === undefined || condition === etag || behaviour.ignoreIfRange === true;
  if (range === null || !ranges || !same)
    return { status: 200, part: body, fields: { ...fields, ...length(body.length) } };
  const first = Number(range[1]);
  if (first >= body.length) {
    return {
      status: 416,
      part: Buffer.alloc(0),
      fields: { ...fields, 'content-range': `bytes */${body.length}` },
    };
  }
  const last = range[2] === '' ? body.length - 1 : Math.min(Number(range[2]), body.length - 1);
  const part = body.subarray(first, last + 1);
  const contentRange = behaviour.contentRange ?? `bytes ${first}-${last}/${body.length}`;
  return { status: 206, part, fields: { ...fields, ...length(part.length), 'content-range': contentRange } };
}

async function send(
  response: ServerResponse,
  part: Buffer,
  { cutAfter, stallAfter, pauseMs, pieceBytes = 65_536, hold }: Behaviour,
  count: (bytes: number) => void,
): Promise<void> {
  const end = Math.min(cutAfter ?? part.length, stallAfter ?? part.length, part.length);
  response.flushHeaders();
  for (let at = 0; at < end; at += pieceBytes) {
    if (response.destroyed) return;
    const piece = part.subarray(at, Math.min(at + pieceBytes, end));
    await new Promise<void>((resolve) => {
      const gone = (): void => resolve();
      response.once('close', gone);
      response.write(piece, () => {
        response.off('close', gone);
        resolve();
      });
    });
    count(piece.length);
    await hold?.(at + piece.length);
    if (pauseMs !== undefined) await new Promise((resolve) => void setTimeout(resolve, pauseMs));
  }
  if (cutAfter !== undefined && cutAfter < part.length) response.socket?.destroySoon();
  else if (stallAfter === undefined || stallAfter >= part.length) response.end();
}
