/** Connections through a proxy by CONNECT. */
import type { Socket } from 'node:net';
import { Client } from 'undici';
import type { buildConnector } from 'undici';
import { ImageError } from '../../../model/failures.ts';
import { duration, within } from './budgets.ts';

export interface TunnelOptions {
  /** Milliseconds for the proxy's answer. */
  readonly answerMs: number;
  readonly signal: AbortSignal;
}

/** Statuses of a proxy that could not connect to the target: the next target is tried. */
const TRY_NEXT = new Set([500, 502, 503, 504]);

/**
 * @param proxy with its credentials
 * @param targets `address:port`, tried in order
 * @param connect opens a new connection to the proxy
 */
export async function openTunnel(
  proxy: URL,
  targets: readonly string[],
  connect: () => Promise<Socket>,
  options: TunnelOptions,
): Promise<Socket> {
  let status = 0;
  for (const target of targets) {
    const answer = await ask(proxy, target, await connect(), options);
    if (answer.status === 200) return answer.socket;
    answer.socket.destroy();
    status = answer.status;
    if (!TRY_NEXT.has(status)) break;
  }
  throw new ImageError('Unreachable', `cannot be reached: ${sentenceOf(status)}`);
}

async function ask(
  proxy: URL,
  target: string,
  socket: Socket,
  { answerMs, signal }: TunnelOptions,
): Promise<{ readonly status: number; readonly socket: Socket }> {
  // Undici loses the request when the connector calls back synchronously.
  const connect: buildConnector.connector = (_options, callback) =>
    queueMicrotask(() => callback(null, socket));
  const client = new Client(proxy.origin, { connect });
  const late = (): Error =>
    new ImageError('Stalled', `cannot be reached: the proxy did not answer within ${duration(answerMs)}`);
  try {
    const asked = client.connect({
      path: target,
      headers: { host: target, ...proxyCredentials(proxy) },
      signal,
    });
    // The answer may still come after `late`: its socket's errors and its failure are ignored.
    asked.then(({ socket: given }) => given.on('error', () => undefined)).catch(() => undefined);
    const { statusCode, socket: given } = await within(answerMs, asked, late);
    return { status: statusCode, socket: given as Socket };
  } catch (error) {
    socket.destroy();
    client.destroy().catch(() => undefined);
    signal.throwIfAborted();
    if (error instanceof ImageError) throw error;
    throw new ImageError(
      'Unreachable',
      'cannot be reached: the proxy closed the connection, or does not speak HTTP',
      {
        cause: error,
      },
    );
  }
}

/** The header with the credentials of a proxy's URL. */
export function proxyCredentials({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const text = `${decoded(username)}:${decoded(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(text).toString('base64')}` };
}

/** Decodes per cent signs; one that encodes nothing stays. */
const decoded = (text: string): string => decodeURIComponent(text.replaceAll(/%(?![0-9a-f]{2})/gi, '%25'));

export const DEMANDS_CREDENTIALS = 'the proxy demands credentials, or refuses those it was given (407)';

function sentenceOf(status: number): string {
  if (status === 407) return DEMANDS_CREDENTIALS;
  if (TRY_NEXT.has(status)) return `the proxy could not connect to any of its addresses (${status})`;
  return `the proxy refuses to connect to its address (${status})`;
}
