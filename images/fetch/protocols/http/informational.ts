/** Skips an unrequested `100 Continue` (RFC 9110 section 15.2), as undici skips other 1xx answers. */
import type { Socket } from 'node:net';

const START = 'HTTP/1.1 100';
/** Bytes of one such answer; a longer one goes to the HTTP client, which refuses it. */
const MAX_LENGTH = 16_384;

/**
 * Undici 7 closes the connection when it reads one, so the answer is removed from the bytes that undici reads.
 * @param onContinue called for each
 */
export function passOverContinue(socket: Socket, onContinue: () => void): void {
  const read = socket.read.bind(socket);
  let head: Buffer = Buffer.alloc(0);
  socket.read = (size?: number): Buffer | null => {
    const chunk = read(size) as Buffer | null;
    if (chunk === null) return null;
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    for (let end = endOf(head); end > 0; end = endOf(head)) {
      head = head.subarray(end);
      onContinue();
    }
    if (mayBegin(head) && head.length < MAX_LENGTH) return null;
    Reflect.deleteProperty(socket, 'read');
    return head;
  };
}

/** Whether the bytes are, or may become, the start of a `100 Continue`. */
function mayBegin(head: Buffer): boolean {
  const start = head.toString('latin1', 0, START.length).replace('HTTP/1.0', 'HTTP/1.1');
  return START.startsWith(start) && !/^\d/.test(head.toString('latin1', START.length, START.length + 1));
}

/** The offset behind its blank line; 0 when the blank line has not come, or the answer is another. */
function endOf(head: Buffer): number {
  if (head.length < START.length || !mayBegin(head)) return 0;
  const blank = /\r?\n\r?\n/.exec(head.toString('latin1', 0, MAX_LENGTH));
  return blank === null ? 0 : blank.index + blank[0].length;
}
