/** Ports of this machine. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { errnoOf } from '../../images/files.ts';

/** Different free ports. Another program may take one before it is used, which then says so. */
export async function freePorts(count: number, address = '127.0.0.1'): Promise<readonly number[]> {
  const servers: Server[] = [];
  try {
    for (let n = 0; n < count; n += 1) servers.push(await listen(0, address));
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
    if (errnoOf(error) === 'EADDRINUSE') return 'another program uses it';
    if (errnoOf(error) === 'EACCES') return 'this user may not use it';
    return (error as Error).message;
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
