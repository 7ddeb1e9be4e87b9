/** A proxy that takes CONNECT, on loopback, and writes down what it was asked. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { IncomingMessage, RequestListener } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { ServerCertificate } from './certificates.ts';

export interface Asked {
  /** `host:port` as the client wrote it. */
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
}

export interface ProxyOptions {
  /** Answered in place of 200 to those for whom it gives one. */
  readonly status?: (asked: Asked, n: number) => number | undefined;
  /** Where a target really lies, for names that only the proxy knows. */
  readonly lies?: Readonly<Record<string, string>>;
  /** Speaks TLS with its clients. */
  readonly tls?: ServerCertificate;
}

export interface TestProxy {
  readonly url: string;
  readonly port: number;
  readonly asked: readonly Asked[];
  /** Requests that were not CONNECT. */
  readonly others: readonly string[];
  close(): Promise<void>;
}

export async function startProxy({ status, lies = {}, tls }: ProxyOptions = {}): Promise<TestProxy> {
  const asked: Asked[] = [];
  const others: string[] = [];
  const sockets = new Set<Socket>();
  const answer: RequestListener = (request, response) => {
    others.push(request.url ?? '');
    response.writeHead(400).end();
  };
  const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  server.on('connection', (socket) => void sockets.add(socket));
  server.on('connect', (request, socket: Socket, head) => {
    const one = { target: request.url ?? '', headers: request.headers };
    const refused = status?.(one, asked.length);
    asked.push(one);
    socket.on('error', () => undefined);
    if (refused !== undefined) {
      socket.end(`HTTP/1.1 ${refused} No\r\ncontent-length: 6\r\n\r\nsecret`);
      return;
    }
    const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(lies[one.target] ?? one.target) ?? [];
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    sockets.add(onward);
    onward.on('error', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    asked,
    others,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
