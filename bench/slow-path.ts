/**
 * Simulates the path to a distant server: a proxy in a separate process that delays all data and limits the rate of each
 * connection. More connections are faster, as on a real long path.
 */
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { freePort, stop, untilListening } from './processes.ts';

export interface PathLimits {
  /** Round-trip time in milliseconds. */
  readonly roundTripMs: number;
  /** Maximum rate of one connection towards the client. */
  readonly bytesPerSecond: number;
}

export interface SlowPath {
  readonly port: number;
  close(): Promise<void>;
}

/** @param to port on loopback */
export async function openSlowPath(
  to: number,
  { roundTripMs, bytesPerSecond }: PathLimits,
): Promise<SlowPath> {
  const port = await freePort();
  const args = [fileURLToPath(import.meta.url), ...[port, to, roundTripMs, bytesPerSecond].map(String)];
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  try {
    await untilListening(child, 'the slow path', port);
  } catch (error) {
    await stop(child);
    throw error;
  }
  return { port, close: () => stop(child) };
}

interface Pace {
  readonly delayMs: number;
  /** Additional delay of the first bytes, for the connection's handshake. */
  readonly firstMs: number;
  readonly bytesPerSecond: number;
}

/** Runs tasks one after the other, each at its time. */
class Line {
  readonly #pace: Pace;
  /** Earliest time of the next task. */
  readonly #connectedAt: number;
  readonly #waiting: { readonly due: number; readonly act: () => void }[] = [];
  #due = 0;

  constructor(pace: Pace) {
    this.#pace = pace;
    this.#connectedAt = performance.now() + pace.firstMs;
  }

  /** @param bytes number of bytes that the task sends */
  add(bytes: number, act: () => void): void {
    const { delayMs, bytesPerSecond } = this.#pace;
    const leaves = Math.max(this.#connectedAt, performance.now());
    this.#due = Math.max(this.#due, leaves + delayMs) + (bytes * 1000) / bytesPerSecond;
    this.#waiting.push({ due: this.#due, act });
    if (this.#waiting.length === 1) this.#wait();
  }

  #wait(): void {
    const [next] = this.#waiting;
    if (next === undefined) return;
    setTimeout(() => {
      next.act();
      this.#waiting.shift();
      this.#wait();
    }, next.due - performance.now());
  }
}

/** Forwards one direction. It reads ahead no more than the path can hold. */
function pass(from: Socket, to: Socket, pace: Pace): void {
  const maxQueued = 65_536 + (pace.bytesPerSecond * pace.delayMs) / 1000;
  const line = new Line(pace);
  let queued = 0;
  const goOn = (): void => {
    if (queued <= maxQueued && !to.writableNeedDrain) from.resume();
  };
  to.on('drain', goOn);
  from.on('data', (chunk: Buffer) => {
    queued += chunk.length;
    if (queued > maxQueued) from.pause();
    line.add(chunk.length, () => {
      queued -= chunk.length;
      if (to.destroyed) return;
      if (to.write(chunk)) goOn();
      else from.pause();
    });
  });
  from.on('end', () => line.add(0, () => to.end()));
  from.on('error', () => to.destroy());
  from.on('close', () => line.add(0, () => to.destroySoon()));
}

/** @param to port on loopback. @returns the proxy, which does not listen yet */
export function slowPath(to: number, { roundTripMs, bytesPerSecond }: PathLimits): Server {
  const delayMs = roundTripMs / 2;
  return createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const origin = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    pass(client, origin, { delayMs, firstMs: roundTripMs, bytesPerSecond: Number.MAX_SAFE_INTEGER });
    pass(origin, client, { delayMs, firstMs: 0, bytesPerSecond });
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port = 0, to = 0, roundTripMs = 0, bytesPerSecond = 0] = process.argv.slice(2).map(Number);
  slowPath(to, { roundTripMs, bytesPerSecond }).listen(port, '127.0.0.1');
}
