/** Back pressure on a connection that undici's HTTP/1.1 client reads. */
import type { Socket } from 'node:net';

export interface ReadGate {
  /** Stops reading: bytes wait in the socket, then in the kernel, then at the sender. */
  shut(): void;
  open(): void;
}

/**
 * Undici 7 ends the whole process when a connection ends, or breaks, while its parser is paused
 * (nodejs/undici#5360). So the parser is never paused; instead its `readable` listeners are not called.
 * @param socket to which undici has added its listeners
 */
export function gateReading(socket: Socket): ReadGate {
  const listeners = socket.listeners('readable') as (() => void)[];
  const read = (): void => listeners.forEach((listener) => listener.call(socket));
  let shut = false;
  socket.removeAllListeners('readable');
  socket.on('readable', () => {
    if (!shut) read();
  });
  return {
    shut() {
      shut = true;
    },
    open() {
      shut = false;
      // Deferred: the caller may run within a read that has not finished.
      setImmediate(() => {
        if (!shut && !socket.destroyed) read();
      });
    },
  };
}
