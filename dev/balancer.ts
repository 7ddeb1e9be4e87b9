/**
 * Spreads TCP connections over the processes of a start: each connection goes to the next target in turn, or to another one
 * when that does not accept it. A connection whose target ends is closed, so that its client connects anew. A process of its
 * own, as a balancer is in production; `npm start` runs it where there are two apis or two frontends.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

export interface Route {
  readonly address: string;
  readonly port: number;
  /** Ports of this machine. */
  readonly targets: readonly number[];
}

export async function serveRoute({ address, port, targets }: Route): Promise<Server> {
  let turn = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const order = targets.map((_, at) => targets[(turn + at) % targets.length] ?? 0);
    turn += 1;
    void pass(client, order);
  });
  server.listen(port, address);
  await once(server, 'listening');
  return server;
}

async function pass(client: Socket, order: readonly number[]): Promise<void> {
  client.on('error', () => undefined);
  const target = await connectFirst(order);
  if (target === undefined || client.destroyed) {
    client.destroy();
    target?.destroy();
    return;
  }
  target.on('error', () => client.destroy());
  // What the target said at last is still sent.
  target.once('close', () => client.destroySoon());
  client.once('close', () => target.destroy());
  client.pipe(target).pipe(client);
}

async function connectFirst(ports: readonly number[]): Promise<Socket | undefined> {
  for (const port of ports) {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    try {
      await once(socket, 'connect');
      return socket;
    } catch {
      socket.destroy();
    }
  }
  return undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const routes = JSON.parse(process.argv[2] ?? '[]') as readonly Route[];
  // A port that is taken ends the process with the error.
  void Promise.all(routes.map(serveRoute)).then(() => process.stdout.write('balancing\n'));
}
