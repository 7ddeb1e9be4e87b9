/** Which images are published, by their SHA-256: what a host read from the origin, and what others passed on. */
import { randomUUID } from 'node:crypto';
import { setConfiguration } from '../../db/zones/configurations.ts';
import type { DownloadResult } from '../../model/payloads.ts';
import { lineageOfImage, peerUrl } from '../../model/spread.ts';
import { openSourceChoiceLab, SHA256 } from '../labs/source-choice.ts';
import type { SourceChoiceLab } from '../labs/source-choice.ts';

let lab: SourceChoiceLab;
beforeAll(async () => {
  lab = await openSourceChoiceLab();
});
afterAll(() => lab.close());

const WRONG = 'cd'.repeat(32);
const PASSED_ON = { fromPeers: 600 };
const ORIGIN = { origin: true };
const TO_WAIT = 'not known yet';
const NOBODY_CAN_TELL = { kind: 'PeerUnreachable', message: expect.stringContaining('was lost before') };
const IS_ANOTHER = { kind: 'PeerWrong' };

const publishedAs = (sha256: string) =>
  lab.db.selectFrom('image_lineage').where('sha256', '=', sha256).select('lineage').execute();

test('what the host that reads the origin publishes defines the lineage, for all that have it from others', async () => {
  const { head, relay, end } = await lab.chain();
  const lineage = randomUUID();
  for (const copy of [relay, end]) await expect(copy.finish(lineage, PASSED_ON)).rejects.toThrow(TO_WAIT);
  expect(await relay.row()).toMatchObject({ state: 'Creating' });
  await head.finish(lineage);
  // It may die now.
  await lab.db.deleteFrom('template_spool_ref').where('uuid', '=', head.copyId).execute();
  expect(await end.finish(lineage, PASSED_ON)).toMatchObject({ refused: undefined });
  await expect(relay.finish(lineage, { ...PASSED_ON, sha256: WRONG })).rejects.toMatchObject(IS_ANOTHER);
  expect(await relay.row()).toMatchObject({ state: 'Creating' });
});

test('a second download from the origin that has another SHA-256 under the same lineage fails', async () => {
  const { template, head } = await lab.chain();
  const lineage = randomUUID();
  await head.finish(lineage);
  await setConfiguration(lab.db, 'direct.download.origin.fetches', '0', lab.zone.id);
  const other = await lab.wanted(template, await lab.newHost('other'));
  expect(await other.ask()).toEqual(ORIGIN);
  await setConfiguration(lab.db, 'direct.download.origin.fetches', undefined, lab.zone.id);
  expect(await other.finish(lineage, { sha256: WRONG })).toMatchObject({ refused: { kind: 'PeerWrong' } });
  expect(await other.row()).toMatchObject({ state: 'Failed', error_kind: 'PeerWrong' });
});

/** What hosts may be told by one that lies, or say themselves. */
const lies: Readonly<Record<string, () => Promise<Partial<DownloadResult>>>> = {
  'in the lineage of the head': () => Promise.resolve({ ...PASSED_ON }),
  'in a lineage of its own': () => Promise.resolve({ ...PASSED_ON, lineage: randomUUID() }),
  'by what it is': () => Promise.resolve({ ...PASSED_ON, lineage: lineageOfImage(WRONG) }),
  'as another template': async () => {
    const { head } = await lab.chain();
    const lineage = randomUUID();
    await head.finish(lineage, { sha256: WRONG });
    return { ...PASSED_ON, lineage };
  },
  'without a lineage': () => Promise.resolve({ ...PASSED_ON, lineage: undefined as unknown as string }),
  'as if it were from the origin': () => Promise.resolve({}),
  'as if it were there already': () => Promise.resolve({ fetched: 0 }),
};
describe.each(Object.keys(lies))('a wrong image that was passed on %s', (how) => {
  const lieOf = async () => ({ sha256: WRONG, ...(await lies[how]?.()) });

  test('is published neither while the head is on its way, nor when it was lost', async () => {
    const { head, relay, end } = await lab.chain();
    const lie = await lieOf();
    const before = await publishedAs(WRONG);
    await expect(end.finish(randomUUID(), lie)).rejects.toThrow(TO_WAIT);
    await head.failed();
    await expect(end.finish(randomUUID(), lie)).rejects.toMatchObject(NOBODY_CAN_TELL);
    expect(await end.row()).toMatchObject({ state: 'Creating', sha256: null });
    await end.failed();
    expect(await end.ask({ failedPeers: [relay.host.uuid] })).toEqual(ORIGIN);
    await expect(relay.finish(randomUUID(), lie)).rejects.toThrow(TO_WAIT);
    await end.finish();
    await expect(relay.finish(randomUUID(), lie)).rejects.toMatchObject(NOBODY_CAN_TELL);
    expect(await publishedAs(WRONG)).toEqual(before);
  });

  test('is not published when the head has published the right one', async () => {
    const { head, end } = await lab.chain();
    const lie = await lieOf();
    const lineage = randomUUID();
    await head.finish(lineage);
    await expect(end.finish(lineage, lie)).rejects.toMatchObject({ kind: expect.stringMatching(/^Peer/) });
    expect(await end.row()).toMatchObject({ state: 'Creating', sha256: null });
  });
});

