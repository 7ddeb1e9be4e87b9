/** Named misbehaviours of an HTTP/1.1 origin. */
import { gzipSync } from 'node:zlib';
import { forever } from './hostile-origin.ts';
import type { Behaviour, GoodAnswer, Hostile } from './hostile-origin.ts';
import { rawDisk } from './images.ts';

const MIB = 1_048_576;
const OK = 'HTTP/1.1 200 OK';

const half = ({ body }: Hostile): number => body.length / 2;
/** Answers the first request with `first`, and all others correctly. */
const atFirst =
  (
    first: (hostile: Hostile) => GoodAnswer,
    later: (hostile: Hostile) => GoodAnswer = () => ({}),
  ): Behaviour =>
  (hostile) =>
    hostile.answer(hostile.n === 0 ? first(hostile) : later(hostile));
const cutAtHalf = (hostile: Hostile): GoodAnswer => ({ cutAfter: half(hostile) });
const always =
  (changes: (hostile: Hostile) => GoodAnswer): Behaviour =>
  (hostile) =>
    hostile.answer(changes(hostile));
const fields =
  (...lines: readonly string[]): Behaviour =>
  (hostile) =>
    hostile.answer({ fields: lines });
const status =
  (line: string, ...lines: readonly string[]): Behaviour =>
  async (hostile) => {
    await hostile.head(`HTTP/1.1 ${line}`, 'Content-Length: 0', ...lines);
    hostile.socket.end();
  };
/** Sends the first half, and then a wrong answer instead of the rest. */
const halfThen =
  (line: string, ...lines: readonly string[]): Behaviour =>
  (hostile) =>
    hostile.n === 0 ? hostile.answer(cutAtHalf(hostile)) : status(line, ...lines)(hostile);
const redirect =
  (code: string, location: (hostile: Hostile) => readonly string[]): Behaviour =>
  async (hostile) =>
    status(code, ...location(hostile).map((target) => `Location: ${target}`))(hostile);
const again = (name: string): Behaviour => redirect('302 Found', () => [`/${encodeURIComponent(name)}`]);
const page =
  (text: string, type = 'text/html'): Behaviour =>
  async (hostile) => {
    await hostile.head(OK, `Content-Type: ${type}`, `Content-Length: ${text.length}`);
    await hostile.send(text);
    hostile.socket.end();
  };
const chunked =
  (write: (hostile: Hostile) => Promise<unknown>): Behaviour =>
  async (hostile) => {
    await hostile.head(OK, 'Transfer-Encoding: chunked', 'ETag: "1"');
    await write(hostile);
    hostile.socket.end();
  };
const chunk = (data: Buffer, extension = ''): Buffer =>
  Buffer.concat([Buffer.from(`${data.length.toString(16)}${extension}\r\n`), data, Buffer.from('\r\n')]);

/** The file at the origin after a change. */
export const changedBody = (length: number): Buffer => rawDisk(length, 2);
const changed = ({ body }: Hostile): GoodAnswer => ({ body: changedBody(body.length), etag: '"2"' });
const html = `<!DOCTYPE html><html><head><title>Sign in</title></head>${' '.repeat(2000)}</html>`;

