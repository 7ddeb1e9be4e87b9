/** The rate of another host's answer: that of decoded bytes, since a long hole takes hardly any of the line. */
import { peerBody } from '../../../../../images/fetch/protocols/peer/peer-body.ts';
import { ChunkQueue } from '../../../../../images/fetch/network/chunk-queue.ts';
import { holeFrames, HOLES_CODING } from '../../../../../images/spread/hole-frames.ts';

const CHUNK = 262_144;
/** What must come in each window. A queue hands over what it has after a quarter of a second. */
const LIMITS = { minimumRate: 100_000, minimumRateMs: 700, idleMs: 600_000 };

/** Reads a body that gets a frame every few milliseconds. @returns how it ended, or that it went on */
async function readOf(frame: () => readonly Buffer[], frames: number): Promise<unknown> {
  const flow = { pause: () => undefined, resume: () => undefined, cancel: () => undefined };
  const body = new ChunkQueue(flow);
  const answer = {
    url: new URL('https://127.0.0.1:1'),
    status: 206,
    headers: new Map([['transfer-encoding', `${HOLES_CODING}, chunked`]]),
    repeated: new Set<string>(),
    body,
    giveBack: () => undefined,
    close: () => undefined,
  };
  let left = frames;
  const timer = setInterval(() => {
    for (const piece of frame()) body.push(piece);
    left -= 1;
    if (left === 0) body.end();
  }, 20);
  let ended = 0;
  const { batches, arrived } = peerBody(answer, {
    length: frames * CHUNK,
    limits: LIMITS,
    named: (error) => error,
    onEnd: () => (ended += 1),
  });
  try {
    for await (const _ of batches);
    return arrived();
  } catch (error) {
    return (error as Error).message;
  } finally {
    clearInterval(timer);
    expect(ended).toBe(1);
  }
}

test('a long hole is not slow, although it takes less of the line than the minimum rate; a byte now and then is', async () => {
  const [hole, drip] = await Promise.all([
    readOf(() => holeFrames(0)(Buffer.alloc(CHUNK)), 150),
    readOf(() => holeFrames(0)(Buffer.from([1])), 10_000),
  ]);
  expect(hole).toBe(150 * CHUNK);
  expect(drip).toMatch(/^sent only \d+ bytes in 0\.7 s/);
});
