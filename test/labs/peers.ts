/** The lab of peers: hosts with pools, doors and certificates of one installation, and an origin. They fetch from each other. */
import { randomUUID } from 'node:crypto';
import { download } from '../../images/attempt/download.ts';
import type { DownloadDeps, DownloadedImage, DownloadRequest } from '../../images/attempt/download.ts';
import { createPeerCopy } from '../../images/fetch/protocols/peer/peer.ts';
import type { PeerOptions } from '../../images/fetch/protocols/peer/peer.ts';
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

export interface PeerHostOptions {
  /** What the door gives instead of the host's own copies. */
  readonly serve?: (copies: OpenCopies) => OpenCopies;
  readonly peers?: Omit<Partial<PeerOptions>, 'identity'>;
  readonly deps?: Partial<DownloadDeps>;
}

export interface PeerLab {
  /** The origin of the image. */
  readonly origin: DownloadLab['server'];
  addHost(options?: PeerHostOptions): Promise<PeerHost>;
  /** What the control side tells `child` when it is to fetch from `parent`. */
  from(parent: PeerHost, child: Pick<PeerHost, 'hostId'>, more?: Partial<PeerSource>): Promise<PeerSource>;
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

  return {
    origin: first.server,
    async addHost({ serve = (copies: OpenCopies) => copies, peers = {}, deps = {} } = {}) {
      const lab = labs[hosts.length] ?? (await openDownloadLab());
      if (!labs.includes(lab)) labs.push(lab);
      const hostId = hostIds[hosts.length] ?? '';
      const copyId = randomUUID();
      const { key, request } = await createHostKey(hostId);
      const about = { hostId, address: '127.0.0.1:7443' };
      const certificate = await certifyHost(authority, request, about, new Date());
      const authorities = [authority.certificate];
      const ledger = openLedger(lab.stateDir(hostId));
      const copies = createCopyRegistry({ pools: async () => [lab.pool], ledger });
      const door = await openDoor({
        hostId,
        listen: { host: '127.0.0.1', port: 0 },
        uploads: 4,
        rate: createRateLimit(),
        copies: serve(copies),
        credentials: { v: 1, certificate, key, authorities, ticketKey: tickets.publicKey, hostIds },
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
            peers: (peer) =>
              createPeerCopy(peer, { identity: () => ({ certificate, key, authorities }), ...peers }),
            ...deps,
          }),
        served: () => copies.until(copyId, async () => copies.part(copyId), AbortSignal.timeout(20_000)),
        closeDoor: () => (closing ??= door.close()),
      };
      hosts.push(host);
      return host;
    },
    async from(parent, child, more = {}) {
      const { hostId, copyId, door } = parent;
      const ticket = await signTicket(tickets, { aud: hostId, sub: child.hostId, copy: copyId });
      return { hostId, copyId, address: `127.0.0.1:${door.port}`, ticket, ...more };
    },
    async close() {
      for (const host of hosts) await host.closeDoor();
      for (const lab of labs) await lab.close();
    },
  };
}
