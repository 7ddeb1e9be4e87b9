/** A TLS proxy before a plain server; clients need a certificate of the authority. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:tls';
import type { ServerCertificate } from './certificates.ts';

export interface TlsGate {
  /** `localhost:port`. */
  readonly address: string;
  /** Number of accepted connections. */
  passed(): number;
  /** Number of refused connections. */
  refused(): number;
  close(): Promise<void>;
}

export async function startTlsGate(
  target: string,
  { own, authority }: { readonly own: ServerCertificate; readonly authority: ServerCertificate },
): Promise<TlsGate> {
  const [host = '', port = ''] = target.split(':');
  const open = new Set<Socket>();
  let passed = 0;
  let refused = 0;
  const server = createServer(
    { ...own, ca: authority.cert, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['h2'] },
    (inside) => {
      passed += 1;
      const outside = connect(Number(port), host);
      for (const [one, other] of [
        [inside, outside],
        [outside, inside],
      ] as const) {
        open.add(one);
        one.on('close', () => open.delete(one));
        one.on('error', () => other.destroy());
        one.pipe(other);
      }
    },
  );
  server.on('tlsClientError', () => {
    refused += 1;
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  return {
    address: `localhost:${(server.address() as AddressInfo).port}`,
    passed: () => passed,
    refused: () => refused,
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
