/** An HTTP server on loopback for one file, and a metalink with two mirrors: a dead port first, then this server. */
import { createReadStream } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Disk } from './demo-disk.ts';
import { freePorts } from './ports.ts';

export interface Origin {
  readonly metalinkUrl: string;
  close(): Promise<void>;
}

const FILE = '/demo.img';
const METALINK = '/demo.meta4';

export async function startOrigin(path: string, disk: Disk): Promise<Origin> {
  const [deadPort] = await freePorts(1);
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://origin');
    if (pathname === FILE) return sendFile(request, response, path, disk);
    if (pathname !== METALINK) return void response.writeHead(404).end();
    const { port } = server.address() as AddressInfo;
    const mirrors = [`http://127.0.0.1:${deadPort}${FILE}`, `http://127.0.0.1:${port}${FILE}`];
    response.writeHead(200, { 'content-type': 'application/metalink4+xml' }).end(metalink(disk, mirrors));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    metalinkUrl: `http://127.0.0.1:${port}${METALINK}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** A metalink by RFC 5854. A host tries the mirrors in the order given. */
const metalink = ({ bytes, sha256 }: Disk, mirrors: readonly string[]): string =>
  [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<metalink xmlns="urn:ietf:params:xml:ns:metalink">',
    '  <file name="demo.img">',
    `    <size>${bytes}</size>`,
    `    <hash type="sha-256">${sha256}</hash>`,
    ...mirrors.map((url, index) => `    <url priority="${index + 1}">${url}</url>`),
    '  </file>',
    '</metalink>',
    '',
  ].join('\n');

/** Answers with the whole file, or with the range that a resumed download asks for. */
function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  { bytes, sha256 }: Disk,
): void {
  const etag = `"${sha256}"`;
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const condition = request.headers['if-range'];
  const isPart = range !== null && (condition === undefined || condition === etag);
  const first = isPart ? Number(range[1]) : 0;
  const last = isPart && range[2] !== '' ? Math.min(Number(range[2]), bytes - 1) : bytes - 1;
  if (first > last) {
    response.writeHead(416, { 'content-range': `bytes */${bytes}` }).end();
    return;
  }
  response.writeHead(isPart ? 206 : 200, {
    etag,
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    'content-length': last - first + 1,
    ...(isPart ? { 'content-range': `bytes ${first}-${last}/${bytes}` } : {}),
  });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  const content = createReadStream(path, { start: first, end: last, highWaterMark: PIECE });
  // A probe closes the connection after the first bytes, which is no error of this server.
  pipeline(content, paced, response).catch(() => undefined);
}

/** The speed of a fast network, so that the download takes seconds and its progress can be watched. */
const BYTES_PER_SECOND = 64 * 1_048_576;
const PIECE = 1_048_576;

async function* paced(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const started = performance.now();
  let sent = 0;
  for await (const piece of pieces) {
    const ahead = (sent / BYTES_PER_SECOND) * 1000 - (performance.now() - started);
    if (ahead > 0) await sleep(ahead);
    sent += piece.length;
    yield piece;
  }
}
