import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { DownloadedImage } from '../../../images/attempt/download.ts';
import type { OpenCopies } from '../../../images/spread/open-copies.ts';
import { parseImageUrl } from '../../../model/url.ts';
import { PROTOCOLS } from '../../../images/fetch/protocols/registry.ts';
import { openPeerLab } from '../../labs/peers.ts';
import type { PeerLab } from '../../labs/peers.ts';
import { deferred } from '../../support/deferred.ts';
import type { Behaviour } from '../../support/image-server.ts';
import { rawDisk, sha256 } from '../../support/images.ts';
import { casesOfForm, isFullRun } from '../../support/programs.ts';
import { until } from '../../support/until.ts';

const MIB = 1_048_576;
const SIZE = 8 * MIB;
const body = rawDisk(SIZE);
const checksum = `{SHA-256}${sha256(body)}`;
let lab: PeerLab;

beforeEach(async () => {
  lab = await openPeerLab();
});
afterEach(() => lab.close());

const serve = (behaviour: Behaviour | ((n: number) => Behaviour)): void =>
  lab.origin.serve('/a.img', behaviour);
const seen = () => lab.origin.seen('/a.img');
const bytesAt = async ({ localPath }: DownloadedImage): Promise<Buffer> => readFile(localPath);

/** An origin that sends so many bytes at once and the rest when it is told to. */
function heldBack(bytes: number, behaviour: Behaviour = { body }): () => void {
  const rest = deferred();
  serve({ ...behaviour, hold: (sent) => (sent >= bytes ? rest.promise : undefined) });
  return () => rest.resolve();
}

/** Serves each byte at a position as another one, as a host with bad memory does. */
const lyingAt =
  (position: number) =>
  (copies: OpenCopies): OpenCopies => ({
    ...copies,
    // Only parts lie here; the published file is read as it is.
    part(copyId) {
      const part = copies.part(copyId);
      if (part === undefined) return undefined;
      return {
        ...part,
        async *read(span, signal) {
          let at = span.first;
          for await (const chunk of part.read(span, signal)) {
            const wrong = Buffer.from(chunk);
            if (at <= position && position < at + chunk.length)
              wrong.writeUInt8(1 ^ (wrong[position - at] ?? 0), position - at);
            at += chunk.length;
            yield wrong;
          }
        },
      };
    },
  });

