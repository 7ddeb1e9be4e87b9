/** The door of a host: what it serves to other hosts, and whom it refuses. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, truncate } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import { pino } from 'pino';
import { freePorts } from '../../dev/ports.ts';
import { createAuthority } from '../../trust/peer-certificates.ts';
import { doorMetrics } from '../../workers/door/metrics.ts';
import { metricsText } from '../../workers/metric-text.ts';
import { loadKnownPools } from '../../workers/host-state.ts';
import { createTransfers } from '../../workers/transfers.ts';
import { openDoorLab } from '../labs/door.ts';
import type { DoorLab, Visitor } from '../labs/door.ts';
import { deferred } from '../support/deferred.ts';
import { ensureBuilt } from '../support/ensure-built.ts';
import { rawDisk, sha256 } from '../support/images.ts';
import { onLoopback } from '../support/loopback.ts';
import { casesOfForm, isFullRun } from '../support/programs.ts';
import { collectGarbage } from '../support/garbage.ts';
import { until } from '../support/until.ts';

const MIB = 1_048_576;
const SIZE = 4 * MIB;
const body = rawDisk(SIZE);
/** What a client says of a connection that the door ended. */
const ENDED = /hang up|ECONNRESET|EPIPE|alert|disconnected/;
/** Bytes of the process, with what the connections have outside of the heap. */
function inUse(): number {
  collectGarbage();
  return process.memoryUsage().rss;
}
const TIMES = { headersMs: 3000, stallMs: 3000, digestMs: 300 };

let lab: DoorLab;
let copyId: string;
let path: string;
beforeEach(async () => {
  lab = await openDoorLab({ times: TIMES });
  copyId = randomUUID();
  path = `/v1/copies/${copyId}`;
});
afterEach(() => lab.close());

const publish = async (): Promise<string> => {
  lab.server.serve('/a.img', { body });
  const { lineage = '' } = await lab.attempt(copyId, lab.server.url('/a.img'));
  return lineage;
};

async function bytesOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe('a published copy', () => {
  test('is served whole and by ranges, with what its bytes are known by', async () => {
    const lineage = await publish();
    const whole = await lab.ask(path);
    expect(whole.body.equals(body)).toBe(true);
    expect(whole).toMatchObject({
      status: 200,
      headers: {
        etag: `"sha256-${sha256(body)}"`,
        'content-length': String(SIZE),
        'bypass-lineage': lineage,
      },
    });
    expect(
      JSON.parse(Buffer.from(String(whole.headers['bypass-origin']), 'base64url').toString()),
    ).toMatchObject({ url: lab.server.url('/a.img'), etag: '"1"', total: SIZE });

    const part = await lab.ask(path, { headers: { range: 'bytes=100-199' } });
    expect(part).toMatchObject({ status: 206, headers: { 'content-range': `bytes 100-199/${SIZE}` } });
    expect(part.body.equals(body.subarray(100, 200))).toBe(true);
    for (const tag of [`"sha256-${sha256(body)}"`, `"lineage-${lineage}"`]) {
      const rest = await lab.ask(path, { headers: { range: `bytes=${MIB}-`, 'if-range': tag } });
      expect(rest.status).toBe(206);
      expect(rest.body.equals(body.subarray(MIB))).toBe(true);
    }
    const anew = await lab.ask(path, {
      headers: { range: `bytes=${MIB}-`, 'if-range': `"lineage-${randomUUID()}"` },
    });
    expect(anew.status).toBe(200);
    expect(anew.body.length).toBe(SIZE);

    const digest = await lab.ask(`${path}/digest`);
    expect(JSON.parse(digest.body.toString())).toEqual({ lineage, sha256: sha256(body) });
    expect(lab.door.counts()).toMatchObject({
      bytes: 4 * SIZE - 2 * MIB + 100,
      served: 5,
      uploads: 0,
      refused: {},
    });
  });

  if (isFullRun)
    test('is served over one connection, again and again', async () => {
      await publish();
      const ticket = await lab.ticketFor(copyId);
      const socket = await lab.enter();
      const text: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => text.push(chunk));
      for (const count of [1, 2, 3]) {
        socket.write(
          `GET ${path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${ticket}\r\nrange: bytes=0-9\r\n\r\n`,
        );
        await until('an answer', () => {
          expect(socket.destroyed).toBe(false);
          return String(Buffer.concat(text)).split('HTTP/1.1 206').length > count;
        });
      }
      socket.destroy();
    });

  if (isFullRun)
    test('is not served when its file has another length now', async () => {
      await lab.close();
      lab = await openDoorLab({ times: { copyMs: 100 } });
      lab.server.serve('/a.img', { body });
      const { localPath } = await lab.attempt(copyId, lab.server.url('/a.img'));
      await truncate(localPath, MIB);
      expect(await lab.ask(path)).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
      expect(lab.refused()).toEqual({ absent: 1 });
    });
});

