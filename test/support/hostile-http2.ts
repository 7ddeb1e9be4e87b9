/** An origin that speaks HTTP/2 only. Each path names a misbehaviour. */
import { once } from 'node:events';
import { constants, createSecureServer } from 'node:http2';
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { ServerCertificate } from './certificates.ts';

interface Asked {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Number of earlier requests for this path. */
  readonly n: number;
  /** Further headers of the answer. */
  readonly more?: OutgoingHttpHeaders;
}

type Behaviour = (asked: Asked) => void;

/** Sends `bytes` of the file or its rest, and then calls `then` instead of ending. */
function give({ stream, headers, body, more = {} }: Asked, bytes = body.length, then?: () => void): void {
  const from = Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0);
  const last = Math.min(Number(/-(\d+)$/.exec(headers.range ?? '')?.[1] ?? body.length - 1), body.length - 1);
  const partial = headers.range !== undefined;
  stream.respond({
    ':status': partial ? 206 : 200,
    etag: '"1"',
    ...more,
    'content-length': last + 1 - from,
    ...(partial ? { 'content-range': `bytes ${from}-${last}/${body.length}` } : {}),
  });
  const part = body.subarray(from, Math.min(last + 1, from + bytes));
  if (part.length === last + 1 - from) stream.end(part);
  else stream.write(part, then);
}

const onceAtHalf =
  (then: (asked: Asked) => void): Behaviour =>
  (asked) =>
    asked.n === 0 ? give(asked, asked.body.length / 2, () => then(asked)) : give(asked);
const alwaysAtHalf =
  (then: (asked: Asked) => void): Behaviour =>
  (asked) => {
    asked.stream.respond({ ':status': 200, 'content-length': asked.body.length });
    asked.stream.write(asked.body.subarray(0, asked.body.length / 2), () => then(asked));
  };
const goaway = ({ stream }: Asked): void => stream.session?.goaway(constants.NGHTTP2_INTERNAL_ERROR);
const reset =
  (code: number) =>
  ({ stream }: Asked): void =>
    stream.close(code);

/** HPACK has no shorter form for these. @param kilobytes of all of them */
const longHeaders = (kilobytes: number): OutgoingHttpHeaders =>
  Object.fromEntries(Array.from({ length: kilobytes / 4 }, (_, at) => [`x-${at}`, '!'.repeat(4000)]));

/** Bytes of the longest headers that it sends; Node's default is 64 KiB. */
const MAX_SENT_HEADERS = 1_048_576;

export const HOSTILE_HTTP2: Readonly<Record<string, Behaviour>> = {
  fine: (asked) => give(asked),
  'GOAWAY once at half': onceAtHalf(goaway),
  'GOAWAY always at half': alwaysAtHalf(goaway),
  'graceful GOAWAY with each answer': (asked) => {
    const { stream, body } = asked;
    give(asked, body.length - 1, () => stream.end(body.subarray(body.length - 1)));
    stream.session?.goaway(constants.NGHTTP2_NO_ERROR, stream.id);
  },
  'graceful GOAWAY, then a cut': alwaysAtHalf(({ stream }) => {
    stream.session?.goaway(constants.NGHTTP2_NO_ERROR, stream.id);
    setTimeout(() => stream.session?.destroy(), 20);
  }),
  'RST_STREAM once at half': onceAtHalf(reset(constants.NGHTTP2_INTERNAL_ERROR)),
  'RST_STREAM always at half': alwaysAtHalf(reset(constants.NGHTTP2_INTERNAL_ERROR)),
  'CANCEL always at half': alwaysAtHalf(reset(constants.NGHTTP2_CANCEL)),
  'NO_ERROR always at half': alwaysAtHalf(reset(constants.NGHTTP2_NO_ERROR)),
  'RST_STREAM before the answer': reset(constants.NGHTTP2_REFUSED_STREAM),
  'GOAWAY before the answer': goaway,
  'connection cut at half': alwaysAtHalf(({ stream }) => stream.session?.destroy()),
  'window 0 for ever': alwaysAtHalf(() => undefined),
  'silent before the answer': () => undefined,
  '103 without end': ({ stream }) => {
    const again = (): void => {
      if (stream.destroyed) return;
      stream.additionalHeaders({ ':status': 103, link: '</a>' });
      setImmediate(again);
    };
    again();
  },
  'headers of 120 kB': (asked) => give({ ...asked, more: longHeaders(120) }),
  'headers of 200 kB': (asked) => give({ ...asked, more: longHeaders(200) }),
  'no end, no length': ({ stream, body }) => {
    stream.respond({ ':status': 200, etag: '"1"' });
    stream.write(body);
    const again = (): void => {
      if (!stream.destroyed) stream.write(Buffer.alloc(1_048_576), again);
    };
    again();
  },
};

export interface Http2Origin {
  url(name: string): string;
  close(): Promise<void>;
}

export async function startHostileHttp2(certificate: ServerCertificate, body: Buffer): Promise<Http2Origin> {
  const counts = new Map<string, number>();
  const server = createSecureServer({
    ...certificate,
    allowHTTP1: false,
    maxSendHeaderBlockLength: MAX_SENT_HEADERS,
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.on('session', (session) => session.on('error', () => undefined));
  server.on('stream', (stream, headers) => {
    const name = decodeURIComponent((headers[':path'] ?? '/').slice(1));
    const n = counts.get(name) ?? 0;
    counts.set(name, n + 1);
    stream.on('error', () => undefined);
    HOSTILE_HTTP2[name]?.({ stream, headers, body, n });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: (name) => `https://127.0.0.1:${port}/${encodeURIComponent(name)}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers a request with headers that go on and on in CONTINUATION frames. */
export async function startContinuationFlood(certificate: ServerCertificate): Promise<Http2Origin> {
  const sockets = new Set<Socket>();
  const server = createTlsServer({ ...certificate, ALPNProtocols: ['h2'] }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('data', () => undefined);
    socket.write(frame(4, 0, 0, Buffer.alloc(0)));
    // A HEADERS frame with `:status: 200` and without END_HEADERS.
    socket.write(frame(1, 0, 1, Buffer.from([0x88])));
    const literal = Buffer.concat([Buffer.from([0x00, 1, 0x61, 100]), Buffer.alloc(100, 'b')]);
    const flood = frame(9, 0, 1, Buffer.concat(Array.from({ length: 150 }, () => literal)));
    const again = (): void => {
      if (!socket.destroyed) socket.write(flood, () => setImmediate(again));
    };
    again();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: (name) => `https://127.0.0.1:${port}/${encodeURIComponent(name)}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}
