/** What an origin may do wrong over TLS and HTTP/2, and what is right then. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { createHttpSource } from '../../images/sources/http.ts';
import { fixedTrust } from '../../images/sources/trust.ts';
import { selfSigned } from '../support/certificates.ts';
import { openDownloadLab } from '../support/download-lab.ts';
import type { DownloadLab } from '../support/download-lab.ts';
import { HOSTILE_HTTP2, startContinuationFlood, startHostileHttp2 } from '../support/hostile-http2.ts';
import type { Http2Origin } from '../support/hostile-http2.ts';
import { startHostileOrigin } from '../support/hostile-origin.ts';
import type { HostileOrigin } from '../support/hostile-origin.ts';
import { checkDownload } from '../support/hostile-outcome.ts';
import type { Expected, Given } from '../support/hostile-outcome.ts';
import { rawDisk } from '../support/images.ts';
import { onLoopback } from '../support/loopback.ts';
import { needing } from '../support/programs.ts';

const MIB = 1_048_576;
const body = rawDisk(4 * MIB);
const certificate = selfSigned();
const trusting = { trust: fixedTrust([certificate.cert]) };
const short = { headersMs: 400, idleMs: 400, connectMs: 400, tlsMs: 400 };

/** Listens without accepting, and has as many connections waiting as it may have. */
const FULL_BACKLOG = `
import socket, sys
server = socket.socket(); server.bind(('127.0.0.1', 0)); server.listen(0)
waiting = [socket.socket() for _ in range(4)]
for one in waiting:
    one.setblocking(False); one.connect_ex(server.getsockname())
print(server.getsockname()[1], flush=True)
sys.stdin.read()
`;

let lab: DownloadLab;
beforeEach(async () => {
  lab = await openDownloadLab();
});
afterEach(() => lab.close());

const check = (
  url: string,
  expected: Partial<Expected>,
  { http = {}, request = {} }: Given = {},
): Promise<void> =>
  checkDownload(lab, url, { bytes: body, ...expected }, { http: { ...trusting, ...http }, request });

type Row = readonly [name: string, expected: Partial<Expected>, given?: Given];
const titled = (rows: readonly Row[]): [title: string, row: Row][] =>
  rows.map((row) => [`${row[0]} → ${row[1].kind ?? 'right'}`, row]);

const ROWS: readonly Row[] = [
  ['fine', {}],
  ['GOAWAY once at half', {}],
  ['RST_STREAM once at half', {}],
  ['GOAWAY always at half', { kind: 'ConnectionLost', kept: 'perhaps' }],
  ['RST_STREAM always at half', { kind: 'ConnectionLost', kept: 'perhaps' }],
  ['CANCEL always at half', { kind: 'ConnectionLost', kept: 'perhaps' }],
  ['NO_ERROR always at half', { kind: 'ConnectionLost', kept: 'perhaps' }],
  ['connection cut at half', { kind: 'ConnectionLost', kept: 'perhaps' }],
  ['RST_STREAM before the answer', { kind: 'ConnectionLost' }],
  ['GOAWAY before the answer', { kind: 'ConnectionLost' }],
  ['window 0 for ever', { kind: 'Stalled', message: /idle limit/, kept: true }, { http: short }],
  ['silent before the answer', { kind: 'Stalled', message: /limit for headers/ }, { http: short }],
  ['103 without end', { kind: 'Stalled', message: /limit for headers/ }, { http: short }],
  ['headers of 120 kB', { kind: 'ConnectionLost' }, { http: short }],
  ['no end, no length', { kind: 'SizeMismatch' }, { request: { size: body.length } }],
];

describe('HTTP/2', () => {
  let origin: Http2Origin;
  beforeEach(async () => {
    origin = await startHostileHttp2(certificate, body);
  });
  afterEach(() => origin.close());

  test.each(titled(ROWS))('%s', (_title, [name, expected, given]) =>
    check(origin.url(name), expected, given),
  );

  test('every behaviour has a row', () => {
    const named = new Set(ROWS.map(([name]) => name));
    expect(Object.keys(HOSTILE_HTTP2).filter((name) => !named.has(name))).toEqual([]);
  });

  test('headers that go on and on in CONTINUATION frames', async () => {
    const flood = await startContinuationFlood(certificate);
    try {
      await check(flood.url('a'), { kind: 'ConnectionLost' }, { http: short });
    } finally {
      await flood.close();
    }
  });

  test('a reader that takes its time is no idle source', async () => {
    const source = await createHttpSource({ ...onLoopback, ...trusting, idleMs: 50 }).open({
      url: origin.url('fine'),
      signal: new AbortController().signal,
    });
    let bytes = 0;
    for await (const batch of source.body) {
      await new Promise((resolve) => void setTimeout(resolve, 120));
      bytes += batch.reduce((sum, chunk) => sum + chunk.length, 0);
    }
    expect(bytes).toBe(body.length);
  });
});

