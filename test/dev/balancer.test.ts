import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { serveRoute } from '../../dev/balancer.ts';
import { freePorts } from '../../dev/ports.ts';

interface Target {
  readonly port: number;
  /** Ends it as a kill does. */
  kill(): Promise<void>;
}

let targets: readonly Target[];
let balancer: Server;
let port: number;

beforeEach(async () => {
  targets = [await startTarget('a'), await startTarget('b')];
  [port = 0] = await freePorts(1);
  balancer = await serveRoute({ address: '127.0.0.1', port, targets: targets.map((one) => one.port) });
});
afterEach(async () => {
  balancer.close();
  for (const target of targets) await target.kill();
});

/** Answers what it is sent with its name before it, when the client has ended; a client that sends "wait" gets no answer. */
async function startTarget(name: string): Promise<Target> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    let said = '';
    socket.on('data', (piece: Buffer) => (said += piece.toString()));
    socket.on('end', () => said === 'wait' || socket.end(`${name}:${said}`));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async kill() {
      for (const socket of open) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}

async function ask(said: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end(said);
  return text(socket);
}

test('connections go to the targets in turn, with what is said in both directions', async () => {
  const answers = [await ask('1'), await ask('2'), await ask('3'), await ask('4')];
  expect(answers).toEqual(['a:1', 'b:2', 'a:3', 'b:4']);
});

test('a target that does not accept connections is passed over', async () => {
  await targets[0]?.kill();
  expect([await ask('1'), await ask('2')]).toEqual(['b:1', 'b:2']);
  await targets[1]?.kill();
  await expect(ask('3')).resolves.toBe('');
});

test('a connection is closed when its target ends, and the next one goes to another', async () => {
  const waiting = ask('wait');
  const outcome = waiting.catch((error: NodeJS.ErrnoException) => error.code);
  await ask('2');
  await targets[0]?.kill();
  expect(['', 'ECONNRESET', 'EPIPE']).toContain(await outcome);
  expect(await ask('3')).toBe('b:3');
});
