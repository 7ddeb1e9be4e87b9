import { gzipSync } from 'node:zlib';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { FULL } from '../../../../../images/fetch/network/chunk-queue.ts';
import { parseRetryAfter } from '../../../../../images/fetch/protocols/http/http-errors.ts';
import type { HttpOptions } from '../../../../../images/fetch/protocols/http/http-options.ts';
import { createHttpSource } from '../../../../../images/fetch/protocols/http/http.ts';
import { fixedTrust } from '../../../../../images/fetch/network/trust.ts';
import type { OpenedSource, OpenRequest, SourceHead } from '../../../../../images/fetch/protocol.ts';
import type { Secrets } from '../../../../../model/source.ts';
import { selfSigned } from '../../../../support/certificates.ts';
import { deferred } from '../../../../support/deferred.ts';
import { startImageServer } from '../../../../support/image-server.ts';
import type { ImageServer } from '../../../../support/image-server.ts';
import { noise } from '../../../../support/images.ts';
import { onLoopback } from '../../../../support/loopback.ts';
import { until } from '../../../../support/until.ts';

const MIB = 1_048_576;
const body = noise(3 * MIB + 5);
let server: ImageServer;

beforeEach(async () => {
  server = await startImageServer();
});
afterEach(() => server.close());

const signal = new AbortController().signal;
const probe = (url: string, options: HttpOptions = {}, secrets?: Secrets): Promise<SourceHead> =>
  createHttpSource({ ...onLoopback, ...options }).probe({ url, secrets, signal });
const open = (
  url: string,
  request: Partial<OpenRequest> = {},
  options: HttpOptions = {},
): Promise<OpenedSource> => createHttpSource({ ...onLoopback, ...options }).open({ url, signal, ...request });

async function read(source: OpenedSource): Promise<Buffer> {
  const batches: Buffer[] = [];
  for await (const batch of source.body) batches.push(...batch);
  return Buffer.concat(batches);
}
const failure = (kind: string, message: string): unknown =>
  expect.objectContaining({ kind, message: expect.stringContaining(message) as string });

