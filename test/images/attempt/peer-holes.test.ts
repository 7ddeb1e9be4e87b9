/** Hosts that give each other sparse images: zeros cost nothing on the line, and stay holes. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import type { DownloadedImage } from '../../../images/attempt/download.ts';
import { createRateLimit } from '../../../images/fetch/rate-limit.ts';
import type { RateLimit } from '../../../images/fetch/rate-limit.ts';
import { openPeerLab } from '../../labs/peers.ts';
import type { PeerLab } from '../../labs/peers.ts';
import { deferred } from '../../support/deferred.ts';
import type { Behaviour } from '../../support/image-server.ts';
import { rawDisk, sha256 } from '../../support/images.ts';
import { until } from '../../support/until.ts';

const MIB = 1_048_576;
const SIZE = 8 * MIB;
const body = rawDisk(SIZE);
let lab: PeerLab;

beforeEach(async () => {
  lab = await openPeerLab();
});
afterEach(() => lab.close());

const serve = (behaviour: Behaviour): void => lab.origin.serve('/a.img', behaviour);

/** A limit that lets everything pass, and counts it. */
function countingLimit() {
  const limit = createRateLimit();
  let taken = 0;
  const take: RateLimit['take'] = (bytes, signal) => {
    taken += bytes;
    return limit.take(bytes, signal);
  };
  return { limit: { ...limit, take }, bytes: () => taken };
}

describe('zeros stay holes, and cost nothing on the line:', () => {
  // Islands that begin and end anywhere, and zeros at the end.
  const sparse = Buffer.alloc(64 * MIB);
  rawDisk(SIZE).copy(sparse, 0, 0, 0.5 * MIB + 77);
  rawDisk(SIZE, 2).copy(sparse, 40 * MIB + 4321, 0, 0.5 * MIB);
  const checkSparse = async (image: DownloadedImage): Promise<void> => {
    expect(image.sha256).toBe(sha256(sparse));
    expect((await readFile(image.localPath)).equals(sparse)).toBe(true);
    expect(image.physicalSize).toBeLessThan(2 * MIB);
  };

  test('of a published copy', async () => {
    serve({ body: sparse });
    const sent = countingLimit();
    const received = countingLimit();
    const head = await lab.addHost({ rate: sent.limit });
    const child = await lab.addHost({ deps: { rateLimit: received.limit } });
    await head.attempt();
    const image = await child.attempt({ peer: await lab.from(head, child) });
    await checkSparse(image);
    const { bytes } = head.door.counts();
    expect(bytes).toBeLessThan(2 * MIB);
    // All who count bytes, or limit them, mean those of the line.
    expect(sent.bytes()).toBe(bytes);
    expect(image).toMatchObject({ fetched: received.bytes(), fromPeers: received.bytes() });
    expect(image.tries).toMatchObject([{ bytes: received.bytes() }]);
    expect(bytes - received.bytes()).toBeLessThan(10_000);
  });

  test('of one that is on its way, also when a host goes on in the middle of a hole', async () => {
    const rest = deferred();
    serve({ body: sparse, hold: (sent) => (sent >= 30 * MIB ? rest.promise : undefined) });
    const [head, child] = [await lab.addHost(), await lab.addHost()];
    const first = head.attempt();
    await head.served();
    await lab.stoppedAfter(20 * MIB, head, child);
    const peer = await lab.from(head, child);
    const progress: number[] = [];
    const second = child.attempt({ peer, onProgress: ({ bytes }) => void progress.push(bytes) });
    await until('it follows', () => (progress.at(-1) ?? 0) > 28 * MIB);
    expect(progress.find((bytes) => bytes > 0)).toBeGreaterThanOrEqual(19 * MIB);
    rest.resolve();
    const [{ lineage }, image] = await Promise.all([first, second]);
    await checkSparse(image);
    expect(image.lineage).toBe(lineage);
    expect(head.door.counts().bytes).toBeLessThan(2 * MIB);
  });
});

test('a host of a release that sends zeros as they are is followed as well', async () => {
  const lineage = randomUUID();
  const sparse = Buffer.concat([body.subarray(0, MIB), Buffer.alloc(6 * MIB), body.subarray(0, MIB)]);
  const asked: IncomingHttpHeaders[] = [];
  const older = await lab.addDoor(({ headers }, response) => {
    asked.push(headers);
    const first = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1]);
    response.writeHead(206, {
      'content-length': SIZE - first,
      'content-range': `bytes ${first}-${SIZE - 1}/${SIZE}`,
      'bypass-lineage': lineage,
      etag: `"lineage-${lineage}"`,
    });
    response.end(sparse.subarray(first));
  });
  const child = await lab.addHost();
  const image = await child.attempt({ peer: await lab.from(older, child, { sha256: sha256(sparse) }) });
  expect(image).toMatchObject({ lineage, fetched: SIZE, sha256: sha256(sparse) });
  expect(image.physicalSize).toBeLessThan(3 * MIB);
  expect(asked).toMatchObject([{ te: 'bypass-holes' }]);
});

function header(zeros: number, bytes: number): Buffer {
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(zeros, 0);
  frame.writeUInt32BE(bytes, 4);
  return frame;
}

describe('frames that lie', () => {
  const ANSWER = {
    'transfer-encoding': 'bypass-holes, chunked',
    'content-range': `bytes 0-${SIZE - 1}/${SIZE}`,
    'bypass-lineage': randomUUID(),
  };
  test.each<[string, readonly Buffer[]]>([
    [
      'more than the image',
      [header(MIB / 2, MIB / 2), body.subarray(0, MIB / 2), ...Array(8).fill(header(MIB - 1, 0))],
    ],
    ['4 GiB of zeros at once', [header(0xffff_ffff, 0)]],
    ['nothing', [header(0, 0)]],
  ])('are wrong bytes: those that hold %s', async (_, frames) => {
    const liar = await lab.addDoor((_request, response) => {
      response.writeHead(206, ANSWER);
      response.end(Buffer.concat(frames));
    });
    const child = await lab.addHost();
    await expect(child.attempt({ peer: await lab.from(liar, child) })).rejects.toMatchObject({
      kind: 'PeerWrong',
      url: `peer:${liar.hostId}`,
      message: expect.stringContaining('sends a frame'),
    });
    expect(await child.lab.published()).toEqual([]);
    expect(await child.lab.parts()).toEqual([]);
  });
});
