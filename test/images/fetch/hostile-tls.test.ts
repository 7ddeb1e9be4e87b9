/** What an origin may do wrong over TLS and HTTP/2, and what is right then. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { TLSSocket } from 'node:tls';
import { createHttpSource } from '../../../images/fetch/protocols/http/http.ts';
import { fixedTrust } from '../../../images/fetch/network/trust.ts';
import { selfSigned } from '../../support/certificates.ts';
import { openDownloadLab } from '../../labs/download.ts';
import type { DownloadLab } from '../../labs/download.ts';
import { HOSTILE_HTTP2, startContinuationFlood, startHostileHttp2 } from '../../support/hostile-http2.ts';
import type { Http2Origin } from '../../support/hostile-http2.ts';
import { startHostileOrigin } from '../../support/hostile-origin.ts';
import type { HostileOrigin } from '../../support/hostile-origin.ts';
import { checkDownload } from '../../support/hostile-outcome.ts';
import type { Expected, CheckOptions } from '../../support/hostile-outcome.ts';
import { rawDisk } from '../../support/images.ts';
import { onLoopback } from '../../support/loopback.ts';
import { startNginx } from '../../support/nginx.ts';
import { casesOfForm, needing } from '../../support/programs.ts';
import { createResolver } from '../../support/resolver.ts';

const MIB = 1_048_576;
const body = rawDisk(4 * MIB);
const certificate = selfSigned();
const trusting = { trust: fixedTrust([certificate.cert]) };
const short = { headersMs: 400, idleMs: 400, connectMs: 400, tlsMs: 400 };

/**
 * Listens without accepting, and has as many connections waiting as it may have. At a line of its input it takes those
 * that come, and answers them.
 */
const FULL_BACKLOG = `
import socket, sys
server = socket.socket(); server.bind(('127.0.0.1', 0)); server.listen(0)
waiting = [socket.socket() for _ in range(4)]
for one in waiting:
    one.setblocking(False); one.connect_ex(server.getsockname())
print(server.getsockname()[1], flush=True)
sys.stdin.readline()
for one in waiting: one.close()
while True:
    taken, _ = server.accept()
    if not taken.recv(65536): continue
    taken.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\n\\r\\ndisk'); taken.close()
`;

let lab: DownloadLab;
beforeEach(async () => {
  lab = await openDownloadLab();
});
afterEach(() => lab.close());

const check = (
  url: string,
  expected: Partial<Expected>,
  { http = {}, request = {} }: CheckOptions = {},
): Promise<void> =>
  checkDownload(lab, url, { bytes: body, ...expected }, { http: { ...trusting, ...http }, request });

type Row = readonly [name: string, expected: Partial<Expected>, given?: CheckOptions];
const titled = (rows: readonly Row[]): [title: string, row: Row][] =>
  rows.map((row) => [`${row[0]} → ${row[1].kind ?? 'right'}`, row]);

const ROWS: readonly Row[] = [
  ['GOAWAY once at half', {}],
  ['graceful GOAWAY with each answer', { tries: 1 }],
  ['RST_STREAM once at half', {}],
  ['NO_ERROR always at half', { kind: 'ConnectionLost', kept: 'perhaps' }],
  ['RST_STREAM before the answer', { kind: 'ConnectionLost' }],
  ['window 0 for ever', { kind: 'Stalled', message: /idle limit/, kept: true }, { http: short }],
  ['103 without end', { kind: 'Stalled', message: /limit for headers/ }, { http: short }],
  ['headers of 200 kB', { kind: 'ProtocolError', message: /headers .* at most 144 KiB/ }],
  ['no end, no length', { kind: 'SizeMismatch' }, { request: { size: body.length } }],
  ['fine', {}],
  ['graceful GOAWAY, then a cut', { kind: 'ConnectionLost', kept: 'perhaps' }],
  ['GOAWAY always at half', { kind: 'ConnectionLost', kept: 'perhaps' }],
  ['RST_STREAM always at half', { kind: 'ConnectionLost', kept: 'perhaps' }],
  ['CANCEL always at half', { kind: 'ConnectionLost', kept: 'perhaps' }],
  ['connection cut at half', { kind: 'ConnectionLost', kept: 'perhaps' }],
  ['GOAWAY before the answer', { kind: 'ConnectionLost' }],
  ['silent before the answer', { kind: 'Stalled', message: /limit for headers/ }, { http: short }],
  ['headers of 120 kB', {}],
];