describe('a probe', () => {
  test('asks for the first bytes, and takes the facts from the answer', async () => {
    server.serve('/a', { body, etag: '"x"', lastModified: 'Mon, 01 Jan 2024 00:00:00 GMT' });
    const { head, ...facts } = await probe(server.url('/a'));
    expect(facts).toEqual({
      finalUrl: server.url('/a'),
      total: body.length,
      etag: '"x"',
      lastModified: 'Mon, 01 Jan 2024 00:00:00 GMT',
      contentType: undefined,
      ranges: true,
    });
    expect(head.equals(body.subarray(0, 65_536))).toBe(true);
    expect(server.seen('/a').requests[0]).toMatchObject({
      range: 'bytes=0-65535',
      'accept-encoding': 'identity',
      'user-agent': 'Bypass',
    });
  });

  test('of a server without ranges reads no more than it needs', async () => {
    server.serve('/a', { body: Buffer.alloc(64 * MIB), ranges: false });
    const found = await probe(server.url('/a'));
    expect(found).toMatchObject({ total: 64 * MIB, ranges: false });
    expect(found.head).toHaveLength(65_536);
    expect(server.seen('/a').bytes).toBeLessThan(32 * MIB);
  });

  test.each([400, 403, 416, 501])(
    'that is answered %i for a range asks once more without',
    async (status) => {
      server.serve('/a', (_n, { headers }) => (headers.range === undefined ? { body } : { status }));
      const found = await probe(server.url('/a'));
      expect(found).toMatchObject({ total: body.length, ranges: false });
      expect(found.head.equals(body.subarray(0, 65_536))).toBe(true);
      expect(server.seen('/a').requests.map(({ range }) => range)).toEqual(['bytes=0-65535', undefined]);
    },
  );

  test('of a small file asks once more where a range that ends behind it is refused', async () => {
    const small = body.subarray(0, 40_000);
    const refused = { status: 416, headers: { 'content-range': 'bytes */40000' } };
    server.serve('/a', (_n, { headers }) => (headers.range === undefined ? { body: small } : refused));
    expect(await probe(server.url('/a'))).toMatchObject({ total: 40_000, head: small });
  });

  test('takes headers of 200 kB', async () => {
    server.serve('/a', { body, headers: { link: '</a>; rel=duplicate, '.repeat(10_000) } });
    expect(await probe(server.url('/a'))).toMatchObject({ total: body.length });
  });

  test('of a gzip file that is labelled as encoded, as many servers do, gives the file', async () => {
    const packed = gzipSync(body);
    for (const contentEncoding of ['gzip', 'x-gzip', 'GZIP']) {
      server.serve('/a', { body: packed, contentEncoding });
      const { head, total } = await probe(server.url('/a'));
      expect([total, head.equals(packed.subarray(0, 65_536))]).toEqual([packed.length, true]);
    }
  });

  test('that is refused for want of credentials says which kind is demanded', async () => {
    const headers = { 'www-authenticate': 'Digest realm="images", nonce="abc", qop="auth", NTLM' };
    server.serve('/a', { status: 401, headers });
    await expect(probe(server.url('/a'))).rejects.toEqual(
      failure(
        'Refused',
        'answers 401 Unauthorized: it demands Digest or NTLM; Bypass gives Basic or headers',
      ),
    );
    server.serve('/a', { status: 401, headers: { 'www-authenticate': 'Basic realm="x, Digest"' } });
    await expect(probe(server.url('/a'))).rejects.toThrow(/^answers 401 Unauthorized$/);
  });

  test('of an empty file is an answer', async () => {
    server.serve('/a', { status: 416, headers: { 'content-range': 'bytes */0' } });
    expect(await probe(server.url('/a'))).toMatchObject({ total: 0, head: Buffer.alloc(0) });
  });

  test.each([
    [404, 'NotFound', 'answers 404 Not Found'],
    [410, 'NotFound', 'answers 410 Gone'],
    [401, 'Refused', 'answers 401 Unauthorized'],
    [403, 'Refused', 'answers 403 Forbidden'],
    [500, 'ServerError', 'answers 500'],
    [502, 'ServerError', 'answers 502'],
    [429, 'Throttled', 'answers 429'],
    [503, 'Throttled', 'answers 503'],
    [204, 'ProtocolError', 'answers 204'],
  ])('that is answered %i is %s', async (status, kind, message) => {
    server.serve('/a', { status });
    await expect(probe(server.url('/a'))).rejects.toEqual(failure(kind, message));
  });

  test('reports when a throttling server allows the next request', async () => {
    server.serve('/a', { status: 429, headers: { 'retry-after': '30' } });
    await expect(probe(server.url('/a'))).rejects.toMatchObject({ retryAfterMs: 30_000 });
  });

  test('of a body that is encoded all the same is an error', async () => {
    for (const contentEncoding of ['gzip', 'br']) {
      server.serve('/a', { body, contentEncoding });
      const sentence = `sends the file with a Content-Encoding (${contentEncoding}) although identity was asked for`;
      await expect(probe(server.url('/a'))).rejects.toEqual(failure('ProtocolError', sentence));
    }
  });

  test('of other bytes than asked for is an error', async () => {
    server.serve('/a', { body, contentRange: `bytes 5-65540/${body.length}` });
    await expect(probe(server.url('/a'))).rejects.toEqual(failure('ProtocolError', 'other bytes'));
  });
});

test('Retry-After is seconds or a date', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  expect(
    ['120', 'Thu, 01 Jan 2026 00:01:00 GMT', 'Wed, 31 Dec 2025 00:00:00 GMT', 'soon', undefined].map(
      (value) => parseRetryAfter(value, now),
    ),
  ).toEqual([120_000, 60_000, 0, undefined, undefined]);
});

