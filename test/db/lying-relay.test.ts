/** A host that gives others a wrong image and vouches for it: real doors and downloads, recorded as the control side does. */
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import type { DownloadedImage } from '../../images/attempt/download.ts';
import type { OpenCopies } from '../../images/spread/open-copies.ts';
import { openPeerLab } from '../labs/peers.ts';
import type { PeerLab } from '../labs/peers.ts';
import { openSourceChoiceLab } from '../labs/source-choice.ts';
import type { SourceChoiceLab } from '../labs/source-choice.ts';
import { deferred } from '../support/deferred.ts';
import { rawDisk, sha256 } from '../support/images.ts';

const MIB = 1_048_576;
const SIZE = 4 * MIB;
const body = rawDisk(SIZE);
const wrong = Buffer.from(body);
wrong.writeUInt8(1 ^ (wrong[2 * MIB] ?? 0), 2 * MIB);

let control: SourceChoiceLab;
let lab: PeerLab;
beforeAll(async () => {
  control = await openSourceChoiceLab();
});
beforeEach(async () => {
  lab = await openPeerLab();
});
afterEach(() => lab.close());
afterAll(() => control.close());

/** Has a wrong image under the lineage of a right one, and vouches for it. */
const lying =
  (path: string, lineage: () => string) =>
  (copies: OpenCopies): OpenCopies => ({
    ...copies,
    part: () => undefined,
    published: async () => ({
      file: await open(path),
      total: SIZE,
      lineage: lineage(),
      sha256: sha256(wrong),
    }),
  });

test.each(['of the head', 'of its own'])(
  'when it names a lineage %s and the head is lost, what it gave is never published, and the origin is read once more',
  async (whose) => {
    const rest = deferred();
    lab.origin.serve('/a.img', (n) => ({
      body,
      hold: (sent) => (n === 0 && sent >= MIB ? rest.promise : undefined),
    }));
    let lineage: string = randomUUID();
    const head = await lab.addHost();
    const path = join(head.lab.stateDir('lies'), '..', 'wrong.img');
    await writeFile(path, wrong);
    const liar = await lab.addHost({ serve: lying(path, () => lineage) });
    const [child, other] = [await lab.addHost(), await lab.addHost()];

    const copies = await control.chain();
    const { relay, end, last } = copies;
    const record = (copy: typeof end, image: DownloadedImage) => {
      const { lineage: its, installPath: _path, ...result } = image;
      return copy.finish(its, result);
    };

    const stop = new AbortController();
    const fetching = head.attempt({ signal: stop.signal });
    fetching.catch(() => undefined);
    const served = await head.served();
    if (whose === 'of the head') ({ lineage } = served);
    const deceived = await child.attempt({ peer: await lab.from(liar, child) });
    expect(deceived).toMatchObject({ sha256: sha256(wrong), lineage, fromPeers: SIZE });
    await expect(record(end, deceived)).rejects.toThrow('not known yet');

    stop.abort(new Error('lost'));
    await expect(fetching).rejects.toThrow('lost');
    await copies.head.failed();
    const refused = { kind: 'PeerUnreachable' };
    await expect(record(end, deceived)).rejects.toMatchObject(refused);
    await child.lab.pool.remove(child.copyId);
    await end.failed();
    expect(await end.ask({ failedPeers: [relay.host.uuid] })).toEqual({ origin: true });

    // Another one that believed the liar waits for the host that reads the origin again.
    const also = await other.attempt({ peer: await lab.from(liar, other) });
    await expect(record(last, also)).rejects.toThrow('not known yet');
    const right = await child.attempt();
    expect(await record(end, right)).toMatchObject({ refused: undefined });
    await expect(record(last, also)).rejects.toMatchObject(refused);
    await other.lab.pool.remove(other.copyId);
    await last.failed();
    const chosen = await last.ask({ failedPeers: [relay.host.uuid] });
    expect(chosen).toMatchObject({ hostName: end.host.name, peer: { sha256: sha256(body) } });
    const again = await other.attempt({ peer: await lab.from(child, other, { sha256: sha256(body) }) });
    expect(await record(last, again)).toMatchObject({ refused: undefined });
    for (const { localPath } of [right, again]) expect((await readFile(localPath)).equals(body)).toBe(true);
    expect(lab.origin.seen('/a.img').bytes).toBeLessThan(2 * SIZE);
    rest.resolve();
  },
);