describe('a copy that is on its way', () => {
  test('is followed, on over its publication, and its digest is told once it is known', async () => {
    const middle = deferred();
    lab.server.serve('/a.img', { body, hold: (sent) => (sent >= MIB ? middle.promise : undefined) });
    const done = lab.attempt(copyId, lab.server.url('/a.img'));
    const response = await lab.begin(path, { headers: { range: 'bytes=10-' } });
    expect(response).toMatchObject({
      statusCode: 206,
      headers: { etag: expect.stringMatching(/^"lineage-/), 'content-range': `bytes 10-${SIZE - 1}/${SIZE}` },
    });
    expect(await lab.ask(`${path}/digest`)).toMatchObject({ status: 503 });
    const read = bytesOf(response);
    await until('bytes that are here are sent', () => lab.door.counts().bytes > MIB / 2);
    middle.resolve();
    expect((await read).equals(body.subarray(10))).toBe(true);
    const { lineage } = await done;
    expect(response.headers['bypass-lineage']).toBe(lineage);
    const digest = await lab.ask(`${path}/digest`);
    expect(JSON.parse(digest.body.toString())).toEqual({ lineage, sha256: sha256(body) });
  });

  test('that is given up ends its uploads in the middle', async () => {
    lab.server.serve('/a.img', { body, stallAfter: 2 * MIB });
    const stop = new AbortController();
    const done = lab.attempt(copyId, lab.server.url('/a.img'), { signal: stop.signal });
    const read = bytesOf(await lab.begin(path));
    read.catch(() => undefined);
    await until('bytes are sent', () => lab.door.counts().bytes >= MIB);
    stop.abort(new Error('stopped'));
    await expect(done).rejects.toThrow('stopped');
    await expect(read).rejects.toThrow('aborted');
  });
});

const stranger = (): Visitor => ({ hostId: randomUUID(), tls: { ca: lab.authority.certificate } });

describe('whoever may not come in', () => {
  const intruders: readonly (readonly [string, () => Visitor | Promise<Visitor>])[] = [
    [
      'has one of another installation',
      async () => lab.visitorOf({ hostId: lab.child.hostId, authority: await createAuthority(new Date()) }),
    ],
    ['has no certificate', stranger],
    ['has one that has ended', () => lab.visitorOf({ hostId: lab.child.hostId, ageDays: 8 })],
  ];
  test.each(casesOfForm(intruders))('gets no connection: who %s', async (_, make) => {
    await publish();
    await expect(lab.ask(path, { visitor: await make() })).rejects.toThrow(ENDED);
    await until('it is counted', () => lab.refused().certificate === 1);
    expect((await lab.ask(path)).status).toBe(200);
  });

  test('gets no bytes without a ticket for this host and this copy now', async () => {
    await publish();
    const later = new Date(Date.now() - 20 * 60_000);
    const tickets: readonly (readonly [number, string | null])[] = [
      [401, null],
      [401, 'nonsense'],
      [401, await lab.ticketFor(copyId, lab.child.hostId, lab.hostId, later)],
      [403, await lab.ticketFor(randomUUID())],
      [403, await lab.ticketFor(copyId, lab.other.hostId)],
      [403, await lab.ticketFor(copyId, lab.child.hostId, randomUUID())],
    ];
    for (const [status, ticket] of tickets) {
      for (const where of [path, `${path}/digest`]) {
        const answer = await lab.ask(where, { ticket });
        expect([ticket, answer.status]).toEqual([ticket, status]);
        expect(answer.body.length).toBeLessThan(100);
      }
    }
    expect(lab.refused()).toEqual({ ticket: 2 * tickets.length });
  });

  test('is out as soon as it is removed, in the middle of an upload as well', async () => {
    lab.server.serve('/a.img', { body, stallAfter: 2 * MIB });
    const stop = new AbortController();
    const done = lab.attempt(copyId, lab.server.url('/a.img'), { signal: stop.signal });
    const [mine, others] = [await lab.begin(path), await lab.begin(path, { visitor: lab.other })];
    const [read, stays] = [bytesOf(mine), bytesOf(others)];
    for (const one of [read, stays, done]) one.catch(() => undefined);
    await until('bytes are sent', () => lab.door.counts().bytes >= 2 * MIB);
    lab.door.setCredentials(lab.credentialsFor(lab.other));
    await expect(read).rejects.toThrow('aborted');
    expect((await lab.ask(path)).status).toBe(403);
    expect(lab.refused()).toEqual({ host: 1 });
    expect(lab.door.counts().uploads).toBe(1);
    stop.abort(new Error('stopped'));
    await expect(done).rejects.toThrow('stopped');
  });

  test('finds copies and nothing else, and ranges that there are', async () => {
    await publish();
    const ticket = await lab.ticketFor(copyId);
    const wrong: readonly (readonly [number, string, Record<string, string>?, string?])[] = [
      [404, '/'],
      [404, '/v1/copies'],
      [404, '/v1/copies/'],
      [404, `${path}/`],
      [404, `${path}?x=1`],
      [404, `/v1/copies/../copies/${copyId}`],
      [404, `/v1/copies/%2e%2e%2f${copyId}`],
      [404, `${path}/../../../etc/passwd`],
      [404, `/v1/copies/${copyId.toUpperCase()}`],
      [404, `/v1/copies/${copyId}\\..\\x`],
      [405, path, {}, 'HEAD'],
      [405, path, {}, 'POST'],
      [405, path, {}, 'DELETE'],
      [400, path, { 'content-length': '5' }],
      [416, path, { range: `bytes=${SIZE}-` }],
      [416, path, { range: 'bytes=9-5' }],
      [416, path, { range: 'bytes=-500' }],
      [416, path, { range: 'bytes=0-1,5-6' }],
      [416, path, { range: 'bytes=99999999999999999999-' }],
    ];
    for (const [status, where, headers = {}, method = 'GET'] of wrong) {
      const answer = await lab.ask(where, { ticket, headers, method });
      expect([method, where, headers, answer.status]).toEqual([method, where, headers, status]);
    }
    expect(lab.refused()).toEqual({ request: 14, range: 5 });
    expect(lab.door.counts().bytes).toBe(0);
    // A header that is too long ends the connection.
    await expect(lab.ask(path, { headers: { x: 'x'.repeat(10_000) } })).rejects.toThrow(ENDED);
    expect(metricsText('host', doorMetrics(lab.door.counts()))).toMatch(
      /^bypass_peer_refused_total\{reason="request"\} 15\nbypass_peer_refused_total\{reason="range"\} 5$/m,
    );
  });

  test('waits for a free upload, which connections for the same copy share', async () => {
    const end = deferred();
    lab.server.serve('/a.img', { body, hold: (sent) => (sent >= MIB ? end.promise : undefined) });
    const done = lab.attempt(copyId, lab.server.url('/a.img'));
    const visitors = await Promise.all(Array.from({ length: 5 }, () => lab.visitorOf()));
    lab.door.setCredentials(lab.credentialsFor(...visitors));
    const running = await Promise.all(visitors.slice(0, 4).map((visitor) => lab.begin(path, { visitor })));
    const [first, last] = [visitors[0], visitors[4]] as [Visitor, Visitor];
    const again = await lab.begin(path, { visitor: first });
    const answer = await lab.ask(path, { visitor: last });
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '2' } });
    expect(lab.refused()).toEqual({ uploads: 1 });
    end.resolve();
    for (const response of [...running, again]) expect((await bytesOf(response)).equals(body)).toBe(true);
    await done;
    expect((await lab.ask(path, { visitor: last })).status).toBe(200);
  });
});