describe('a whole file', () => {
  test('arrives as it is', async () => {
    server.serve('/a', { body });
    const source = await open(server.url('/a'));
    expect(source).toMatchObject({ total: body.length, offset: 0 });
    expect((await read(source)).equals(body)).toBe(true);
  });

  test('goes on from where it was left, or begins anew and says why', async () => {
    server.serve('/a', { body });
    const resume = { offset: MIB, etag: '"1"', total: body.length };
    const reasons: string[] = [];
    const onRestart = (reason: string): void => void reasons.push(reason);
    const source = await open(server.url('/a'), { resume, onRestart });
    expect(source.offset).toBe(MIB);
    expect(reasons).toEqual([]);
    expect((await read(source)).equals(body.subarray(MIB))).toBe(true);
    server.serve('/a', { body, etag: '"2"', ignoreIfRange: true });
    const again = await open(server.url('/a'), { resume, onRestart });
    expect(again.offset).toBe(0);
    expect(reasons).toEqual(['the file at the source changed']);
    expect((await read(again)).equals(body)).toBe(true);
  });

  test.each([false, true])(
    'that is cut (chunked: %p) gives all that came, then the failure',
    async (chunked) => {
      server.serve('/a', { body, cutAfter: MIB, chunked });
      const source = await open(server.url('/a'));
      let bytes = 0;
      const reading = async (): Promise<void> => {
        for await (const batch of source.body) for (const chunk of batch) bytes += chunk.length;
      };
      await expect(reading()).rejects.toEqual(
        failure('ConnectionLost', 'closed the connection in the middle of the file'),
      );
      expect(bytes).toBe(MIB);
    },
  );

  test('that stops coming is Stalled', async () => {
    server.serve('/a', { body, stallAfter: 4096 });
    const silent = await open(server.url('/a'), {}, { idleMs: 1, minimumRate: 0 });
    await expect(read(silent)).rejects.toEqual(
      failure('Stalled', 'stopped sending: nothing came for 1 ms (idle limit)'),
    );
    const slow = await open(server.url('/a'), {}, { minimumRate: MIB, minimumRateMs: 50 });
    await expect(read(slow)).rejects.toEqual(failure('Stalled', 'sent only 4096 bytes in'));
  });

  // Undici's own way to hold a connection back ends the process here (nodejs/undici#5360).
  test.each(['', `Content-Length: ${2 * body.length}\r\n`])(
    'whose connection ends while it is not read is an answer or a failure (%j)',
    async (length) => {
      const [ended, listener] = await rawBody(`HTTP/1.1 200 OK\r\n${length}Connection: close\r\n\r\n`);
      const source = await open(`http://127.0.0.1:${(listener.address() as AddressInfo).port}/`);
      await ended;
      const found = await read(source).catch((error: unknown) => error);
      if (length === '') expect((found as Buffer).equals(held)).toBe(true);
      else expect(found).toMatchObject({ kind: 'ConnectionLost' });
      listener.close();
    },
  );

  // Without a reason of its own an abort has a DOMException, whose code is a number.
  test.each([new Error('stopped'), undefined])(
    'is left at once when aborted, with the reason (%s)',
    async (why) => {
      server.serve('/a', { body, stallAfter: 4096 });
      server.serve('/silent', { silent: true });
      const aborter = new AbortController();
      const reading = read(await open(server.url('/a'), { signal: aborter.signal }));
      const opening = open(server.url('/silent'), { signal: aborter.signal });
      aborter.abort(why);
      const { reason } = aborter.signal;
      expect(await Promise.allSettled([reading, opening])).toMatchObject([{ reason }, { reason }]);
      await until(
        'the connections are closed',
        () => server.seen('/a').open + server.seen('/silent').open === 0,
      );
    },
  );
});

