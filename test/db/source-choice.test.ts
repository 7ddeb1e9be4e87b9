import { randomUUID } from 'node:crypto';
import { setConfiguration } from '../../db/zones/configurations.ts';
import type { Chosen, ChosenPeer } from '../../db/spread/source-choice.ts';
import { copiesToWake } from '../../db/spread/waiting.ts';
import { peerUrl } from '../../model/spread.ts';
import { doorOf, openSourceChoiceLab, SHA256 } from '../labs/source-choice.ts';
import type { HostWithDoor, SourceChoiceLab } from '../labs/source-choice.ts';

let lab: SourceChoiceLab;
beforeAll(async () => {
  lab = await openSourceChoiceLab();
});
afterAll(() => lab.close());

const FETCHES = 'direct.download.origin.fetches';
afterEach(() => setConfiguration(lab.db, FETCHES, undefined, lab.zone.id));

const ORIGIN = { origin: true };
const nameOf = (chosen: Chosen): string => ('hostName' in chosen ? chosen.hostName : JSON.stringify(chosen));
const fromPeer = (host: HostWithDoor, depth: number) => ({
  hostName: host.name,
  depth,
  peer: { hostId: host.uuid },
});
test('the first host fetches from the origin, and the others from hosts that are on their way', async () => {
  const template = await lab.addTemplate();
  const [a, b, c] = (await lab.newHosts(3, { uploads: 1 })) as [HostWithDoor, HostWithDoor, HostWithDoor];
  const [one, two, three] = await lab.wantedByAll(template, [a, b, c]);
  expect(await one.ask()).toEqual(ORIGIN);
  expect(await two.ask()).toMatchObject({
    ...fromPeer(a, 1),
    peer: { copyId: one.copyId, address: 'h0.test:8443' },
  });
  expect(await three.ask()).toMatchObject(fromPeer(b, 2));
  expect(await three.row()).toMatchObject({ fetching: 'peer', depth: 2, fetch_host_id: c.id });
  // Asking again, as an activity that runs twice, changes nothing.
  expect(await three.ask()).toMatchObject(fromPeer(b, 2));
});

test('a published copy is preferred to the origin, and its SHA-256 travels along', async () => {
  const template = await lab.addTemplate();
  const [a, b] = (await lab.newHosts(2)) as [HostWithDoor, HostWithDoor];
  const [one, two] = await lab.wantedByAll(template, [a, b]);
  await one.ask();
  const lineage = randomUUID();
  await one.finish(lineage);
  expect(await two.ask()).toMatchObject({ ...fromPeer(a, 1), peer: { sha256: SHA256 } });
  expect(await two.row()).toMatchObject({ lineage });
});

test('a copy that is healed is not asked, since its host still has the damaged file', async () => {
  const template = await lab.addTemplate();
  const [a, b] = (await lab.newHosts(2)) as [HostWithDoor, HostWithDoor];
  const [one, two] = await lab.wantedByAll(template, [a, b]);
  expect(await one.ask()).toEqual(ORIGIN);
  expect(await two.ask()).toMatchObject(fromPeer(a, 1));
  await one.finish();
  await lab.db
    .updateTable('template_spool_ref')
    .set({ state: 'Creating', download_state: 'DOWNLOAD_IN_PROGRESS' })
    .where('uuid', '=', one.copyId)
    .execute();
  expect(await one.ask()).toEqual(ORIGIN);
  expect(await two.ask()).toEqual(ORIGIN);
});

test('a published copy on a pool that hosts share is given by the host that published it, and by no other', async () => {
  const template = await lab.addTemplate();
  const [publisher, sharer, asker] = (await lab.newHosts(3)) as [HostWithDoor, HostWithDoor, HostWithDoor];
  const published = await lab.wanted(template, publisher);
  await published.ask();
  await published.finish();
  await lab.db
    .insertInto('storage_pool_host_ref')
    .columns(['pool_id', 'host_id', 'local_path', 'mounted'])
    .expression((eb) =>
      eb
        .selectFrom('storage_pool_host_ref')
        .innerJoin('storage_pool', 'storage_pool.id', 'storage_pool_host_ref.pool_id')
        .where('storage_pool.uuid', '=', publisher.pool.id)
        .select(['pool_id', eb.val(sharer.id).as('host_id'), 'local_path', 'mounted']),
    )
    .execute();
  // The other one knows the file only by what lies on the pool, so its door does not give it.
  expect(nameOf(await (await lab.wanted(template, asker)).ask())).toBe(publisher.name);
  const copy = await lab.wanted(template, asker);
  expect(await copy.ask({ failedPeers: [publisher.uuid] })).toEqual(ORIGIN);
});

