/** Waiting for a socket to be connected, or secured. */
import type { Socket } from 'node:net';
import { within } from './budgets.ts';

/**
 * Waits for the event. When it does not come, the socket is destroyed.
 * @throws the socket's error; `late()` after `ms`; the signal's reason when aborted
 */
export async function waitForSocket(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  ms: number,
  signal: AbortSignal,
  late: () => Error,
): Promise<void> {
  // Until the HTTP client takes the socket there is no other listener, and an error without one ends the process.
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
