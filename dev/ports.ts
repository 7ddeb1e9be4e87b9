/** Finds free TCP ports on this machine. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { errnoOf } from '../platform/errno.ts';

/** Below the range that the system uses for outgoing connections. */
const FIRST = 15_000;
const LAST = 32_000;
const ATTEMPTS = 200;

/** @returns different free ports; another program may still take one before its use, and the server that needs it then fails */
export async function freePorts(count: number, address = '127.0.0.1'): Promise<readonly number[]> {
  const servers: Server[] = [];
  try {
    for (let attempt = 0; servers.length < count; attempt += 1) {
      const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
      try {
        servers.push(await listen(port, address));
      } catch (error) {
        if (errnoOf(error) !== 'EADDRINUSE' || attempt >= ATTEMPTS) throw error;
      }
    }
    return servers.map((server) => (server.address() as AddressInfo).port);
  } finally {
    await Promise.all(servers.map(close));
  }
}

/** @returns why the port cannot be used, or undefined when it can */
export async function problemOfPort(port: number, address = '127.0.0.1'): Promise<string | undefined> {
  try {
    await close(await listen(port, address));
    return undefined;
  } catch (error) {
    if (errnoOf(error) === 'EADDRINUSE') return 'is taken by another program';
    if (errnoOf(error) === 'EACCES') return 'is not allowed for this user';
    return `cannot be used (${(error as Error).message})`;
  }
}

async function listen(port: number, address: string): Promise<Server> {
  const server = createServer();
  server.listen(port, address);
  await once(server, 'listening');
  return server;
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}
