/** GOAWAY, by which an HTTP/2 server announces that a connection will end. */
import { constants } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';

/**
 * Undici 7 destroys the connection at GOAWAY. A server that sends GOAWAY without an error still finishes the streams up to the
 * one that it names (RFC 9113 section 6.8), and Node ends the session after them.
 * @param socket on which undici has begun HTTP/2
 */
export function finishAfterGoaway(socket: Socket): void {
  const session = sessionOn(socket);
  const breakOff = session?.listeners('goaway') ?? [];
  session?.removeAllListeners('goaway');
  session?.on('goaway', (code: number, ...rest: readonly unknown[]) => {
    if (code !== constants.NGHTTP2_NO_ERROR)
      breakOff.forEach((listener) => listener.call(session, code, ...rest));
  });
}

/** Undici stores the session in the socket, under a symbol. */
function sessionOn(socket: Socket): ClientHttp2Session | undefined {
  const symbol = Object.getOwnPropertySymbols(socket).find(
    ({ description }) => description === 'http2Session',
  );
  return symbol === undefined ? undefined : (Reflect.get(socket, symbol) as ClientHttp2Session);
}