test('in the transfer thread, it opens with the credentials, and serves what is on the pools of the host', async () => {
  await ensureBuilt();
  const [port = 0] = await freePorts(1);
  const stateDir = lab.stateDir(lab.hostId);
  await mkdir(stateDir, { recursive: true });
  await (await loadKnownPools(stateDir)).remember(lab.pool.config.path, lab.pool.id);
  const door = { listen: { host: '127.0.0.1', port }, address: `127.0.0.1:${port}`, uploads: 4, rate: 0 };
  const transfers = createTransfers({
    settings: {
      hostId: lab.hostId,
      stateDir,
      sources: onLoopback,
      rate: 0,
      door: { ...door, pools: [lab.pool.config] },
    },
    logger: pino({ level: 'silent' }),
  });
  try {
    // Something else has the port at first.
    const other = createServer().listen(port, '127.0.0.1');
    await once(other, 'listening');
    transfers.setPeers(lab.credentialsFor(lab.child));
    expect(await until('it is closed', () => transfers.doorProblem())).toMatch(
      /cannot be opened.*EADDRINUSE/,
    );
    other.close();
    lab.server.serve('/a.img', { body });
    await transfers.download(lab.request({ url: lab.server.url('/a.img'), copyId }));
    await until('it is open', () => transfers.doorProblem() === undefined);
    const answer = await lab.ask(path, { port });
    expect(answer.body.equals(body)).toBe(true);
    transfers.setPeers(lab.credentialsFor(lab.other));
    await until('the host is out', async () => (await lab.ask(path, { port })).status === 403);
    await until('it is told', () => transfers.doorCounts()?.refused.host !== undefined);
    expect(metricsText('host', doorMetrics(transfers.doorCounts()))).toMatch(
      new RegExp(
        `bypass_peer_refused_total{reason="host"} [1-9]\\d*\\n[^]*bypass_peer_sent_bytes_total ${SIZE}\\n`,
      ),
    );
  } finally {
    await transfers.close();
  }
});