test('when the head is lost, one host reads the origin again, and right images of the others are published by what it has', async () => {
  const { template, head, relay, end, last } = await lab.chain();
  const lineage = randomUUID();
  for (const copy of [relay, end, last])
    await expect(copy.finish(lineage, PASSED_ON)).rejects.toThrow(TO_WAIT);
  await head.failed();
  await expect(relay.finish(lineage, PASSED_ON)).rejects.toMatchObject(NOBODY_CAN_TELL);
  await relay.failed();
  expect(await relay.ask({ failedPeers: [head.host.uuid] })).toEqual(ORIGIN);
  for (const copy of [end, last]) await expect(copy.finish(lineage, PASSED_ON)).rejects.toThrow(TO_WAIT);
  await relay.finish(randomUUID());
  for (const copy of [end, last])
    expect(await copy.finish(lineage, PASSED_ON)).toMatchObject({ refused: undefined });
  const ready = await lab.db
    .selectFrom('template_spool_ref')
    .where('template_id', '=', template.id)
    .where('state', '=', 'Ready')
    .select(['depth', 'sha256'])
    .execute();
  expect(ready.filter(({ depth }) => depth === 0)).toHaveLength(1);
  expect(ready.map(({ sha256 }) => sha256)).toEqual(Array.from({ length: 3 }, () => SHA256));
});

test('a head that is not Up any more is not waited for', async () => {
  const { head, relay } = await lab.chain();
  await lab.db
    .updateTable('host')
    .set({ last_seen: new Date(Date.now() - 3_600_000) })
    .where('id', '=', head.host.id)
    .execute();
  await expect(relay.finish(randomUUID(), PASSED_ON)).rejects.toMatchObject(NOBODY_CAN_TELL);
});

test('with a checksum each host knows for itself, unless it is that of a packed file', async () => {
  for (const compression of [null, 'xz'] as const) {
    const template = await lab.addTemplate();
    const { head, relay } = await lab.chain(template);
    await lab.db
      .updateTable('vm_template')
      .set({ checksum: `{SHA-256}${SHA256}`, compression })
      .where('id', '=', template.id)
      .execute();
    await head.failed();
    const finished = relay.finish(randomUUID(), PASSED_ON);
    if (compression === null) expect(await finished).toMatchObject({ refused: undefined });
    else await expect(finished).rejects.toMatchObject(NOBODY_CAN_TELL);
  }
});

test('an image that was on the pool already is believed unless hosts may have given it', async () => {
  const there = { fetched: 0 };
  const now = new Date().toISOString();
  const fromPeer = { source: peerUrl(randomUUID()), startedAt: now, endedAt: now, bytes: 600 };
  for (const tries of [[], [fromPeer]]) {
    const alone = await lab.wanted(await lab.addTemplate(), await lab.newHost('alone'));
    await alone.ask();
    await alone.failed(tries);
    expect(await alone.ask()).toEqual(ORIGIN);
    const finished = alone.finish(randomUUID(), there);
    if (tries.length === 0) expect(await finished).toMatchObject({ refused: undefined });
    else await expect(finished).rejects.toMatchObject(NOBODY_CAN_TELL);
  }
});

test('the same unpacked image of two templates, and one of a release without lineages, is passed on', async () => {
  const lineage = lineageOfImage(SHA256);
  const [early, one, two] = [await lab.chain(), await lab.chain(), await lab.chain()];
  await early.head.finish(lineage);
  await lab.db
    .updateTable('template_spool_ref')
    .set({ lineage: null })
    .where('uuid', '=', early.head.copyId)
    .execute();
  await lab.db.deleteFrom('image_lineage').where('lineage', '=', lineage).execute();
  for (const { head, relay } of [early, one, two]) {
    if (head !== early.head) await head.finish(lineage);
    expect(await relay.finish(lineage, PASSED_ON)).toMatchObject({ refused: undefined });
  }
});