describe('redirects', () => {
  test('are followed to the end, relative ones too', async () => {
    server.serve('/a', { redirectTo: '/b', status: 301 });
    server.serve('/b', { redirectTo: 'c?x=y', status: 307 });
    server.serve('/c', { body });
    expect(await probe(server.url('/a'))).toMatchObject({ finalUrl: server.url('/c?…') });
  });

  test('that never end are given up', async () => {
    server.serve('/a', { redirectTo: '/a' });
    await expect(probe(server.url('/a'), { maxRedirects: 3 })).rejects.toEqual(
      failure('TooManyRedirects', 'redirects more than 3 times'),
    );
    expect(server.seen('/a').requests).toHaveLength(4);
  });

  test.each([
    ['file:///etc/passwd', 'redirects to a file URL'],
    ['nfs://example.org/a', 'redirects to an nfs URL'],
  ])('to %s are not followed', async (redirectTo, message) => {
    server.serve('/a', { redirectTo });
    await expect(probe(server.url('/a'))).rejects.toEqual(failure('NotAllowed', message));
  });

  test('whose target has a comma in it are followed', async () => {
    server.serve('/a', { redirectTo: '/Disk image, 64 bit' });
    server.serve('/Disk%20image,%2064%20bit', { body });
    expect(await probe(server.url('/a'))).toMatchObject({ total: body.length });
  });

  test('a header of the answer that repeats a secret is ignored', async () => {
    const secrets: Secrets = {
      v: 1,
      origin: server.origin,
      headers: [{ name: 'X-Token', value: 'Bearer a-long-token' }],
      username: 'somebody',
      password: 'a long password',
    };
    const basic = Buffer.from('somebody:a long password').toString('base64');
    const hex = Buffer.from('a-long-token').toString('hex');
    for (const echo of [basic, 'a-long-token', hex, encodeURIComponent('a long password')]) {
      server.serve('/a', { body, etag: `"${echo}"`, contentType: `text/${echo}`, lastModified: 'yesterday' });
      const { etag, contentType, lastModified, total } = await probe(server.url('/a'), {}, secrets);
      expect([etag, contentType, lastModified, total]).toEqual([
        undefined,
        undefined,
        'yesterday',
        body.length,
      ]);
      expect(await probe(server.url('/a'))).toMatchObject({ etag: `"${echo}"` });
    }
  });

  test('take headers that are no secret to another origin, and no secrets', async () => {
    const other = await startImageServer();
    other.serve('/b', { body });
    server.serve('/a', { redirectTo: other.url('/b') });
    const secrets: Secrets = {
      v: 1,
      origin: server.origin,
      headers: [
        { name: 'X-Token', value: 'sesame' },
        { name: 'User-Agent', value: 'curl/8' },
        { name: 'Accept-Language', value: 'de' },
        { name: 'accept', value: 'application/x-disk' },
      ],
      username: 'u',
      password: 'p',
    };
    await probe(server.url('/a'), {}, secrets);
    const basic = `Basic ${Buffer.from('u:p').toString('base64')}`;
    expect(server.seen('/a').requests[0]).toMatchObject({ 'x-token': 'sesame', authorization: basic });
    expect(other.seen('/b').requests[0]).not.toHaveProperty('x-token');
    expect(other.seen('/b').requests[0]).not.toHaveProperty('authorization');
    expect(other.seen('/b').requests[0]).toMatchObject({
      'user-agent': 'curl/8',
      'accept-language': 'de',
      accept: 'application/x-disk',
    });
    await other.close();
  });
});

/** A port that answers connections by `answer`; it is closed at the end of the test. */
async function raw(onConnection: (text: string) => string | undefined): Promise<[string, Server]> {
  const listener = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      const answer = onConnection(data.toString('latin1'));
      if (answer === undefined) socket.destroy();
      else socket.end(answer);
    });
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return [`127.0.0.1:${(listener.address() as AddressInfo).port}`, listener];
}

