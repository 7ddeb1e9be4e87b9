/** The door lab: a host whose door is open for a real pool, an installation's authority, and hosts that come to it. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { createRateLimit } from '../../images/fetch/rate-limit.ts';
import { openLedger } from '../../images/pools/ledger.ts';
import { createCopyRegistry } from '../../images/spread/copy-registry.ts';
import { download } from '../../images/attempt/download.ts';
import type { DownloadedImage, DownloadRequest } from '../../images/attempt/download.ts';
import { certifyHost, createAuthority, createHostKey } from '../../trust/peer-certificates.ts';
import type { Authority } from '../../trust/peer-certificates.ts';
import { createTicketKey, signTicket } from '../../trust/tickets.ts';
import { openDoor } from '../../workers/door/door.ts';
import type { DoorCredentials, DoorOptions } from '../../workers/door/door.ts';
import { openDownloadLab } from './download.ts';

export type DoorLab = Awaited<ReturnType<typeof openDoorLab>>;

/** A host that may come: what it shows in TLS. */
export interface Visitor {
  readonly hostId: string;
  /** PEM. */
  readonly tls: { readonly key?: string; readonly cert?: string; readonly ca: string };
}

export interface Asking {
  readonly visitor?: Visitor;
  /** Absent: one for this visitor and copy; null: none. */
  readonly ticket?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  /** Address to come from. */
  readonly from?: string;
  /** Of another door. */
  readonly port?: number;
}

export interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const ADDRESS = '127.0.0.1:7443';
const DAY_MS = 86_400_000;

export async function openDoorLab(changes: Partial<DoorOptions> = {}) {
  const lab = await openDownloadLab();
  const hostId = randomUUID();
  const ledger = openLedger(lab.stateDir('host-1'));
  const copies = createCopyRegistry({ pools: async () => [lab.pool], ledger });
  const tickets = createTicketKey();
  const authority = await createAuthority(new Date());

  const visitorOf = async (
    about: { readonly hostId?: string; readonly authority?: Authority; readonly ageDays?: number } = {},
  ): Promise<Visitor> => {
    const { hostId: id = randomUUID(), authority: issuer = authority, ageDays = 0 } = about;
    const { key, request } = await createHostKey(id);
    const now = new Date(Date.now() - ageDays * DAY_MS);
    const cert = await certifyHost(issuer, request, { hostId: id, address: ADDRESS }, now);
    return { hostId: id, tls: { key, cert, ca: authority.certificate } };
  };
  const own = await visitorOf({ hostId });
  const [child, other] = [await visitorOf(), await visitorOf()];
  const credentialsFor = (...visitors: readonly Visitor[]): DoorCredentials => ({
    v: 1,
    certificate: own.tls.cert ?? '',
    key: own.tls.key ?? '',
    authorities: [authority.certificate],
    ticketKey: tickets.publicKey,
    hostIds: visitors.map((visitor) => visitor.hostId),
  });
  const door = await openDoor({
    hostId,
    listen: { host: '127.0.0.1', port: 0 },
    uploads: 4,
    rate: createRateLimit(),
    copies,
    credentials: credentialsFor(child, other),
    ...changes,
  });

  const ticketFor = (copy: string, sub = child.hostId, aud = hostId, now = new Date()): Promise<string> =>
    signTicket(tickets, { aud, sub, copy }, now);
  const connecting = { host: '127.0.0.1', port: door.port };

  /** Sends a request. @returns the answer when its headers are there */
  const begin = async (path: string, asking: Asking = {}): Promise<IncomingMessage> => {
    const { visitor = child, headers = {}, method = 'GET', from, port = door.port } = asking;
    const copyId = path.split('/')[3] ?? '';
    const ticket = asking.ticket === undefined ? await ticketFor(copyId, visitor.hostId) : asking.ticket;
    const sent = httpsRequest({
      ...connecting,
      port,
      ...visitor.tls,
      path,
      method,
      agent: false,
      checkServerIdentity: () => undefined,
      ...(from === undefined ? {} : { localAddress: from }),
      headers: { ...(ticket === null ? {} : { authorization: `Bearer ${ticket}` }), ...headers },
    });
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return response;
  };
  const ask = async (path: string, asking: Asking = {}): Promise<Answer> => {
    const response = await begin(path, asking);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) };
  };

  return {
    ...lab,
    hostId,
    authority,
    door,
    copies,
    child,
    other,
    visitorOf,
    credentialsFor,
    ticketFor,
    begin,
    ask,
    /** A connection that does nothing yet. */
    knock: (from = '127.0.0.1'): Socket =>
      connect({ ...connecting, localAddress: from }).on('error', () => undefined),
    /** A connection after its handshake. */
    async enter({ tls }: Visitor = child): Promise<TLSSocket> {
      const socket = connectTls({ ...connecting, ...tls, checkServerIdentity: () => undefined });
      socket.on('error', () => undefined);
      await once(socket, 'secureConnect');
      return socket;
    },
    /** Downloads a copy from the lab's origin, as this host does. */
    attempt: (copyId: string, url: string, more: Partial<DownloadRequest> = {}): Promise<DownloadedImage> =>
      download(lab.request({ url, copyId, ...more }), lab.deps({ copies })),
    refused: () => door.counts().refused,
    async close() {
      await door.close();
      await lab.close();
    },
  };
}
