/** Serves the web page from memory. The files are read once at the start; no request ever names a path of the file system. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

export interface Page {
  readonly html: string;
  /** By the path of their address, such as `/assets/index-1a2b.js`. */
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

/** The addresses of views, which ui/app.tsx has. Each is answered with the same document, which then shows the view. */
const VIEWS = [
  '/',
  '/templates',
  '/isos',
  '/deployments',
  '/instances',
  '/offerings',
  '/networks',
  '/ssh-keys',
  '/rollouts',
  '/hosts',
  '/pools',
  '/certificates',
  '/events',
  '/jobs',
  '/accounts',
  '/zones',
  '/settings',
  '/me',
  '/overview',
];

/** The build puts this placeholder into the document; each answer replaces it with a new nonce for styles. */
const NONCE_PLACEHOLDER = '__NONCE__';
const YEAR_SECONDS = 31_536_000;

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

/** Whether a browser opens the address: the page itself then says that the address is unknown. */
export const isForPeople = ({ method, headers }: FastifyRequest): boolean =>
  method === 'GET' && /\btext\/html\b/.test(headers.accept ?? '');

export function sendDocument(reply: FastifyReply, { html }: Page): FastifyReply {
  const nonce = randomBytes(16).toString('base64url');
  return reply
    .header('content-security-policy', contentPolicy(nonce))
    .type('text/html; charset=utf-8')
    .send(html.replaceAll(NONCE_PLACEHOLDER, nonce));
}

/** Allows scripts and styles of this server only, and the styles that components insert if they carry the nonce. */
export const contentPolicy = (nonce?: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    nonce === undefined ? "style-src 'self'" : `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

/** The name of a file changes with its content, so browsers may cache it for good. */
function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  { type, bytes, gzipped }: PageFile,
): FastifyReply {
  const zipped = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  return reply
    .header('cache-control', `public, max-age=${YEAR_SECONDS}, immutable`)
    .header('vary', 'accept-encoding')
    .headers(zipped ? { 'content-encoding': 'gzip' } : {})
    .type(type)
    .send(zipped ? gzipped : bytes);
}