const using = async (
  tls: Parameters<typeof startHostileOrigin>[1]['tls'],
  use: (origin: HostileOrigin) => Promise<void>,
): Promise<void> => {
  const origin = await startHostileOrigin(
    {
      renegotiates: async (h) => {
        await h.head('HTTP/1.1 200 OK', `Content-Length: ${h.body.length}`, 'ETag: "1"');
        await h.send(h.body.subarray(0, MIB));
        (h.socket as TLSSocket).renegotiate({}, () => undefined);
        await h.send(h.body.subarray(MIB));
        h.socket.end();
      },
      'cut without close_notify': async (h) => {
        await h.head('HTTP/1.0 200 OK', 'Connection: close');
        await h.send(h.body.subarray(0, MIB));
        h.socket.destroy();
      },
    },
    { body, ...(tls === undefined ? {} : { tls }) },
  );
  try {
    await use(origin);
  } finally {
    await origin.close();
  }
};

describe('TLS', () => {
  test.each([
    ['expired', selfSigned({ days: -1 }), true, /has expired/],
    ['not valid yet', selfSigned({ inDays: 1 }), true, /is not valid yet/],
    ['self-signed', certificate, false, /this host does not trust/],
    ['for another host', selfSigned({ names: ['other.example.org'] }), true, /for another host name/],
    ['fine, but with TLS 1.1 only', { ...certificate, maxVersion: 'TLSv1.1' as const }, true, /too old|TLS/],
  ])('a certificate that is %s: nothing is fetched', (_name, tls, trusted, message) =>
    using(tls, (origin) =>
      check(
        origin.url('a'),
        { kind: 'TlsFailed', message },
        { http: { trust: fixedTrust(trusted ? [tls.cert] : []) } },
      ),
    ),
  );

  test('a certificate that is signed with SHA-1: nothing is fetched', () => {
    const issuer = selfSigned({ names: ['authority.example.org'] });
    const old = selfSigned({ issuer, digest: 'sha1' });
    return using(old, (origin) =>
      check(origin.url('a'), { kind: 'TlsFailed' }, { http: { trust: fixedTrust([issuer.cert]) } }),
    );
  });

  test('one of the same authority that is signed with SHA-256 is trusted', () => {
    const issuer = selfSigned({ names: ['authority.example.org'] });
    return using(selfSigned({ issuer }), (origin) =>
      check(origin.url('a'), {}, { http: { trust: fixedTrust([issuer.cert]) } }),
    );
  });

  test('a handshake that is asked for anew in the middle of the file', () =>
    using({ ...certificate, maxVersion: 'TLSv1.2' }, (origin) => check(origin.url('renegotiates'), {})));

  test('a connection that ends without saying so was cut', () =>
    using(certificate, (origin) =>
      check(
        origin.url('cut without close_notify'),
        { kind: 'ConnectionLost', kept: 'perhaps' },
        { request: { size: body.length } },
      ),
    ));

  test('a handshake that never ends', () =>
    using(undefined, async (origin) => {
      // Speaks no TLS and waits for the end of a head that does not come.
      const url = origin.url('a').replace('http:', 'https:');
      await check(url, { kind: 'Stalled', message: /limit for TLS/ }, { http: short });
    }));
});

needing('python3')('a connection that nobody takes', () => {
  test('is given up', async () => {
    const full = spawn('python3', ['-c', FULL_BACKLOG], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      const [port] = (await once(full.stdout, 'data')) as [Buffer];
      const url = `http://127.0.0.1:${port.toString().trim()}/a`;
      await check(url, { kind: 'Unreachable', message: /limit for connecting/ }, { http: short });
    } finally {
      full.kill('SIGKILL');
    }
  });
});