/** Passes connections on to a door, until it is frozen as by SIGSTOP: the kernel takes connections, and nobody answers. */
async function startRelay(port: number) {
  const sockets: Socket[] = [];
  let [count, frozen] = [0, false];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    count += 1;
    if (frozen) return;
    const door = connect(port, '127.0.0.1').on('error', () => undefined);
    sockets.push(door);
    socket.pipe(door).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => count,
    freeze() {
      frozen = true;
      for (const socket of sockets) socket.unpipe().pause();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('fetching from another host', () => {
  test('a chain of hosts follows the first one, and the origin sends the image once', async () => {
    const goOn = heldBack(2 * MIB);
    const [head, middle, end] = [await lab.addHost(), await lab.addHost(), await lab.addHost()];
    const first = head.attempt();
    await head.served();
    const second = middle.attempt({ peer: await lab.from(head, middle) });
    await middle.served();
    const third = end.attempt({ peer: await lab.from(middle, end) });
    await end.served();
    goOn();
    const images = await Promise.all([first, second, third]);
    for (const image of images) expect((await bytesAt(image)).equals(body)).toBe(true);
    expect(seen()).toMatchObject({ bytes: SIZE });
    expect(new Set(images.map(({ lineage }) => lineage)).size).toBe(1);
    expect(images.map(({ fetched, fromPeers = 0 }) => [fetched, fromPeers])).toEqual([
      [SIZE, 0],
      [SIZE, SIZE],
      [SIZE, SIZE],
    ]);
    expect(images[1]?.tries).toEqual([
      expect.objectContaining({ source: `peer:${head.hostId}`, bytes: SIZE }),
    ]);
  });

  test('what was fetched from one host goes on at another of the lineage, and no byte comes twice', async () => {
    const goOn = heldBack(4 * MIB);
    const [head, one, child] = [await lab.addHost(), await lab.addHost(), await lab.addHost()];
    const first = head.attempt();
    await head.served();
    const second = one.attempt({ peer: await lab.from(head, one) });
    await one.served();
    await lab.stoppedAfter(3 * MIB, one, child);
    const third = child.attempt({ peer: await lab.from(head, child) });
    goOn();
    const [{ lineage }, , image] = await Promise.all([first, second, third]);
    expect(image.fetched).toBeLessThanOrEqual(5 * MIB);
    expect(image.lineage).toBe(lineage);
    expect((await bytesAt(image)).equals(body)).toBe(true);
    expect(seen().bytes).toBe(SIZE);
  });

  test('without a checksum, bytes of another lineage are not gone on from', async () => {
    serve({ body });
    const [one, other, child] = [await lab.addHost(), await lab.addHost(), await lab.addHost()];
    await one.attempt();
    await lab.stoppedAfter(3 * MIB, one, child);
    const changed = rawDisk(SIZE, 2);
    serve({ body: changed, etag: '"2"' });
    await other.attempt();
    const image = await child.attempt({ peer: await lab.from(other, child) });
    expect(image).toMatchObject({ fetched: SIZE, sha256: sha256(changed) });
    expect(image.tries.at(-1)?.note).toContain('lineage');
  });

  if (isFullRun)
    test('with a checksum, bytes of another lineage go on', async () => {
      serve({ body });
      const [one, other, child] = [await lab.addHost(), await lab.addHost(), await lab.addHost()];
      const [{ lineage }] = [await one.attempt({ checksum }), await other.attempt({ checksum })];
      await lab.stoppedAfter(3 * MIB, one, child, { checksum });
      const image = await child.attempt({ peer: await lab.from(other, child), checksum });
      expect(image.fetched).toBeLessThanOrEqual(5 * MIB);
      expect(image.lineage).not.toBe(lineage);
      expect((await bytesAt(image)).equals(body)).toBe(true);
    });

  test('when the head is gone, a host goes on at the origin by the validator of the lineage', async () => {
    serve((n) => (n === 0 ? { body, stallAfter: 4 * MIB } : { body }));
    const [head, child] = [await lab.addHost(), await lab.addHost()];
    const stop = new AbortController();
    const first = head.attempt({ signal: stop.signal });
    const { lineage } = await head.served();
    await lab.stoppedAfter(3 * MIB, head, child);
    stop.abort(new Error('stopped'));
    await expect(first).rejects.toThrow('stopped');
    const lineages = [{ lineage, sha256: sha256(body) }];
    const image = await child.attempt({ lineages });
    expect(seen().requests.at(-1)).toMatchObject({ 'if-range': '"1"' });
    expect(image.fetched).toBeLessThanOrEqual(5 * MIB);
    expect(image).toMatchObject({ lineage, sha256: sha256(body) });
    expect(image).not.toHaveProperty('fromPeers');
  });

  test('when the origin changes its file in the middle, all begin anew, and none has a mixture', async () => {
    const changed = rawDisk(SIZE, 2);
    const cut = deferred();
    serve((n) =>
      n === 0
        ? { body, cutAfter: 4 * MIB, hold: (sent) => (sent >= 4 * MIB ? cut.promise : undefined) }
        : { body: changed, etag: '"2"' },
    );
    const [head, child] = [await lab.addHost(), await lab.addHost()];
    const first = head.attempt();
    await head.served();
    let bytes = 0;
    const followed = child.attempt({
      peer: await lab.from(head, child),
      onProgress: (p) => {
        bytes = Math.max(bytes, p.bytes);
        if (bytes >= 3 * MIB) cut.resolve();
      },
    });
    const [own, image] = await Promise.all([first, followed]);
    expect(own.sha256).toBe(sha256(changed));
    expect(image).toMatchObject({ sha256: sha256(changed), lineage: own.lineage });
  });

  test('a parent whose connection is cut, and one that stops and goes on, are followed without a byte twice', async () => {
    let isCut = false;
    const cutOnce = (copies: OpenCopies): OpenCopies => ({
      ...copies,
      part(copyId) {
        const part = copies.part(copyId);
        if (part === undefined || isCut) return part;
        return {
          ...part,
          async *read({ first }, signal) {
            yield* part.read({ first, end: 2 * MIB }, signal);
            isCut = true;
            throw new Error('the cable was pulled');
          },
        };
      },
    });
    const rest = deferred();
    serve((n) =>
      n === 0 ? { body, stallAfter: 4 * MIB } : { body, hold: () => (n === 1 ? rest.promise : undefined) },
    );
    const [head, child] = [await lab.addHost({ serve: cutOnce }), await lab.addHost()];
    const stop = new AbortController();
    const first = head.attempt({ signal: stop.signal });
    await head.served();
    const followed = child.attempt({
      peer: await lab.from(head, child),
      onProgress: ({ bytes }) => {
        if (bytes >= 3 * MIB) stop.abort(new Error('stopped'));
      },
    });
    await expect(first).rejects.toThrow('stopped');
    const again = head.attempt();
    rest.resolve();
    const [{ lineage }, image] = await Promise.all([again, followed]);
    expect(image).toMatchObject({ lineage, fetched: SIZE, sha256: sha256(body) });
    expect(seen().bytes).toBeLessThanOrEqual(SIZE + MIB);
  });

  if (isFullRun)
    test('a parent that begins anew has another lineage, and whoever has bytes of the old one begins anew, too', async () => {
      serve((n) => ({ body, etag: null, ...(n === 0 ? { stallAfter: 4 * MIB } : {}) }));
      const [head, child] = [await lab.addHost(), await lab.addHost()];
      const stop = new AbortController();
      const first = head.attempt({ signal: stop.signal });
      const { lineage } = await head.served();
      await lab.stoppedAfter(3 * MIB, head, child);
      stop.abort(new Error('stopped'));
      await expect(first).rejects.toThrow('stopped');
      const again = await head.attempt();
      const image = await child.attempt({ peer: await lab.from(head, child) });
      expect(again.lineage).not.toBe(lineage);
      expect(image).toMatchObject({ lineage: again.lineage, fetched: SIZE, sha256: sha256(body) });
      expect(image.tries.at(-1)?.note).toContain('lineage');
    });

  test('a packed source is passed on unpacked, and the checksum of the packed file does not count', async () => {
    const packed = gzipSync(body, { level: 1 });
    serve({ body: packed });
    const about = { checksum: `{SHA-256}${sha256(packed)}`, size: packed.length };
    const [head, child, next] = [await lab.addHost(), await lab.addHost(), await lab.addHost()];
    const own = await head.attempt(about);
    const known = { sha256: own.sha256, unpacked: true };
    await lab.stoppedAfter(3 * MIB, head, child, { ...about, peer: await lab.from(head, child, known) });
    const image = await child.attempt({ ...about, peer: await lab.from(head, child, known) });
    expect(image).toMatchObject({ sha256: sha256(body), lineage: own.lineage });
    expect(image.fetched).toBeLessThanOrEqual(5 * MIB);
    const third = await next.attempt({ ...about, peer: await lab.from(child, next, known) });
    expect((await bytesAt(third)).equals(body)).toBe(true);
    expect(seen().bytes).toBe(packed.length);
  });
});

describe('a host that gives wrong bytes', () => {
  test('is named, with and without a checksum, and nothing of it is published', async () => {
    const goOn = heldBack(4 * MIB);
    const liar = await lab.addHost({ serve: lyingAt(2 * MIB) });
    const [child, other] = [await lab.addHost(), await lab.addHost()];
    const own = liar.attempt({ checksum });
    await liar.served();
    const attempts = [
      child.attempt({ peer: await lab.from(liar, child), checksum }),
      other.attempt({ peer: await lab.from(liar, other) }),
    ];
    for (const attempt of attempts) attempt.catch(() => undefined);
    await Promise.all([child.served(), other.served()]);
    goOn();
    await own;
    for (const attempt of attempts)
      await expect(attempt).rejects.toMatchObject({ kind: 'PeerWrong', url: `peer:${liar.hostId}` });
    for (const host of [child, other]) {
      expect(await host.lab.published()).toEqual([]);
      expect(await host.lab.parts()).toEqual([]);
    }
    // Its published file is right, so that the second try is.
    expect(await child.attempt({ checksum })).toMatchObject({ fetched: SIZE });
  });

  test('is found when its file was changed on the disk after it was published', async () => {
    serve({ body });
    const [liar, child] = [await lab.addHost(), await lab.addHost()];
    const own = await liar.attempt();
    const file = await open(own.localPath, 'r+');
    await file.write(Buffer.from('rot'), 0, 3, 2 * MIB);
    await file.close();
    const peer = await lab.from(liar, child);
    const isWrong = { kind: 'PeerWrong' };
    for (const known of [{}, { sha256: own.sha256 }])
      await expect(child.attempt({ peer: { ...peer, ...known } })).rejects.toMatchObject(isWrong);
    await expect(child.attempt({ peer, checksum })).rejects.toMatchObject(isWrong);
    expect(await child.lab.published()).toEqual([]);
  });

  if (isFullRun)
    test('is not confused with the host that bytes came from later: that one is asked for all of them', async () => {
      const goOn = heldBack(4 * MIB);
      const [liar, child] = [await lab.addHost({ serve: lyingAt(2 * MIB) }), await lab.addHost()];
      const right = await lab.addHost();
      const own = liar.attempt();
      await liar.served();
      await lab.stoppedAfter(3 * MIB, liar, child);
      const second = right.attempt();
      goOn();
      await Promise.all([own, second]);
      // The same lineage as the liar's, from a host whose file is right.
      const third = await lab.addHost();
      const { sha256: hex } = await third.attempt({ peer: await lab.from(liar, third) });
      const image = await child.attempt({ peer: await lab.from(third, child, { sha256: hex }) });
      expect((await bytesAt(image)).equals(body)).toBe(true);
      expect(image.fetched).toBeGreaterThan(SIZE);
      expect(image.tries.map(({ failure }) => failure?.kind)).toEqual(['PeerUnreachable', undefined]);
    });

  test.each(casesOfForm(['is known to be another image', 'was published by nobody']))(
    'its bytes are not gone on from at the origin where the lineage %s',
    async (what) => {
      const goOn = heldBack(4 * MIB);
      const [liar, child] = [await lab.addHost({ serve: lyingAt(2 * MIB) }), await lab.addHost()];
      const own = liar.attempt();
      await liar.served();
      await lab.stoppedAfter(3 * MIB, liar, child);
      goOn();
      const { lineage = '', sha256: hex } = await own;
      const lineages = what === 'was published by nobody' ? [] : [{ lineage, sha256: hex }];
      const image = await child.attempt({ lineages });
      expect((await bytesAt(image)).equals(body)).toBe(true);
      expect(image.lineage).not.toBe(lineage);
    },
  );
});

describe('a host that cannot be asked', () => {
  const troubles = [
    'it falls silent',
    'its ticket is for another host',
    'its door is closed',
    'it is another host',
  ] as const;
  test.each(casesOfForm(troubles, 2))(
    'when %s, the attempt ends as PeerUnreachable and keeps its bytes',
    async (how) => {
      serve((n) => (n === 0 ? { body, stallAfter: 4 * MIB } : { body }));
      const head = await lab.addHost();
      const child = await lab.addHost({ peers: { idleMs: 500 } });
      const stop = new AbortController();
      const own = head.attempt({ signal: stop.signal });
      own.catch(() => undefined);
      await head.served();
      await lab.stoppedAfter(3 * MIB, head, child);
      const peer = await lab.from(head, child);
      if (how === 'its door is closed') await head.closeDoor();
      const other = await lab.addHost();
      const asked = {
        'its door is closed': peer,
        'it falls silent': peer,
        'its ticket is for another host': { ...peer, ticket: (await lab.from(other, child)).ticket },
        'it is another host': { ...peer, hostId: other.hostId },
      }[how];
      await expect(child.attempt({ peer: asked })).rejects.toMatchObject({
        kind: 'PeerUnreachable',
        url: `peer:${asked.hostId}`,
        tries: expect.arrayContaining([
          expect.objectContaining({ failure: expect.objectContaining({ kind: 'PeerUnreachable' }) }),
        ]),
      });
      stop.abort(new Error('stopped'));
      expect((await child.attempt({ checksum })).fetched).toBeLessThanOrEqual(5 * MIB);
    },
  );

  test('a host that was stopped is told from one that waits for bytes itself', async () => {
    const goOn = heldBack(4 * MIB);
    const head = await lab.addHost();
    const child = await lab.addHost({ peers: { silenceMs: 200, tlsMs: 500 } });
    const own = head.attempt();
    await head.served();
    const relay = await startRelay(head.door.port);
    const peer = { ...(await lab.from(head, child)), address: relay.address };
    const looks = relay.connections() + 3;
    const followed = child.attempt({ peer });
    followed.catch(() => undefined);
    // Its door was looked at, found alive, and the child still waits.
    await until('the door is looked at', () => relay.connections() >= looks);
    relay.freeze();
    await expect(followed).rejects.toMatchObject({ kind: 'PeerUnreachable' });
    await relay.close();
    const second = child.attempt({ peer: await lab.from(head, child) });
    goOn();
    await own;
    expect((await second).fetched).toBeLessThanOrEqual(5 * MIB);
  });

  test('it gets no header and no password of the template', async () => {
    serve({ body });
    const [head, child] = [await lab.addHost(), await lab.addHost()];
    await head.attempt();
    const { port } = head.door;
    const secrets = {
      v: 1 as const,
      origin: `https://127.0.0.1:${port}`,
      headers: [
        { name: 'Authorization', value: 'Bearer of-the-template' },
        { name: 'X-Secret', value: 'secret' },
      ],
    };
    // With the template's authorization in place of the ticket, the door would refuse.
    expect(await child.attempt({ peer: await lab.from(head, child), secrets })).toMatchObject({
      fetched: SIZE,
    });
  });

  test('no user can register it', () => {
    for (const url of ['peer:8f14e45f-ceea-467f-ab8d-5f0d4c0b3f5e', 'peer://10.0.0.1:7443/x'])
      expect(() => parseImageUrl(url, PROTOCOLS)).toThrow('scheme peer');
  });
});
