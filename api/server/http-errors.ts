/** Answers to requests that fail as HTTP, before any command is read. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError } from 'fastify';
import { refuse } from './dispatch.ts';
import { ApiError } from './errors.ts';
import { internalError } from './known-errors.ts';

export const FORM = 'application/x-www-form-urlencoded';
/** User data of a machine may have 1 MiB, and more as a form escapes it. */
export const BODY_LIMIT = 2 * 1024 * 1024;

export function httpErrorOf(error: FastifyError, requestId: string): ApiError {
  const { code, statusCode = 500 } = error;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new ApiError(413, `The form is larger than ${BODY_LIMIT} bytes.`);
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new ApiError(415, `A POST carries its parameters as ${FORM}, or in the query and no body at all.`);
  }
  return statusCode < 500
    ? new ApiError(statusCode, 'The request is not one of HTTP as it should be.')
    : internalError(requestId);
}

/** By the error code of Node: requests that could not be read to their end. */
const UNREADABLE: Readonly<Record<string, readonly [status: number, text: string]>> = {
  HPE_HEADER_OVERFLOW: [
    431,
    'The address with its parameters is too long for a GET; send them as the form of a POST.',
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not come to its end in time.'],
};

/** Answers on the socket itself: Fastify does not see such a request. */
export function answerUnreadable(error: Error & { readonly code?: string }, socket: Socket): void {
  // Bytes that arrive after the answer raise an error each.
  if (error.code === 'ECONNRESET' || socket.destroyed || socket.writableEnded) return;
  const [status, text] = UNREADABLE[error.code ?? ''] ?? [
    400,
    'The request is not one of HTTP as it should be.',
  ];
  const body = JSON.stringify(refuse(undefined, new ApiError(status, text)).body);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroySoon();
}
