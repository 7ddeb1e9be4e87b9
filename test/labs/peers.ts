/** The lab of peers: hosts with pools, doors and certificates of one installation, and an origin. They fetch from each other. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { download } from '../../images/attempt/download.ts';
import type { DownloadDeps, DownloadedImage, DownloadRequest } from '../../images/attempt/download.ts';
import { createPeerCopy } from '../../images/fetch/protocols/peer/peer.ts';
import type { PeerOptions } from '../../images/fetch/protocols/peer/peer.ts';
import type { RateLimit } from '../../images/fetch/rate-limit.ts';
import { createRateLimit } from '../../images/fetch/rate-limit.ts';
import { openLedger } from '../../images/pools/ledger.ts';
import { createCopyRegistry } from '../../images/spread/copy-registry.ts';
import type { OpenCopies, ServedPart } from '../../images/spread/open-copies.ts';
import type { PeerSource } from '../../model/spread.ts';
import { certifyHost, createAuthority, createHostKey } from '../../trust/peer-certificates.ts';
import { createTicketKey, signTicket } from '../../trust/tickets.ts';
import { openDoor } from '../../workers/door/door.ts';
import type { Door } from '../../workers/door/door.ts';
import { openDownloadLab } from './download.ts';
import type { DownloadLab } from './download.ts';

/** A host of the lab. It has one copy of the template, with the same id through all its attempts. */
export interface PeerHost {
  readonly hostId: string;
  readonly copyId: string;
  readonly lab: DownloadLab;
  readonly door: Door;
  /** One attempt to bring the copy here. */
  attempt(changes?: Partial<DownloadRequest>): Promise<DownloadedImage>;
  /** Waits until others may read the part of the running attempt. */
  served(): Promise<ServedPart>;
  closeDoor(): Promise<void>;
}

/** A host that others fetch from. */
export interface Parent extends Pick<PeerHost, 'hostId' | 'copyId'> {
  readonly door: Pick<Door, 'port'>;
}

export interface PeerHostOptions {
  /** What the door gives instead of the host's own copies. */
  readonly serve?: (copies: OpenCopies) => OpenCopies;
  readonly peers?: Omit<Partial<PeerOptions>, 'identity'>;
  readonly deps?: Partial<DownloadDeps>;
  /** Of the door. Default: no limit. */
  readonly rate?: RateLimit;
}

export interface PeerLab {
  /** The origin of the image. */
  readonly origin: DownloadLab['server'];
  addHost(options?: PeerHostOptions): Promise<PeerHost>;
  /** A host whose door answers as the test says, such as one of another release. */
  addDoor(answer: RequestListener): Promise<Parent>;
  /** What the control side tells `child` when it is to fetch from `parent`. */
  from(parent: Parent, child: Pick<PeerHost, 'hostId'>, more?: Partial<PeerSource>): Promise<PeerSource>;
  /** Stops an attempt of the child when it has so many bytes from its parent. */
  stoppedAfter(
    bytes: number,
    parent: Parent,
    child: PeerHost,
    changes?: Partial<DownloadRequest>,
  ): Promise<void>;
  close(): Promise<void>;
}

const MIB = 1_048_576;

export async function openPeerLab(): Promise<PeerLab> {
  const first = await openDownloadLab();
  const authority = await createAuthority(new Date());
  const tickets = createTicketKey();
  const hosts: PeerHost[] = [];
  const hostIds = Array.from({ length: 16 }, () => randomUUID() as string);
  const labs: DownloadLab[] = [first];
  const servers: Server[] = [];
  const identityOf = async (hostId: string) => {
    const { key, request } = await createHostKey(hostId);
    const about = { hostId, address: '127.0.0.1:7443' };
    const certificate = await certifyHost(authority, request, about, new Date());
    return { certificate, key, authorities: [authority.certificate] };
  };

  const from: PeerLab['from'] = async ({ hostId, copyId, door }, child, more = {}) => {
    const ticket = await signTicket(tickets, { aud: hostId, sub: child.hostId, copy: copyId });
    return { hostId, copyId, address: `127.0.0.1:${door.port}`, ticket, ...more };
  };

  return {
    origin: first.server,
    from,
    async stoppedAfter(bytes, parent, child, changes = {}) {
      const stop = new AbortController();
      const onProgress = (p: { readonly bytes: number }): void => {
        if (p.bytes >= bytes) stop.abort(new Error('stopped'));
      };
      const peer = await from(parent, child);
      await expect(child.attempt({ peer, signal: stop.signal, onProgress, ...changes })).rejects.toThrow(
        'stopped',
      );
    },
    async addDoor(answer) {
      const hostId = randomUUID();
      const { certificate: cert, key, authorities: ca } = await identityOf(hostId);
      const server = createServer({ cert, key, ca, requestCert: true }, answer).listen(0, '127.0.0.1');
      await once(server, 'listening');
      servers.push(server);
      return { hostId, copyId: randomUUID(), door: { port: (server.address() as AddressInfo).port } };
    },
    async addHost({ serve = (copies: OpenCopies) => copies, peers = {}, deps = {}, rate } = {}) {
      const lab = labs[hosts.length] ?? (await openDownloadLab());
      if (!labs.includes(lab)) labs.push(lab);
      const hostId = hostIds[hosts.length] ?? '';
      const copyId = randomUUID();
      const identity = await identityOf(hostId);
      const ledger = openLedger(lab.stateDir(hostId));
      const copies = createCopyRegistry({ pools: async () => [lab.pool], ledger });
      const door = await openDoor({
        hostId,
        listen: { host: '127.0.0.1', port: 0 },
        uploads: 4,
        rate: rate ?? createRateLimit(),
        copies: serve(copies),
        credentials: { v: 1, ...identity, ticketKey: tickets.publicKey, hostIds },
      });
      let closing: Promise<void> | undefined;
      const host: PeerHost = {
        hostId,
        copyId,
        lab,
        door,
        attempt: (changes = {}) =>
          download(lab.request({ url: first.server.url('/a.img'), copyId, ...changes }), {
            ...lab.deps({ hostId, checkpointBytes: MIB }),
            copies,
            peers: (peer) => createPeerCopy(peer, { identity: () => identity, ...peers }),
            ...deps,
          }),
        served: () => copies.until(copyId, async () => copies.part(copyId), AbortSignal.timeout(20_000)),
        closeDoor: () => (closing ??= door.close()),
      };
      hosts.push(host);
      return host;
    },
    async close() {
      for (const host of hosts) await host.closeDoor();
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
      for (const lab of labs) await lab.close();
    },
  };
}