if (isFullRun)
  test('the timeouts of a zone hold for a host that others fetch from as well', async () => {
    await ensureBuilt();
    lab.server.serve('/a.img', { body, stallAfter: 2 * MIB });
    const stop = new AbortController();
    const own = lab.attempt(copyId, lab.server.url('/a.img'), { signal: stop.signal });
    own.catch(() => undefined);
    const { hostId, tls } = lab.child;
    const transfers = createTransfers({
      settings: { hostId, stateDir: lab.stateDir(hostId), sources: onLoopback, rate: 0 },
      logger: pino({ level: 'silent' }),
    });
    try {
      transfers.setPeers({ ...lab.credentialsFor(), certificate: tls.cert ?? '', key: tls.key ?? '' });
      const peer = {
        hostId: lab.hostId,
        copyId,
        address: `127.0.0.1:${lab.door.port}`,
        ticket: await lab.ticketFor(copyId),
      };
      const request = lab.request({ url: lab.server.url('/a.img'), copyId: randomUUID(), peer });
      // A host waits three times as long for another one.
      await expect(transfers.download(request, { timeouts: { idleMs: 100 } })).rejects.toMatchObject({
        kind: 'PeerUnreachable',
        message: expect.stringContaining('0.3 s'),
      });
    } finally {
      await transfers.close();
      stop.abort(new Error('stopped'));
      await expect(own).rejects.toThrow('stopped');
    }
  });

test('a crowd, slow headers and slow readers are let go while an upload for another goes on, and memory stays flat', async () => {
  const crowd = isFullRun ? 10_000 : 300;
  await publish();
  const bigId = randomUUID();
  // More than the buffers of both ends of a connection hold.
  lab.server.serve('/big.img', { body: Buffer.concat([body, Buffer.alloc(28 * MIB)]) });
  await lab.attempt(bigId, lab.server.url('/big.img'));
  const uploads = { ended: 0 };
  const stop = new AbortController();
  const keepUploading = (async () => {
    while (!stop.signal.aborted) {
      expect((await lab.ask(path, { visitor: lab.other, from: '127.0.0.2' })).body.equals(body)).toBe(true);
      uploads.ended += 1;
    }
  })();
  await until('an upload', () => uploads.ended > 0);
  const before = inUse();

  let closed = 0;
  for (let begun = 0; begun < crowd; begun += 1) {
    lab.knock().once('close', () => (closed += 1));
    if (begun % 200 === 0) await until('not too many at once', () => begun - closed < 400);
  }
  await until('all are closed again', () => closed === crowd);
  // Some say half of a request and no more; one takes nothing of what it asked for.
  const late = lab.refused().slow ?? 0;
  for (const socket of await Promise.all([0, 1, 2].map(() => lab.enter()))) {
    socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\n`);
  }
  const slow = await lab.begin(`/v1/copies/${bigId}`);
  slow.on('error', () => undefined);
  slow.socket.pause();
  await until('those are let go', () => (lab.refused().slow ?? 0) >= late + 4);

  const sofar = uploads.ended;
  await until('uploads go on', () => uploads.ended > sofar);
  stop.abort();
  await keepUploading;
  expect((lab.refused().connections ?? 0) + late).toBeGreaterThanOrEqual(crowd);
  // The process gives memory back some time after it was collected.
  await until('memory is as before', () => inUse() - before < 150e6);
  slow.destroy();
}, 300_000);
