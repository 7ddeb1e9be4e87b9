import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { slowPath } from '../../bench/slow-path.ts';

const BYTES = randomBytes(512 * 1024);
const LIMITS = { roundTripMs: 50, bytesPerSecond: 1_048_576 };

async function listening(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

let [origin, proxy]: (Server | undefined)[] = [];
let port = 0;

beforeAll(async () => {
  // Gives back what it was given, once it has all.
  origin = createServer({ allowHalfOpen: true }, (socket) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('end', () => socket.end(Buffer.concat(chunks)));
  });
  proxy = slowPath(await listening(origin), LIMITS);
  port = await listening(proxy);
});
afterAll(() => {
  proxy?.close();
  origin?.close();
});

async function thereAndBack(): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end(BYTES);
  return buffer(socket);
}

it('forwards all bytes with the given delay and at most the given rate', async () => {
  const begun = performance.now();
  const given = await thereAndBack();
  const least = 2 * LIMITS.roundTripMs + (BYTES.length * 1000) / LIMITS.bytesPerSecond;
  // Timers may come a millisecond early; nothing makes them come much earlier.
  expect(performance.now() - begun).toBeGreaterThan(least - 10);
  expect(given.equals(BYTES)).toBe(true);
});

it('limits the rate of each connection separately', async () => {
  const begun = performance.now();
  const given = await Promise.all(Array.from({ length: 8 }, thereAndBack));
  const alone = (8 * BYTES.length * 1000) / LIMITS.bytesPerSecond;
  expect(performance.now() - begun).toBeLessThan(alone);
  expect(given.every((one) => one.equals(BYTES))).toBe(true);
});

it('closes a connection when the other side closes it', async () => {
  const refusing = createServer((socket) => socket.destroy());
  const to = await listening(refusing);
  const path = slowPath(to, LIMITS);
  const socket = connect({ port: await listening(path), host: '127.0.0.1' });
  socket.on('error', () => undefined);
  await once(socket, 'close');
  path.close();
  refusing.close();
});