export const HOSTILE: Readonly<Record<string, Behaviour>> = {
  'no ranges': always(() => ({ ranges: false, fields: ['Accept-Ranges: none'] })),
  'content-disposition ../../': fields('Content-Disposition: attachment; filename="../../../etc/passwd"'),
  'cut once at half': atFirst(cutAtHalf),
  'cut always at half, no ranges': always((h) => ({ cutAfter: half(h), ranges: false })),
  'cut every MiB': always(() => ({ cutAfter: MIB })),
  'cut each time at another offset': always(({ n }) => ({ cutAfter: 200_000 + n * 77_777 })),
  'file changes after a cut': atFirst(cutAtHalf, changed),
  'file changes after a cut, If-Range ignored': atFirst(cutAtHalf, (h) => ({
    ...changed(h),
    heedsIfRange: false,
  })),
  'file changes after a cut, same tag, other size': atFirst(cutAtHalf, ({ body }) => ({
    body: changedBody(body.length + 512),
  })),
  'file changes after a cut, same tag, same size': atFirst(cutAtHalf, ({ body }) => ({
    body: changedBody(body.length),
  })),
  'weak tag, cut once': atFirst(
    (h) => ({ ...cutAtHalf(h), etag: 'W/"1"' }),
    () => ({ etag: 'W/"1"' }),
  ),
  'no tag but a date, cut once': atFirst(
    (h) => ({ ...cutAtHalf(h), etag: undefined, fields: ['Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT'] }),
    () => ({ etag: undefined }),
  ),
  'another tag each time, cut each time': always((h) => ({ cutAfter: half(h), etag: `"node-${h.n}"` })),
  'two tags': atFirst(
    (h) => ({ ...cutAtHalf(h), etag: undefined, fields: ['ETag: "1"', 'ETag: "2"'] }),
    () => ({}),
  ),
  '200 for the rest': atFirst(cutAtHalf, () => ({ ranges: false })),
  '206 unasked': async (h) => {
    await h.head(
      'HTTP/1.1 206 Partial Content',
      'Content-Length: 10',
      `Content-Range: bytes 0-9/${h.body.length}`,
    );
    await h.send(h.body.subarray(0, 10));
  },
  '206 shifted': atFirst(cutAtHalf, ({ body }) => ({
    fields: [`Content-Range: bytes 0-${body.length - 1}/${body.length}`],
  })),
  '416 for the rest': (h) =>
    h.n < 2 ? halfThen('416 Range Not Satisfiable', 'Content-Range: bytes */10')(h) : h.answer(),
  '416 for the rest, then 404': (h) =>
    h.n < 2 ? halfThen('416 Range Not Satisfiable', 'Content-Range: bytes */10')(h) : status('404 Gone')(h),
  'gzip unasked': async (h) => {
    const packed = gzipSync(h.body, { level: 1 });
    await h.answer({ body: packed, fields: ['Content-Encoding: gzip'] });
  },
  'gzip file labelled as encoded, cut once': async (h) =>
    h.answer({
      body: gzipSync(h.body, { level: 1 }),
      fields: ['Content-Encoding: gzip'],
      ...(h.n === 0 ? { cutAfter: 500_000 } : {}),
    }),
  'gzip bomb': async (h) => {
    const member = gzipSync(Buffer.alloc(8 * MIB));
    const bomb = Buffer.concat(Array.from({ length: 256 }, () => member));
    await h.answer({ body: bomb, fields: ['Content-Encoding: gzip'] });
  },
  'gzip twice': fields('Content-Encoding: gzip', 'Content-Encoding: gzip'),
  'encoding identity': fields('Content-Encoding: identity'),
  'gzip for the rest': atFirst(cutAtHalf, () => ({ fields: ['Content-Encoding: gzip'] })),
  'transfer-encoding gzip': async (h) => {
    await h.head(OK, 'Transfer-Encoding: gzip, chunked');
    await h.send(chunk(gzipSync(h.body, { level: 1 })));
    await h.send('0\r\n\r\n');
  },
  'login page': page(html),
  'JSON error': page('{"error": "not found"}'.padEnd(600), 'application/json'),
  'XML error': page(
    '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'.padEnd(600),
    'application/xml',
  ),
  'Git LFS pointer': page(
    `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 4194304\n`,
    'text/plain',
  ),
  'longer than its length': (h) => h.answer({ fields: ['Content-Length: 1000'] }),
  'shorter than its length': (h) =>
    h.answer({ ranges: false, fields: [`Content-Length: ${h.body.length + 1000}`] }),
  'two lengths': (h) => h.answer({ fields: [`Content-Length: ${h.body.length}`, 'Content-Length: 5'] }),
  'length -5': fields('Content-Length: -5'),
  'length 2^63': fields('Content-Length: 9223372036854775808'),
  'length 2^64': fields('Content-Length: 18446744073709551616'),
  'HTTP/1.0 without length': async (h) => {
    await h.head('HTTP/1.0 200 OK', 'ETag: "1"');
    await h.send(h.body);
    h.socket.end();
  },
  'HTTP/1.0 without length, cut': async (h) => {
    await h.head('HTTP/1.0 200 OK', 'ETag: "1"');
    await h.send(h.body.subarray(0, half(h)));
    h.socket.end();
  },
  'no end, no length': async (h) => {
    await h.head(OK);
    await h.send(h.body);
    await forever(h, Buffer.alloc(MIB));
  },
  'no end, length 2^40': async (h) => {
    await h.head(OK, `Content-Length: ${2 ** 40}`);
    await h.send(h.body);
    await forever(h, Buffer.alloc(MIB));
  },
  'no end of chunks': chunked(async (h) => {
    await h.send(chunk(h.body));
    await forever(h, chunk(Buffer.alloc(MIB)));
  }),
  'bad chunk size': chunked(async (h) => {
    await h.send(chunk(h.body.subarray(0, MIB)));
    await h.send('zz\r\n');
  }),
  'chunk extension of 1 MB': chunked(async (h) => {
    await h.send(chunk(h.body, `;x=${'y'.repeat(1_000_000)}`));
    await h.send('0\r\n\r\n');
  }),
  trailers: chunked(async (h) => {
    await h.send(chunk(h.body));
    await h.send('0\r\nETag: "2"\r\nX-A: b\r\n\r\n');
  }),
  'chunks cut': chunked((h) => h.send(chunk(h.body.subarray(0, MIB)))),
  '503 Retry-After seconds': status('503 Unavailable', 'Retry-After: 1'),
  '429 Retry-After date': async (h) =>
    status('429 Slow Down', `Retry-After: ${new Date(Date.now() + 90_000).toUTCString()}`)(h),
  '429 Retry-After a year': status('429 Slow Down', 'Retry-After: 31536000'),
  '503 Retry-After nonsense': status('503 Unavailable', 'Retry-After: soon'),
  '500': status('500 Oops'),
  ...Object.fromEntries(
    ['400 Bad Request', '403 Forbidden', '501 Not Implemented'].map((line) => [
      `${line} for any range`,
      (h: Hostile) =>
        h.headers.has('range') ? status(line)(h) : h.answer(h.n === 0 ? { cutAfter: half(h) } : {}),
    ]),
  ),
  '401 for the rest': halfThen('401 Unauthorized'),
  '403 for the rest': halfThen('403 Expired'),
  '404 for the rest': halfThen('404 Not Found'),
  '503 for the rest': halfThen('503 Unavailable', 'Retry-After: 7'),
  'redirect loop': redirect('302 Found', () => ['/redirect%20loop']),
  'redirect to file:': redirect('302 Found', () => ['file:///etc/passwd']),
  'redirect to ftp:': redirect('302 Found', () => ['ftp://127.0.0.1/a']),
  'redirect to gopher:': redirect('302 Found', () => ['gopher://127.0.0.1/a']),
  'redirect to data:': redirect('302 Found', () => ['data:text/plain,x']),
  'redirect to nfs:': redirect('302 Found', () => ['nfs://127.0.0.1/exp/a.img']),
  'redirect elsewhere': redirect('302 Found', ({ other }) => [`${other}/good`]),
  'redirect with a body': async (h) => {
    await h.head('HTTP/1.1 302 Found', `Location: ${h.other}/good`, 'Content-Length: 5000');
    await h.send('x'.repeat(5000));
  },
  'redirect with user and password': redirect('302 Found', ({ other }) => [
    `${other.replace('://', '://u:p@')}/good#x`,
  ]),
  'redirect 307, relative': redirect('307 Temporary Redirect', () => ['good?x=../../y']),
  'redirect 308': redirect('308 Permanent Redirect', ({ other }) => [`${other}/good`]),
  '300 with Location': redirect('300 Multiple Choices', ({ other }) => [`${other}/good`]),
  '304': status('304 Not Modified'),
  '305': redirect('305 Use Proxy', ({ other }) => [`${other}/good`]),
  'redirect to nowhere': redirect('302 Found', () => []),
  'redirect to an empty Location': redirect('302 Found', () => ['']),
  'redirect to two': redirect('302 Found', ({ other }) => [`${other}/good`, 'http://127.0.0.1:1/']),
  'redirect of 64 kB': redirect('302 Found', () => [`/${'a'.repeat(65_536)}`]),
  'redirect to http:///': redirect('302 Found', () => ['http://']),
  'redirect 10 times': (h) => (h.n < 10 ? again('redirect 10 times')(h) : h.answer()),
  'redirect 11 times': (h) => (h.n < 11 ? again('redirect 11 times')(h) : h.answer()),
  'header of 1 MB': fields(`X-A: ${'a'.repeat(1_000_000)}`),
  'headers without end': async (h) => {
    await h.send(`${OK}\r\n`);
    await forever(h, `X-A: ${'a'.repeat(1000)}\r\n`);
  },
  'headers byte by byte': async (h) => {
    await h.send(`${OK}\r\nX-A: `);
    await forever(h, 'a', 20);
  },
  'silent before the answer': async () => undefined,
  '100 without end': async (h) => forever(h, 'HTTP/1.1 100 Continue\r\n\r\n'),
  '103 without end': async (h) => forever(h, 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'),
  '100 twice, in pieces, then the file': async (h) => {
    for (const part of ['HTT', 'P/1.1 100 Continue\r\nX: y\r\n', '\r\nHTTP/1.1 100\r\n\r\nHTTP/1.']) {
      await h.send(part);
      await new Promise((resolve) => void setTimeout(resolve, 5));
    }
    await h.send(`1 200 OK\r\nContent-Length: ${h.body.length}\r\nETag: "1"\r\n\r\n`);
    await h.send(h.body);
  },
  '103, then the file': async (h) => {
    await h.head('HTTP/1.1 103 Early Hints', 'ETag: "0"');
    await h.answer();
  },
  '101 unasked': status('101 Switching Protocols', 'Upgrade: x', 'Connection: Upgrade'),
  'byte by byte': async (h) => {
    await h.head(OK, `Content-Length: ${h.body.length}`, 'ETag: "1"');
    await forever(h, 'a', 20);
  },
  'stalls at 1 %': always(({ body }) => ({ stallAfter: Math.floor(body.length / 100) })),
  'stalls once at half': atFirst((h) => ({ stallAfter: half(h) })),
  'stalls once before the last byte': atFirst(({ body }) => ({ stallAfter: body.length - 1 })),
  'no HTTP': async (h) => {
    await h.send('SSH-2.0-OpenSSH_9.2\r\n');
    h.socket.end();
  },
  'hangs up': async ({ socket }) => socket.destroy(),
  'resets in the middle': async (h) => {
    await h.head(OK, `Content-Length: ${h.body.length}`);
    await h.send(h.body.subarray(0, MIB));
    h.socket.resetAndDestroy();
  },
  'bytes of another file': (h) => h.answer({ body: changedBody(h.body.length) }),
};
