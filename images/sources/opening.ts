/** Waiting until a socket is what it is to be. */
import type { Socket } from 'node:net';
import { within } from './budgets.ts';

/** Waits for the event. Whatever comes in its place, the socket is gone afterwards. */
export async function opened(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  ms: number,
  signal: AbortSignal,
  late: () => Error,
): Promise<void> {
  // Between here and its use by the HTTP client nobody else listens, and an unheard error ends the process.
  socket.on('error', () => undefined);
  const over = new AbortController();
  const opening = new Promise<void>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { signal: over.signal });
    socket.once(event, resolve).once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
  });
  try {
    await within(ms, opening, late);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    over.abort();
  }
}
