/** Back pressure on a connection that undici's HTTP/1.1 client reads. */
import type { Socket } from 'node:net';

export interface ReadGate {
  /** Nothing more is read; what comes waits in the socket, then in the kernel, then at the sender. */
  shut(): void;
  open(): void;
}

/**
 * Undici 7 ends the whole process when a connection ends, or breaks, while its parser is paused
 * (nodejs/undici#5360), so its parser never is: it is only not told that there is something to read.
 * @param socket one that the client listens to already
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
      // Later, for the reader that asks for more may be called by what is being read just now.
      setImmediate(() => {
        if (!shut && !socket.destroyed) read();
      });
    },
  };
}
