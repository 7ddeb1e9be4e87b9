/** What was seen of an image goes with the outcome, whether it was taken or refused. */
import { randomUUID } from 'node:crypto';
import { download } from '../../../images/attempt/download.ts';
import type { DownloadRequest } from '../../../images/attempt/download.ts';
import type { DownloadFailed } from '../../../images/attempt/download-failed.ts';
import { probe } from '../../../images/attempt/probe.ts';
import { createSources } from '../../../images/fetch/sources.ts';
import type { Try } from '../../../model/payloads.ts';
import { openDownloadLab } from '../../labs/download.ts';
import type { DownloadLab } from '../../labs/download.ts';
import { onLoopback } from '../../support/loopback.ts';
import { paddedQcow2, qcow2Image } from '../../support/images.ts';
import { packed } from '../../support/packed-files.ts';

const MIB = 1_048_576;
/** What an image without its backing file is refused for. */
const hostile = (): Buffer => {
  const image = Buffer.from(paddedQcow2(MIB));
  image.writeBigUInt64BE(112n, 8);
  image.writeUInt32BE(4, 16);
  image.write('/etc', 112);
  return image;
};
let lab: DownloadLab;

beforeEach(async () => {
  lab = await openDownloadLab();
});
afterEach(() => lab.close());

const request = (changes: Partial<DownloadRequest> = {}): DownloadRequest =>
  lab.request({ url: lab.server.url('/a'), format: 'QCOW2', ...changes });

const triesOf = async (work: Promise<unknown>): Promise<readonly Try[]> => {
  const failure = await work.then(
    () => undefined,
    (error: unknown) => error as DownloadFailed,
  );
  return failure?.tries ?? [];
};

test('a published image has evidence, also when it was published before or packed', async () => {
  lab.server.serve('/a', { body: qcow2Image() });
  const copyId = randomUUID();
  const evidence = { looked: 'file', found: ['qcow2'], qcow2: { virtualSize: MIB, tables: { l2Tables: 0 } } };
  for (let round = 0; round < 2; round += 1) {
    expect(await download(request({ copyId }), lab.deps())).toMatchObject({ evidence });
  }
  lab.server.serve('/a', { body: await packed('gzip', qcow2Image()) });
  expect(await download(request(), lab.deps())).toMatchObject({ evidence });
});

test('a refused image has evidence in its try, packed or not', async () => {
  const evidence = { found: ['qcow2'], qcow2: { features: ['backing file'] } };
  for (const body of [hostile(), await packed('gzip', hostile())]) {
    lab.server.serve('/a', { body });
    expect(await triesOf(download(request(), lab.deps()))).toMatchObject([
      { failure: { kind: 'HostileImage' }, evidence },
    ]);
  }
});

test('a try without an inspection has no evidence', async () => {
  const [first] = await triesOf(download(request({ url: lab.server.url('/absent') }), lab.deps()));
  expect(first).toMatchObject({ failure: { kind: 'NotFound' } });
  expect(first).not.toHaveProperty('evidence');
});

test.each([
  ['an image', qcow2Image, { reachable: true, evidence: { looked: 'head', found: ['qcow2'] } }],
  ['a hostile image', hostile, { reachable: false, evidence: { qcow2: { features: ['backing file'] } } }],
  ['a page', () => Buffer.from('<html><p>Log in</p></html>'), { evidence: { found: ['html', 'xml'] } }],
])('a probe reports its evidence of %s, packed or not', async (_, image, expected) => {
  for (const body of [image(), await packed('xz', image())]) {
    lab.server.serve('/a', { body });
    const asked = { url: lab.server.url('/a'), format: 'QCOW2', budgetMs: 20_000 } as const;
    const { urls } = await probe(asked, { sources: createSources(onLoopback) });
    expect(urls).toMatchObject([expected]);
  }
});