test('the same cluster goes before less depth, and less depth before fewer uploads', async () => {
  const template = await lab.addTemplate();
  const other = await lab.db
    .insertInto('cluster')
    .values({ name: 'other', data_center_id: lab.zone.id })
    .returning('id')
    .executeTakeFirstOrThrow();
  const head = await lab.newHost('head');
  const far = await lab.newHost('far', { cluster: other.id });
  const asker = await lab.newHost('asker', { cluster: other.id });
  const [one, two, three] = await lab.wantedByAll(template, [head, far, asker]);
  await one.ask();
  expect(nameOf(await two.ask())).toBe('head');
  expect(await three.ask()).toMatchObject(fromPeer(far, 2));
  const [near, next] = [await lab.newHost('near'), await lab.newHost('next')];
  expect(nameOf(await (await lab.wanted(template, near)).ask())).toBe('head');
  expect(await (await lab.wanted(template, next)).ask()).toMatchObject(fromPeer(head, 1));
});

test('a host never fetches from itself, nor from one that fetches from it', async () => {
  const template = await lab.addTemplate();
  const [a, b, c] = (await lab.newHosts(3)) as [HostWithDoor, HostWithDoor, HostWithDoor];
  const [one, two, three] = await lab.wantedByAll(template, [a, b, c]);
  await one.ask();
  await two.ask();
  await three.ask();
  // The head begins again: everybody fetches from it, so only the origin is left.
  await one.failed();
  expect(await one.ask()).toEqual(ORIGIN);
  const second = await lab.addPool(a.uuid, { name: 'second' });
  const sameHost = await lab.wanted(template, { ...a, pool: second });
  expect(nameOf(await sameHost.ask())).not.toBe('h0');
});

test('a host that was just started waits until others let it in, unless nobody could give it the image', async () => {
  const template = await lab.addTemplate();
  const [a, b] = (await lab.newHosts(2)) as [HostWithDoor, HostWithDoor];
  const [one, two] = await lab.wantedByAll(template, [a, b]);
  const { certificateEnds, ...uncertified } = doorOf('h1', 4);
  const setDoor = (peer: object, secondsAgo = 0) =>
    lab.db
      .updateTable('host')
      .set({ peer: JSON.stringify(peer), joined_at: new Date(Date.now() - secondsAgo * 1000) })
      .where('id', '=', b.id)
      .execute();
  await setDoor(uncertified);
  expect(await two.ask()).toEqual(ORIGIN);
  await two.failed();
  await one.ask();
  // Others were told something else: they do not know of it yet.
  for (const arriving of [uncertified, { ...uncertified, certificateEnds, trusted: 'all of them' }]) {
    await setDoor(arriving);
    expect(await two.ask()).toMatchObject({ wait: { reason: expect.stringContaining('certificate') } });
  }
  await setDoor({ ...uncertified, certificateEnds });
  expect(nameOf(await two.ask())).toBe('h0');
  await two.failed();
  await setDoor(uncertified, 120);
  expect(await two.ask()).toEqual(ORIGIN);
});

test('a host that gave wrong bytes is not asked for this copy again', async () => {
  const template = await lab.addTemplate();
  const [a, b, c] = (await lab.newHosts(3)) as [HostWithDoor, HostWithDoor, HostWithDoor];
  const [one, two, three] = await lab.wantedByAll(template, [a, b, c]);
  await one.ask();
  await one.finish();
  expect(nameOf(await two.ask())).toBe('h0');
  const now = new Date().toISOString();
  const failure = { kind: 'PeerWrong', message: 'the SHA-256 is another' } as const;
  await two.failed([{ source: peerUrl(a.uuid), startedAt: now, endedAt: now, bytes: 600, failure }]);
  expect(await two.ask()).toEqual(ORIGIN);
  expect(nameOf(await three.ask())).toBe('h0');
  expect(await two.row()).toMatchObject({ peer_bytes: 600, origin_bytes: 0 });
  const events = await lab.db
    .selectFrom('event')
    .where('type', '=', 'TEMPLATE.PEER.WRONG')
    .selectAll()
    .execute();
  expect(events).toMatchObject([{ host: { id: a.uuid, name: 'h0' } }]);
});

test('a published copy that was found damaged is no source, until it is found right', async () => {
  const template = await lab.addTemplate();
  const [a, b] = (await lab.newHosts(2)) as [HostWithDoor, HostWithDoor];
  const [one, two] = await lab.wantedByAll(template, [a, b]);
  await one.ask();
  await one.finish();
  const damaged = { error_kind: 'ContentRefused', error_str: 'the file is another one' } as const;
  for (const [found, answer] of [
    [damaged, JSON.stringify(ORIGIN)],
    [{ error_kind: null, error_str: null }, 'h0'],
  ] as const) {
    await lab.db.updateTable('template_spool_ref').set(found).where('uuid', '=', one.copyId).execute();
    expect(nameOf(await two.ask())).toBe(answer);
  }
});

test('without peers everything is fetched from the origin', async () => {
  const template = await lab.addTemplate();
  const [plain, a, b] = [
    await lab.newHost('plain', { door: false }),
    await lab.newHost('a'),
    await lab.newHost('b'),
  ];
  expect(await (await lab.wanted(template, plain)).ask()).toEqual(ORIGIN);
  // A host without a door serves nobody, so that it does not count.
  expect(await (await lab.wanted(template, a)).ask()).toEqual(ORIGIN);
  await setConfiguration(lab.db, FETCHES, '0', lab.zone.id);
  expect(await (await lab.wanted(template, b)).ask()).toEqual(ORIGIN);
});

