/** Starts a server program of the system on loopback. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { findProgram } from './programs.ts';
import { until } from './until.ts';

export interface SpawnedServer {
  kill(signal: NodeJS.Signals): void;
  /** Ends the server, by default with SIGKILL, and waits for its exit. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts the program, and waits until it accepts connections. */
export async function spawnServer(
  program: string,
  args: readonly string[],
  port: number,
): Promise<SpawnedServer> {
  const child = spawn(findProgram(program) ?? program, [...args], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await until(`${program} takes connections`, () => accepts(port));
  return {
    kill: (signal) => void child.kill(signal),
    async end(signal = 'SIGKILL') {
      child.kill(signal);
      await ended;
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
