import { ReadBuffers } from '../../../../images/fetch/network/read-buffers.ts';

const SLAB = 262_144;

/** One read of so many bytes, each of them `value`. */
function read(buffers: ReadBuffers, count: number, value = 0): Buffer {
  buffers.next().fill(value, 0, count);
  return buffers.came(count);
}

/** The memory that is read into after slabs were filled and returned in the given order. */
const memoryOf = (chunk: Buffer): ArrayBufferLike => chunk.buffer;

test('what came back as a whole is read into again', () => {
  const buffers = new ReadBuffers();
  const first = read(buffers, SLAB);
  buffers.giveBack([first]);
  expect(memoryOf(read(buffers, SLAB))).toBe(memoryOf(first));
});

test('small reads share memory, side by side', () => {
  const buffers = new ReadBuffers();
  const [a, b] = [read(buffers, 1000, 1), read(buffers, 1000, 2)];
  expect(memoryOf(a)).toBe(memoryOf(b));
  expect(a.equals(Buffer.alloc(1000, 1))).toBe(true);
  expect(b.equals(Buffer.alloc(1000, 2))).toBe(true);
});

test('nothing is read into memory of which a single byte is still out', () => {
  const buffers = new ReadBuffers();
  const kept: Buffer[] = [];
  for (let n = 0; n < 50; n += 1) {
    const chunk = read(buffers, SLAB, n);
    buffers.giveBack([chunk.subarray(0, 1000), chunk.subarray(1001)]);
    kept.push(chunk);
  }
  kept.forEach((chunk, n) => expect(chunk.every((byte) => byte === n)).toBe(true));
  expect(new Set(kept.map(memoryOf)).size).toBe(50);
});

test('parts may come back in any order, and while the rest is still filled', () => {
  const buffers = new ReadBuffers();
  const chunk = read(buffers, 100_000, 1);
  buffers.giveBack([chunk.subarray(50_000)]);
  const other = read(buffers, 150_000, 2);
  buffers.giveBack([other, chunk.subarray(0, 50_000)]);
  expect(memoryOf(read(buffers, 1000))).toBe(memoryOf(chunk));
});

test('other memory that comes back is let be', () => {
  const buffers = new ReadBuffers();
  buffers.giveBack([Buffer.alloc(SLAB)]);
  const first = read(buffers, SLAB);
  new ReadBuffers().giveBack([first]);
  expect(memoryOf(read(buffers, SLAB))).not.toBe(memoryOf(first));
});
