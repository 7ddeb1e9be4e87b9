/** The origin of a fault run: right at first, then slow, wrong or gone, as the faults have it; it counts what it sends. */
import type { Link } from '../labs/network.ts';
import { startImageServer } from '../support/image-server.ts';
import type { Behaviour } from '../support/image-server.ts';
import type { Wrong } from './schedule.ts';

export interface Origin {
  readonly link: Link;
  /** Serves a file. @returns its URL */
  serve(name: string, file: ServedFile): string;
  /** From now on it answers wrongly; undefined: rightly. */
  setWrong(wrong: Wrong | undefined): void;
  /** Bytes of a file that it has sent. */
  sent(name: string): Sent;
  close(): Promise<void>;
}

export interface ServedFile {
  readonly content: Buffer;
  /** Without a checksum nobody could tell other bytes from the right ones, so that it never sends any. */
  readonly hasChecksum: boolean;
}

export interface Sent {
  readonly all: number;
  /** Those among them that were wrong: no host can use them. */
  readonly wrong: number;
}

export async function openOrigin(link: Link): Promise<Origin> {
  const server = await startImageServer(undefined, link.address);
  const wrongBytes = new Map<string, number>();
  let wrong: Wrong | undefined;
  return {
    link,
    serve(name, { content, hasChecksum }) {
      server.serve(`/${name}`, () => {
        if (wrong === undefined) return { body: content };
        if (wrong !== 'other bytes') return behaviourOf(wrong, content);
        if (!hasChecksum) return { status: 503 };
        let before = 0;
        const hold = (sent: number): undefined => {
          wrongBytes.set(name, (wrongBytes.get(name) ?? 0) + sent - before);
          before = sent;
        };
        return { body: otherBytes(content), hold };
      });
      return server.url(`/${name}`);
    },
    setWrong(next) {
      wrong = next;
    },
    sent: (name) => ({ all: server.seen(`/${name}`).bytes, wrong: wrongBytes.get(name) ?? 0 }),
    close: () => server.close(),
  };
}

function behaviourOf(wrong: Exclude<Wrong, 'other bytes'>, body: Buffer): Behaviour {
  if (wrong === 'error') return { status: 503 };
  return { body, cutAfter: wrong === 'half' ? Math.floor(body.length / 2) : 0 };
}

/** With the ETag of the right ones: nothing but the checksum tells them apart. */
function otherBytes(content: Buffer): Buffer {
  const other = Buffer.from(content);
  for (let at = 4096; at < other.length; at += 65_536) other.writeUInt8(255 - other.readUInt8(at), at);
  return other;
}