/** As much as is taken in before a connection is held back: the last chunk does that. */
const held = body.subarray(0, FULL);

/** Sends it behind the head, and ends the connection. @returns when the other side has ended it too */
async function rawBody(head: string): Promise<[ended: Promise<void>, listener: Server]> {
  const ended = deferred();
  const listener = createServer((socket) => {
    socket.on('error', () => undefined).on('close', () => ended.resolve());
    socket.once('data', () => socket.end(Buffer.concat([Buffer.from(head), held])));
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return [ended.promise, listener];
}

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
);

(hasIpv6 ? describe : describe.skip)('a server that has IPv6 only', () => {
  test('is like any other', async () => {
    const listener = createHttpServer((_request, response) => void response.end(body)).listen(0, '::1');
    await once(listener, 'listening');
    const url = `http://[::1]:${(listener.address() as AddressInfo).port}/`;
    expect(await probe(url)).toMatchObject({ total: body.length });
    expect((await read(await open(url))).equals(body)).toBe(true);
    listener.close();
    await once(listener, 'close');
  });
});

describe('a server that cannot be reached', () => {
  test('because nobody listens', async () => {
    const [host, listener] = await raw(() => undefined);
    listener.close();
    await once(listener, 'close');
    await expect(probe(`http://${host}/`)).rejects.toEqual(failure('Unreachable', 'refused the connection'));
  });

  test('because its name does not resolve', async () => {
    await expect(probe('http://no-such-host.invalid/')).rejects.toEqual(
      failure('Unreachable', 'host name that'),
    );
  });

  test.each([
    ['hangs up', undefined, 'ConnectionLost', 'closed the connection before it answered'],
    ['hangs up in the middle of its answer', 'HTTP/1.1 200', 'ConnectionLost', 'before it answered'],
    [
      'says 100 for ever',
      'HTTP/1.1 100 Continue\r\n\r\n'.repeat(40),
      'ProtocolError',
      'answers 100 over and over',
    ],
    ['speaks no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', 'ProtocolError', 'does not keep to HTTP'],
    ['gives a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n', 'ProtocolError', 'HTTP'],
  ])('that %s', async (_name, answer, kind, message) => {
    const [host, listener] = await raw(() => answer);
    await expect(probe(`http://${host}/`)).rejects.toEqual(failure(kind, message));
    listener.close();
  });

  test('because it never answers', async () => {
    server.serve('/a', { silent: true });
    await expect(probe(server.url('/a'), { headersMs: 1 })).rejects.toEqual(
      failure('Stalled', 'accepted the connection but did not answer within 1 ms (limit for headers)'),
    );
  });

  test('for want of trust; with its certificate it is', async () => {
    const certificate = selfSigned();
    const secure = await startImageServer(certificate);
    secure.serve('/a', { body });
    await expect(probe(secure.url('/a'))).rejects.toEqual(failure('TlsFailed', 'this host does not trust'));
    expect(await probe(secure.url('/a'), { trust: fixedTrust([certificate.cert]) })).toMatchObject({
      total: body.length,
    });
    await secure.close();
  });

  test.each([
    [{ days: -1 }, 'has a certificate that has expired'],
    [{ names: ['other.example.org'] }, 'has a certificate for another host name'],
    [{ names: ['127.0.0.1'] }, 'gives 127.0.0.1 as a host name, not as an IP address'],
  ])('for a certificate %p', async (options, message) => {
    const certificate = selfSigned(options);
    const secure = await startImageServer(certificate);
    await expect(probe(secure.url('/a'), { trust: fixedTrust([certificate.cert]) })).rejects.toEqual(
      failure('TlsFailed', message),
    );
    await secure.close();
  });

  test('because it speaks no TLS', async () => {
    await expect(probe(server.url('/a').replace('http:', 'https:'))).rejects.toMatchObject({
      kind: 'TlsFailed',
    });
  });
});
