/** A proxy on loopback for CONNECT and requests in absolute form, which records all requests. */
import { once } from 'node:events';
import { createServer, get } from 'node:http';
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
  /** Answer instead of 200, for targets for which it returns one. */
  readonly status?: (asked: Asked, n: number) => number | undefined;
  /** Addresses of targets whose names only the proxy knows. */
  readonly lies?: Readonly<Record<string, string>>;
  /** Certificate for TLS with the clients. */
  readonly tls?: ServerCertificate;
}

export interface TestProxy {
  readonly url: string;
  readonly port: number;
  readonly asked: readonly Asked[];
  /** Requests other than CONNECT, with their target. */
  readonly others: readonly Asked[];
  close(): Promise<void>;
}

export async function startProxy({ status, lies = {}, tls }: ProxyOptions = {}): Promise<TestProxy> {
  const asked: Asked[] = [];
  const others: Asked[] = [];
  const sockets = new Set<Socket>();
  const answer: RequestListener = (request, response) => {
    const one = { target: request.url ?? '', headers: request.headers };
    const refused = URL.canParse(one.target) ? status?.(one, others.length) : 400;
    others.push(one);
    if (refused !== undefined) {
      response.writeHead(refused).end();
      return;
    }
    const { host, pathname } = new URL(one.target);
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const onward = get(`http://${lies[host] ?? host}${pathname}`, { headers }, (answered) => {
      response.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(response);
    });
    onward.on('error', () => response.destroy());
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
