/** The HTTP server for checks: `/healthz` (the process lives), `/readyz` (it can do its work) and `/metrics`. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { explainListening } from './listening.ts';
import type { Settings } from './settings.ts';

export interface Health {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Starts the server when the setting `healthPort` names a port. Call it before what must be shut down in order.
 * @throws StartError when the port is taken
 */
export async function startHealthIfAsked(
  settings: Settings,
  ready: Ready,
  metrics?: Metrics,
): Promise<Health | undefined> {
  if (settings.text('healthPort') === '') return undefined;
  const port = settings.number('healthPort');
  try {
    return await startHealth(port, ready, metrics);
  } catch (error) {
    const listening = { address: ADDRESS, port, portSetting: 'healthPort' } as const;
    throw explainListening(error, { what: 'The server of checks and metrics', ...listening });
  }
}

const ADDRESS = '127.0.0.1';

/** Whether the process can do its work; a rejection is a no. */
type Ready = () => boolean | Promise<boolean>;

/** Returns metrics in Prometheus' text format. */
export type Metrics = () => Promise<string>;

/**
 * @param port 0 for any free port
 * @param ready called on each request to `/readyz`; false answers 503
 * @param metrics called on each request to `/metrics`; a rejection answers 503
 */
export async function startHealth(port: number, ready: Ready, metrics?: Metrics): Promise<Health> {
  const server = createServer((request, response) => {
    const answer = (status: number, text: string): void => {
      response.writeHead(status, { 'content-type': 'text/plain', 'cache-control': 'no-store' });
      response.end(`${text}\n`);
    };
    const path = request.url?.split('?', 1)[0];
    if (path === '/healthz') answer(200, 'ok');
    else if (path === '/readyz') {
      void isReady(ready).then((yes) => answer(yes ? 200 : 503, yes ? 'ready' : 'not ready'));
    } else if (path === '/metrics' && metrics !== undefined) {
      metrics().then(
        (text) => answer(200, text),
        () => answer(503, 'the metrics could not be read: see the log'),
      );
    } else answer(404, `there are ${metrics === undefined ? '' : '/metrics, '}/healthz and /readyz`);
  });
  server.listen(port, ADDRESS);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function isReady(ready: Ready): Promise<boolean> {
  try {
    return await ready();
  } catch {
    return false;
  }
}
