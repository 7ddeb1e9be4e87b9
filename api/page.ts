/** The web page: files that were built, kept in memory. Nothing that a request names becomes a path. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

export interface Page {
  readonly html: string;
  /** By path, such as `/assets/index-1a2b.js`. */
  readonly files: ReadonlyMap<string, PageFile>;
}

export interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
  readonly gzipped: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/** Where the page has views; each address is answered with the same document, which then shows the view. */
const VIEWS = [
  '/',
  '/templates',
  '/isos',
  '/deployments',
  '/hosts',
  '/pools',
  '/certificates',
  '/events',
  '/overview',
];

/** What the document is built with where the number of its styles goes. */
const NONCE = '__NONCE__';
const YEAR = 31_536_000;

/** @returns undefined when the page was not built into that folder */
export function loadPage(folder: string): Page | undefined {
  if (!existsSync(join(folder, 'index.html'))) return undefined;
  const assets = join(folder, 'assets');
  const files = readdirSync(assets).flatMap((name) => {
    const type = TYPES[extname(name)];
    if (type === undefined) return [];
    const bytes = readFileSync(join(assets, name));
    return [[`/assets/${name}`, { type, bytes, gzipped: gzipSync(bytes, { level: 9 }) }] as const];
  });
  return { html: readFileSync(join(folder, 'index.html'), 'utf8'), files: new Map(files) };
}

export function addPage(server: FastifyInstance, page: Page): void {
  for (const view of VIEWS) {
    server.get(view, (_request, reply) => sendDocument(reply, page));
    if (view !== '/') server.get(`${view}/*`, (_request, reply) => sendDocument(reply, page));
  }
  for (const [path, file] of page.files) server.get(path, (request, reply) => sendFile(request, reply, file));
}

function sendDocument(reply: FastifyReply, { html }: Page): FastifyReply {
  const nonce = randomBytes(16).toString('base64url');
  return reply
    .header('content-security-policy', policy(nonce))
    .type('text/html; charset=utf-8')
    .send(html.replaceAll(NONCE, nonce));
}

/** Scripts and styles come from here only; styles that the components write carry the number. */
const policy = (nonce: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

/** The name of a file changes with what is in it, so it is asked for once. */
function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  { type, bytes, gzipped }: PageFile,
): FastifyReply {
  const zipped = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  return reply
    .header('cache-control', `public, max-age=${YEAR}, immutable`)
    .header('vary', 'accept-encoding')
    .headers(zipped ? { 'content-encoding': 'gzip' } : {})
    .type(type)
    .send(zipped ? gzipped : bytes);
}
