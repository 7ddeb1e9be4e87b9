/** Where a copy is fetched from when hosts that have it fail. */
import { peerUrl } from '../../model/spread.ts';
import type { Chosen } from '../../db/spread/source-choice.ts';
import { openSourceChoiceLab } from '../labs/source-choice.ts';
import type { HostWithDoor, SourceChoiceLab } from '../labs/source-choice.ts';
import { createRandom, pick } from '../support/mutations.ts';

let lab: SourceChoiceLab;
beforeAll(async () => {
  lab = await openSourceChoiceLab();
});
afterAll(() => lab.close());

const ORIGIN = { origin: true };
const nameOf = (chosen: Chosen): string =>
  'hostName' in chosen ? chosen.hostName : 'origin' in chosen ? 'origin' : 'wait';

/** Copies of hosts `h0`, `h1` and so on, all of which have asked: `h0` fetches from the origin. */
async function begun(count: number, uploads = 4) {
  const template = await lab.addTemplate();
  const hosts = await lab.newHosts(count, { uploads });
  const copies = await Promise.all(hosts.map((host) => lab.wanted(template, host)));
  for (const copy of copies) await copy.ask();
  return copies as [Copy, Copy, Copy, ...Copy[]];
}
type Copy = Awaited<ReturnType<SourceChoiceLab['wanted']>>;

const uuids = (copies: readonly Copy[]): readonly string[] => copies.map(({ host }) => host.uuid);

test('when the head dies, its hosts line up behind the one that asks last, and that one goes to the origin', async () => {
  const [head, ...children] = await begun(4);
  const answers: string[] = [];
  for (const child of children) {
    await child.failed();
    answers.push(nameOf(await child.ask({ failedPeers: [head.host.uuid], peerStrikes: 2 })));
  }
  expect(answers).toEqual(['h2', 'h3', 'origin']);
});

test('a host that cannot reach the head alone fetches by way of one that can, and not from the origin', async () => {
  const [head, ...children] = await begun(5);
  const cut = children[3] as Copy;
  const failedPeers = [head.host.uuid];
  await cut.failed();
  expect(nameOf(await cut.ask({ failedPeers }))).toBe('h1');
  await cut.failed();
  expect(nameOf(await cut.ask({ failedPeers: [...failedPeers, ...uuids(children.slice(0, 1))] }))).toBe('h2');
  await cut.failed();
  // Nobody else is left.
  expect(nameOf(await cut.ask({ failedPeers: [...failedPeers, ...uuids(children.slice(0, 3))] }))).toBe(
    'origin',
  );
});

test('in whatever order hosts notice that the head is dead, one of them goes to the origin, and there is no circle', async () => {
  for (let seed = 1; seed <= 5; seed += 1) {
    const random = createRandom(seed);
    const copies = await begun(16, 2);
    const [head, ...others] = copies;
    const failedPeers = [head.host.uuid];
    const origins: Copy[] = [];
    for (;;) {
      const parents = await parentsOf(copies);
      const behind = others.filter(({ copyId }) => parents.get(copyId) === head.copyId);
      if (behind.length === 0) break;
      const child = pick(random, behind);
      await child.failed();
      if ('origin' in (await child.ask({ failedPeers, peerStrikes: 2 }))) origins.push(child);
    }
    expect(origins).toHaveLength(1);
    const parents = await parentsOf(copies);
    for (const { copyId } of others) expect(topOf(copyId, parents)).toBe(origins[0]?.copyId);
  }
});

/** The copy at the end of the chain that a copy is in. */
function topOf(copyId: string, parents: Awaited<ReturnType<typeof parentsOf>>): string {
  const seen = new Set<string>();
  for (let at = copyId; ;) {
    if (seen.has(at)) throw new Error('hosts fetch from each other');
    seen.add(at);
    const parent = parents.get(at);
    if (parent === undefined) return at;
    at = parent;
  }
}

async function parentsOf(copies: readonly Copy[]): Promise<ReadonlyMap<string, string>> {
  const rows = await lab.db
    .selectFrom('template_spool_ref as copy')
    .innerJoin('template_spool_ref as parent', 'parent.id', 'copy.parent_copy_id')
    .where(
      'copy.uuid',
      'in',
      copies.map(({ copyId }) => copyId),
    )
    .where('copy.fetching', '=', 'peer')
    .select(['copy.uuid', 'parent.uuid as parent'])
    .execute();
  return new Map(rows.map(({ uuid, parent }) => [uuid, parent]));
}

