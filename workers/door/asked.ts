/** What a request asks for, and whether who asks may have it. */
import type { IncomingMessage } from 'node:http';
import type { TrustedPeers } from '../../model/spread.ts';
import { ticketProblem } from '../../trust/tickets.ts';
import { Refused } from './refusal.ts';

export interface Asked {
  readonly hostId: string;
  readonly copyId: string;
  readonly what: 'bytes' | 'digest';
}

/** Nothing else is a path here: no query, no escapes. */
const PATH =
  /^\/v1\/copies\/(?<copyId>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?<digest>\/digest)?$/;
const BEARER = /^Bearer ([\w.-]+)$/;

/**
 * @param hostId the host whose certificate the connection has shown
 * @param own the host that serves
 * @throws Refused
 */
export async function readAsked(
  { method, url = '', headers }: IncomingMessage,
  hostId: string | undefined,
  own: string,
  trusted: Pick<TrustedPeers, 'hostIds' | 'ticketKey'>,
): Promise<Asked> {
  if (hostId === undefined || !trusted.hostIds.includes(hostId)) {
    throw new Refused({ status: 403, reason: 'host' }, 'this host may not ask here');
  }
  const { copyId, digest } = PATH.exec(url)?.groups ?? {};
  if (copyId === undefined) throw wrongRequest(404, 'there are only copies');
  if (method !== 'GET') throw wrongRequest(405, 'copies can only be read');
  if (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0') {
    throw wrongRequest(400, 'a request for a copy has no body');
  }
  const ticket = BEARER.exec(headers.authorization ?? '')?.[1];
  if (ticket === undefined) throw noTicket(401, 'a ticket is needed');
  const problem = await ticketProblem(trusted.ticketKey, ticket, { aud: own, sub: hostId, copy: copyId });
  if (problem !== undefined)
    throw noTicket(problem.startsWith('for another') ? 403 : 401, `the ticket is ${problem}`);
  return { hostId, copyId, what: digest === undefined ? 'bytes' : 'digest' };
}

const wrongRequest = (status: number, message: string): Refused =>
  new Refused({ status, reason: 'request' }, message);
const noTicket = (status: number, message: string): Refused =>
  new Refused({ status, reason: 'ticket' }, message);
