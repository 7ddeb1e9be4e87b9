/** A hostile origin: a raw listener, with and without TLS. Each path names a misbehaviour. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { ServerCertificate } from './certificates.ts';

/** A request and its raw socket. */
export interface Hostile {
  /** Number of earlier requests for this path. */
  readonly n: number;
  readonly headers: ReadonlyMap<string, string>;
  /** First requested byte; 0 without a range. */
  readonly from: number;
  readonly body: Buffer;
  /** Another origin, which answers every path correctly. */
  readonly other: string;
  readonly socket: Socket;
  /** Writes bytes. @returns false when the client has closed the connection */
  readonly send: (data: string | Buffer) => Promise<boolean>;
  /** Writes exactly these header lines. */
  head(...lines: readonly string[]): Promise<boolean>;
  /** Sends the file, or its rest, as a correct server would; `changes` override header fields. */
  answer(changes?: GoodAnswer): Promise<void>;
}

export interface GoodAnswer {
  readonly body?: Buffer;
  readonly etag?: string | undefined;
  /** Header fields that replace or extend those of a correct answer. */
  readonly fields?: readonly string[];
  /** Bytes of this answer after which the connection is cut. */
  readonly cutAfter?: number;
  /** Bytes of this answer after which nothing more comes. */
  readonly stallAfter?: number;
  readonly ranges?: boolean;
  readonly heedsIfRange?: boolean;
}

export type Behaviour = (hostile: Hostile) => Promise<unknown>;

export interface HostileOrigin {
  readonly origin: string;
  url(name: string): string;
  /** Raw heads of the requests for a path. */
  requests(name: string): readonly ReadonlyMap<string, string>[];
  close(): Promise<void>;
}

export async function startHostileOrigin(
  behaviours: Readonly<Record<string, Behaviour>>,
  options: {
    readonly body: Buffer;
    readonly other?: string;
    readonly tls?: ServerCertificate & { readonly maxVersion?: 'TLSv1.1' | 'TLSv1.2' };
  },
): Promise<HostileOrigin> {
  const seen = new Map<string, ReadonlyMap<string, string>[]>();
  const sockets = new Set<Socket>();
  const onSocket = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    readHead(socket, (path, headers) => {
      const earlier = seen.get(path) ?? [];
      seen.set(path, [...earlier, headers]);
      const hostile = hostileOf(socket, headers, { ...options, n: earlier.length });
      const behaviour = behaviours[decodeURIComponent(path)] ?? (async (): Promise<void> => hostile.answer());
      behaviour(hostile).catch(() => socket.destroy());
    });
  };
  const { tls } = options;
  const server: Server =
    tls === undefined
      ? createServer(onSocket)
      : createTlsServer(
          { minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0', rejectUnauthorized: true, ...tls },
          onSocket,
        ).on('tlsClientError', () => undefined);
  if (tls !== undefined) server.on('connection', (raw: Socket) => sockets.add(raw));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const origin = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  return {
    origin,
    url: (name) => `${origin}/${encodeURIComponent(name)}`,
    requests: (name) => seen.get(encodeURIComponent(name)) ?? [],
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function readHead(
  socket: Socket,
  onHead: (path: string, headers: ReadonlyMap<string, string>) => void,
): void {
  let text = '';
  socket.on('data', (data) => {
    text += data.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const [first = '', ...lines] = text.slice(0, end).split('\r\n');
    text = text.slice(end + 4);
    const fields = lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    });
    const [path = ''] = /^GET \/([^ ?]*)/.exec(first)?.slice(1) ?? [];
    onHead(path, new Map(fields));
  });
}

function hostileOf(
  socket: Socket,
  headers: ReadonlyMap<string, string>,
  { n, body, other = '' }: { readonly n: number; readonly body: Buffer; readonly other?: string },
): Hostile {
  const send = (data: string | Buffer): Promise<boolean> =>
    new Promise((resolve) => {
      if (socket.destroyed) return resolve(false);
      const gone = (): void => resolve(false);
      socket.once('close', gone);
      socket.write(data, (error) => {
        socket.off('close', gone);
        resolve(error === undefined || error === null);
      });
    });
  const head = (...lines: readonly string[]): Promise<boolean> => send(`${lines.join('\r\n')}\r\n\r\n`);
  const from = Number(/^bytes=(\d+)-/.exec(headers.get('range') ?? '')?.[1] ?? 0);
  const answer = async (changes: GoodAnswer = {}): Promise<void> => {
    const { body: file = body, fields = [], ranges = true, heedsIfRange = true } = changes;
    const etag = 'etag' in changes ? changes.etag : '"1"';
    const condition = headers.get('if-range');
    const partial =
      headers.has('range') && ranges && (condition === undefined || condition === etag || !heedsIfRange);
    const first = partial ? from : 0;
    const last = partial ? lastOf(headers.get('range') ?? '', file.length) : file.length - 1;
    const part = file.subarray(first, last + 1);
    const replaced = new Set(fields.map((field) => field.split(':', 1)[0]?.toLowerCase()));
    const good = [
      `Content-Length: ${part.length}`,
      ...(etag === undefined ? [] : [`ETag: ${etag}`]),
      ...(partial ? [`Content-Range: bytes ${first}-${last}/${file.length}`] : []),
    ].filter((field) => !replaced.has(field.split(':', 1)[0]?.toLowerCase()));
    const status = partial ? 'HTTP/1.1 206 Partial Content' : 'HTTP/1.1 200 OK';
    await head(status, ...good, ...fields.filter((field) => !field.endsWith(':')));
    const { cutAfter = part.length, stallAfter = part.length } = changes;
    await send(part.subarray(0, Math.min(cutAfter, stallAfter)));
    if (stallAfter < part.length) return;
    socket.end();
  };
  return { n, headers, from, body, other, socket, send, head, answer };
}

const lastOf = (range: string, length: number): number =>
  Math.min(Number(/-(\d+)$/.exec(range)?.[1] ?? length - 1), length - 1);

/** Sends the same bytes again and again until the client closes the connection. */
export async function forever({ send }: Hostile, data: string | Buffer, pauseMs = 0): Promise<void> {
  while (await send(data)) {
    await new Promise((resolve) => void (pauseMs > 0 ? setTimeout(resolve, pauseMs) : setImmediate(resolve)));
  }
}