describe('HTTP/2', () => {
  let origin: Http2Origin;
  beforeEach(async () => {
    origin = await startHostileHttp2(certificate, body);
  });
  afterEach(() => origin.close());

  test.each(titled(casesOfForm(ROWS, 9)))('%s', (_title, [name, expected, given]) =>
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

  const readers = [
    ['gets all of it although the server has ended the connection', 'graceful GOAWAY with each answer'],
    ['is no idle source', 'fine'],
  ] as const;
  test.each(casesOfForm(readers))('a reader that takes its time %s', async (_title, name) => {
    const source = await createHttpSource({ ...onLoopback, ...trusting, idleMs: 50 }).open({
      url: origin.url(name),
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
  const certificates = [
    ['expired', () => selfSigned({ days: -1 }), true, /has expired/],
    ['self-signed', () => certificate, false, /this host does not trust/],
    ['for another host', () => selfSigned({ names: ['other.example.org'] }), true, /for another host name/],
    [
      'fine, but with TLS 1.1 only',
      () => ({ ...certificate, maxVersion: 'TLSv1.1' as const }),
      true,
      /too old|TLS/,
    ],
    ['not valid yet', () => selfSigned({ inDays: 1 }), true, /is not valid yet/],
  ] as const;
  test.each(casesOfForm(certificates, 4))(
    'a certificate that is %s: nothing is fetched',
    (_name, make, trusted, message) => {
      const tls = make();
      return using(tls, (origin) =>
        check(
          origin.url('a'),
          { kind: 'TlsFailed', message },
          { http: { trust: fixedTrust(trusted ? [tls.cert] : []) } },
        ),
      );
    },
  );

  const issuer = selfSigned({ names: ['authority.example.org'] });

  test('a certificate that is signed with SHA-1: nothing is fetched', () => {
    const old = selfSigned({ issuer, digest: 'sha1' });
    return using(old, (origin) =>
      check(origin.url('a'), { kind: 'TlsFailed' }, { http: { trust: fixedTrust([issuer.cert]) } }),
    );
  });

  test('one of the same authority that is signed with SHA-256 is trusted', () =>
    using(selfSigned({ issuer }), (origin) =>
      check(origin.url('a'), {}, { http: { trust: fixedTrust([issuer.cert]) } }),
    ));

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

needing('nginx')('nginx that takes one request a connection', () => {
  test('gives the head of the file and all of it, over HTTP/1.1', async () => {
    const nginx = await startNginx(certificate, { 'a.img': body }, 'keepalive_requests 1;');
    try {
      const signal = new AbortController().signal;
      const source = createHttpSource({ ...onLoopback, ...trusting });
      const { head, total } = await source.probe({ url: nginx.url('a.img'), signal });
      expect([head.equals(body.subarray(0, 65_536)), total]).toEqual([true, body.length]);
      await check(nginx.url('a.img'), { tries: 1 });
      expect(await readFile(nginx.log, 'utf8')).toMatch(/^HTTP\/1.1 206 bytes=0-65535\nHTTP\/1.1 200 /);
    } finally {
      await nginx.close();
    }
  });
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

  test('until a second has gone, while another address refuses at once, is waited for', async () => {
    const full = spawn('python3', ['-c', FULL_BACKLOG], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      const [port] = (await once(full.stdout, 'data')) as [Buffer];
      const { resolve } = createResolver({ 'slow.test': [['127.0.0.1', '127.0.0.2']] });
      const source = createHttpSource({ ...onLoopback, resolve });
      const signal = new AbortController().signal;
      const found = source.probe({ url: `http://slow.test:${port.toString().trim()}/a`, signal });
      // Longer than an attempt goes on alone. The lost packet is sent again a second after the first.
      setTimeout(() => full.stdin.write('\n'), 400);
      expect(await found).toMatchObject({ total: 4 });
    } finally {
      full.kill('SIGKILL');
    }
  });
});