test('as many copies as the zone allows are fetched from the origin at a time', async () => {
  await setConfiguration(lab.db, FETCHES, '2', lab.zone.id);
  const template = await lab.addTemplate();
  const copies = await Promise.all((await lab.newHosts(4)).map((host) => lab.wanted(template, host)));
  const answers: Chosen[] = [];
  for (const copy of copies) answers.push(await copy.ask());
  expect(answers.map((answer) => 'origin' in answer)).toEqual([true, true, false, false]);
});

test('a packed file is served when one host has unpacked it, and until then the others wait', async () => {
  const template = await lab.addTemplate();
  await lab.db.updateTable('vm_template').set({ compression: 'xz' }).where('id', '=', template.id).execute();
  const [a, b, c] = (await lab.newHosts(3, { uploads: 1 })) as [HostWithDoor, HostWithDoor, HostWithDoor];
  const [one, two, three] = await lab.wantedByAll(template, [a, b, c]);
  expect(await one.ask()).toEqual(ORIGIN);
  expect(await two.ask()).toMatchObject({ wait: { reason: expect.stringContaining('not unpacked it yet') } });
  await one.finish();
  expect(await two.ask()).toMatchObject({ ...fromPeer(a, 1), peer: { unpacked: true, sha256: SHA256 } });
  // What is under way is the unpacked image already.
  expect(await three.ask()).toMatchObject({ ...fromPeer(b, 2), peer: { unpacked: true, sha256: SHA256 } });
});

test('when every upload is taken a copy waits, and free ones are kept for what is more urgent', async () => {
  const template = await lab.addTemplate();
  await lab.db.updateTable('vm_template').set({ compression: 'xz' }).where('id', '=', template.id).execute();
  const hosts = await lab.newHosts(4, { uploads: 1 });
  const [one, two, three, urgent] = await Promise.all(hosts.map((host) => lab.wanted(template, host)));
  await one?.ask();
  await one?.finish();
  // The copies that take it now have no lineage to serve, as those of a release without lineages.
  const copies = lab.db.updateTable('template_spool_ref');
  await copies.set({ lineage: null }).where('state', '=', 'Ready').execute();
  await two?.ask();
  expect(await urgent?.ask({ priority: 1 })).toMatchObject({
    wait: { reason: expect.stringMatching(/^1 host wants it, and 1 of 1 uploads .* are taken.*\(h0\)$/) },
  });
  await two?.failed();
  expect(await three?.ask()).toHaveProperty('wait');
  const head = { templateId: template.uuid, poolId: hosts[0]?.pool.id ?? '' };
  expect(await copiesToWake(lab.db, head)).toMatchObject([{ poolId: hosts[3]?.pool.id }]);
  const long = new Date(Date.now() - 120_000);
  await copies.set({ source_asked: long }).where('source_priority', '=', 1).execute();
  expect(await copiesToWake(lab.db, head)).toMatchObject([{ poolId: hosts[2]?.pool.id }]);
  expect(nameOf((await urgent?.ask({ priority: 1 })) as Chosen)).toBe('h0');
});

test('24 hosts that ask at once make one tree: one origin, no circle, no host with too many uploads', async () => {
  const template = await lab.addTemplate();
  const hosts = await lab.newHosts(24, { uploads: 2 });
  const copies = await Promise.all(hosts.map((host) => lab.wanted(template, host)));
  const answers = await Promise.all(copies.map((copy) => copy.ask()));
  expect(answers.filter((answer) => 'origin' in answer)).toHaveLength(1);
  expect(answers.filter((answer) => 'wait' in answer)).toEqual([]);
  const parents = new Map<string | undefined, string | undefined>(
    answers.map((answer, at) => [hosts[at]?.uuid, (answer as Partial<ChosenPeer>).peer?.hostId]),
  );
  const uploads = [...parents.values()].filter((id) => id !== undefined);
  for (const id of uploads) expect(uploads.filter((one) => one === id).length).toBeLessThanOrEqual(2);
  for (const [at, answer] of answers.entries()) {
    let steps = 0;
    for (let id: string | undefined = hosts[at]?.uuid; parents.get(id) !== undefined; id = parents.get(id))
      steps += 1;
    expect(steps).toBe((answer as Partial<ChosenPeer>).depth ?? 0);
  }
  const rows = await lab.db
    .selectFrom('template_spool_ref')
    .where('template_id', '=', template.id)
    .select('depth')
    .execute();
  expect(Math.max(...rows.map(({ depth }) => depth ?? 0))).toBe(4);
});

test('an upload that another template takes counts as well', async () => {
  const [first, second] = [await lab.addTemplate(), await lab.addTemplate()];
  const [a, b, c] = (await lab.newHosts(3, { uploads: 1 })) as [HostWithDoor, HostWithDoor, HostWithDoor];
  for (const template of [first, second]) {
    const head = await lab.wanted(template, a);
    await head.ask();
    await head.finish();
  }
  expect(nameOf(await (await lab.wanted(first, b)).ask())).toBe('h0');
  expect(await (await lab.wanted(second, c)).ask()).toHaveProperty('wait');
});