test('the one that goes to the origin in the place of a head that is alive replaces it, and is not replaced by it', async () => {
  const [head, child] = await begun(2);
  await child.failed();
  const { templateId, poolId } = child.copy;
  expect(templateId).toBe(head.copy.templateId);
  const failedPeers = [head.host.uuid];
  // Its connection may have broken once.
  expect(nameOf(await child.ask({ failedPeers, peerStrikes: 1 }))).toBe('h0');
  await child.failed();
  expect(await child.ask({ failedPeers, peerStrikes: 2 })).toEqual({
    ...ORIGIN,
    inPlaceOf: [{ ...head.copy, hostId: head.host.uuid }],
  });
  expect(poolId).not.toBe(head.copy.poolId);
  const now = new Date().toISOString();
  await head.failed([{ source: 'http://origin.test/image', startedAt: now, endedAt: now, bytes: 300 }]);
  expect(nameOf(await head.ask())).toBe('h1');
  // They do not reach each other.
  await head.failed();
  expect(await head.ask({ failedPeers: [child.host.uuid], peerStrikes: 2 })).toEqual(ORIGIN);
});

test('beyond the limit of the zone, four failures lead to the origin after half a minute', async () => {
  const [, ...copies] = await begun(14);
  const last = copies.at(-1) as Copy;
  const after = async (strikes: number, peersFailMs?: number): Promise<string> => {
    await last.failed();
    const failedPeers = uuids(copies.slice(0, strikes));
    return nameOf(await last.ask({ failedPeers, ...(peersFailMs === undefined ? {} : { peersFailMs }) }));
  };
  expect(await after(3, 100_000)).toMatch(/^h/);
  expect(await after(4, 1000)).toBe('wait');
  expect(await after(4, 6000)).toMatch(/^h/);
  expect(await after(6, 6000)).toBe('wait');
  expect(await after(6, 15_000)).toMatch(/^h/);
  expect(await after(4, 30_000)).toBe('origin');
  // Workers of earlier releases do not say for how long.
  expect(await after(4)).toBe('origin');
});

test('two failed peers lead to the origin where it may take one more copy, and four in any case', async () => {
  const template = await lab.addTemplate();
  const hosts = await lab.newHosts(6);
  const copies = await Promise.all(hosts.map((host) => lab.wanted(template, host)));
  for (const copy of copies) await copy.ask();
  const [head = '', ...others] = hosts.map(({ uuid }) => uuid);
  const last = copies[5];
  expect(await last?.ask({ failedPeers: others.slice(0, 2) })).not.toEqual(ORIGIN);
  expect(await last?.ask({ failedPeers: others.slice(0, 4) })).toEqual(ORIGIN);
  await last?.failed();
  // Whoever fetches from the origin has failed for this one; it counts, and others reach it.
  expect(await last?.ask({ failedPeers: [head] })).not.toEqual(ORIGIN);
  await last?.failed();
  await copies[0]?.finish();
  expect(await last?.ask({ failedPeers: others.slice(0, 2) })).toEqual(ORIGIN);
});

test('peers that failed before the copy came further are asked when nobody else has the image', async () => {
  const template = await lab.addTemplate();
  const [a, b, c] = (await lab.newHosts(3)) as [HostWithDoor, HostWithDoor, HostWithDoor];
  const [one, two, three] = await lab.wantedByAll(template, [a, b, c]);
  await one.ask();
  await one.finish();
  await two.ask();
  const failedPeers = [a.uuid];
  expect(nameOf(await three.ask({ failedPeers, peerStrikes: 0 }))).toBe('h1');
  await two.failed();
  expect(nameOf(await three.ask({ failedPeers, peerStrikes: 0 }))).toBe('h0');
  expect(await three.ask({ failedPeers, peerStrikes: 1 })).toEqual(ORIGIN);
});

test('a host that a copy could not be fetched from a moment ago is taken when nobody else has the image', async () => {
  const [template, other] = [await lab.addTemplate(), await lab.addTemplate()];
  const [dead, alive, c, d] = (await lab.newHosts(4)) as [
    HostWithDoor,
    HostWithDoor,
    HostWithDoor,
    HostWithDoor,
  ];
  for (const host of [dead, alive]) {
    const copy = await lab.wanted(template, host);
    await copy.ask();
    await copy.finish();
  }
  const onlyDead = await lab.wanted(other, dead);
  await onlyDead.ask();
  await onlyDead.finish();
  const [three, four] = await lab.wantedByAll(template, [c, d]);
  expect(nameOf(await three.ask())).toBe('h0');
  const unreachable = (endedAt: string) =>
    three.failed([
      {
        source: peerUrl(dead.uuid),
        startedAt: endedAt,
        endedAt,
        bytes: 0,
        failure: { kind: 'PeerUnreachable', message: 'does not answer' },
      },
    ]);
  await unreachable(new Date(Date.now() - 60_000).toISOString());
  expect(nameOf(await four.ask())).toBe('h0');
  await four.failed();
  await unreachable(new Date().toISOString());
  expect(nameOf(await four.ask())).toBe('h1');
  expect(nameOf(await (await lab.wanted(other, d)).ask())).toBe('h0');
});
