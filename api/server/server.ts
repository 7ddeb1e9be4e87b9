/** The HTTP server: the endpoint of the API, its documentation, health checks, and the web page. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  fastify,
  LogController,
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
} from 'fastify';
import { sharedFor } from '../../platform/shared-for.ts';
import type { ApiDependencies } from './command.ts';
import { isCrossSite } from './cross-site.ts';
import { type ApiAnswer, dispatch, refuse } from './dispatch.ts';
import { addDocuments } from './documents.ts';
import { ApiError } from './errors.ts';
import { answerUnreadable, BODY_LIMIT, FORM, httpErrorOf } from './http-errors.ts';
import { API_PATH } from './openapi.ts';
import { addPage, isForPeople, type Page, sendDocument } from './page.ts';

export interface ServerDependencies extends ApiDependencies {
  /** Whether PostgreSQL and Temporal answer. */
  readonly ready: () => Promise<boolean>;
  readonly page?: Page | undefined;
  readonly logger?: FastifyBaseLogger;
  /** IP addresses and CIDR blocks of proxies. Their X-Forwarded-For, -Proto and -Host headers are trusted. */
  readonly trustedProxies?: readonly string[];
  /** Whether users reach the api by HTTPS only; browsers then send its cookies over HTTPS only. */
  readonly isPublicByTls?: boolean;
  /** Certificate and key as PEM. Default: plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
}

/** Some clients send all parameters, even certificates, in the query of a GET. */
const HEADER_LIMIT = 128 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 72_000;

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

export function buildServer(dependencies: ServerDependencies): FastifyInstance {
  const { tls, page, trustedProxies: trusted = [] } = dependencies;
  const transport =
    tls === undefined
      ? { http: { maxHeaderSize: HEADER_LIMIT } }
      : { https: { maxHeaderSize: HEADER_LIMIT, ...tls } };
  const server = fastify({
    ...(transport as { readonly http: { readonly maxHeaderSize: number } }),
    trustProxy: trusted.length > 0 && [...trusted],
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    clientErrorHandler: answerUnreadable,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    routerOptions: { ignoreTrailingSlash: true, querystringParser: () => ({}) },
    ...(dependencies.logger === undefined ? {} : { loggerInstance: dependencies.logger }),
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(FORM, { parseAs: 'string' }, (_request, body, done) => done(null, body));
  // Calls that wait would hold up the end of the process.
  server.addHook('preClose', async () => dependencies.jobEnds.close());
  server.addHook('onRequest', async (_request, reply) => {
    reply.headers(HEADERS);
  });
  server.setErrorHandler<FastifyError>((error, request, reply) => {
    const { status, body } = refuse(undefined, httpErrorOf(error, request.id));
    if (status >= 500) request.log.error({ err: error }, 'a request failed');
    return reply.code(status).send(body);
  });
  server.setNotFoundHandler((request, reply) => {
    if (page !== undefined && isForPeople(request)) return sendDocument(reply.code(404), page);
    const error = new ApiError(404, `There is nothing here; the API is at ${API_PATH}, by GET or POST.`);
    return reply.code(404).send(refuse(undefined, error).body);
  });
  addApi(server, dependencies);
  addDocuments(server, dependencies.installation);
  addHealth(server, dependencies);
  if (page !== undefined) addPage(server, page);
  return server;
}

function addApi(server: FastifyInstance, dependencies: ServerDependencies): void {
  server.route({
    method: ['GET', 'POST'],
    url: API_PATH,
    async handler(request, reply) {
      const [, query = ''] = /\?(.*)$/s.exec(request.raw.url ?? '') ?? [];
      const form = typeof request.body === 'string' ? request.body : '';
      const key = request.headers['idempotency-key'];
      const answer: ApiAnswer = await dispatch(dependencies, {
        texts: [query, form],
        idempotencyKey: typeof key === 'string' && key !== '' ? key : undefined,
        cookies: request.headers.cookie,
        secure: dependencies.isPublicByTls === true || request.protocol === 'https',
        isPost: request.method === 'POST',
        isCrossSite: isCrossSite(request.headers, request.host),
        address: request.ip,
        id: request.id,
        traceparent: headerOf(request.headers['traceparent']),
        sent: Promise.race([once(reply.raw, 'finish'), once(reply.raw, 'close')]).catch(() => undefined),
        log: request.log,
      });
      return reply
        .code(answer.status)
        .headers(answer.headers ?? {})
        .type('application/json; charset=utf-8')
        .send(answer.body);
    },
  });
}

const headerOf = (given: string | readonly string[] | undefined): string | undefined =>
  typeof given === 'string' ? given : undefined;

/** Milliseconds for which one check answers /readyz: anybody may call it, and each check queries PostgreSQL and Temporal. */
const READY_MAX_AGE_MS = 1000;

function addHealth(server: FastifyInstance, dependencies: ServerDependencies): void {
  const ready = sharedFor(READY_MAX_AGE_MS, dependencies.ready);
  server.get('/healthz', (_request, reply) => reply.type('text/plain').send('ok\n'));
  server.get('/readyz', async (_request, reply) => {
    const isReady = await ready().catch(() => false);
    return reply
      .code(isReady ? 200 : 503)
      .type('text/plain')
      .send(isReady ? 'ready\n' : 'not ready\n');
  });
}
