/** Placement of machines: which host and pool, and that nothing is promised twice. */
import { randomUUID } from 'node:crypto';
import { choosePlace, describeRefusals, describeRefusalsPublicly } from '../../model/placement.ts';
import type { Choice, PlaceHost, PlacePool, Wish } from '../../model/placement.ts';
import { place } from '../../db/vms/placement.ts';
import { recordPoolReports } from '../../db/pools/pools.ts';
import type { Database } from '../../db/database.ts';
import { createOperatorRows } from '../support/operator-rows.ts';
import { freshDatabase } from '../support/postgres.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { SCRIPTED_HYPERVISOR } from '../support/scripted-domains.ts';
import { templateRow } from '../support/templates.ts';

const GIB = 1_073_741_824;

const host = (changes: Partial<PlaceHost> = {}): PlaceHost => ({
  hostId: 'h1',
  clusterId: 'c1',
  name: 'kvm-1',
  up: true,
  enabled: true,
  maintenance: false,
  tags: [],
  hypervisor: { ...SCRIPTED_HYPERVISOR, memory: 4 * GIB, cpus: 4, cpuSpeed: 1000 },
  cpuTaken: 0,
  memoryTaken: 0,
  pools: ['p1'],
  ...changes,
});

const pool = (changes: Partial<PlacePool> = {}): PlacePool => ({
  poolId: 'p1',
  name: 'pool-1',
  scope: 'CLUSTER',
  localAllowed: true,
  usable: true,
  tags: [],
  capacity: 10 * GIB,
  allocated: 0,
  images: 'absent',
  ...changes,
});

const wish = (changes: Partial<Wish> = {}): Wish => ({
  cpus: 1,
  cpuSpeed: 500,
  memory: GIB,
  networks: [{ name: 'guest', tagged: false }],
  hostTags: [],
  storageTags: [],
  storageType: 'shared',
  size: GIB,
  lostImages: [],
  excludedHosts: [],
  excludedPools: [],
  ...changes,
});

const ONCE = { cpu: 1, memory: 1, storage: 1 };

const chosen = (choice: Choice): string | undefined =>
  choice.host === undefined ? undefined : `${choice.host.name} ${choice.pool.name}`;

const why = (choice: Choice): string =>
  choice.host === undefined ? describeRefusals(choice.refusals) : 'a host was chosen';

describe('a host is no candidate, and says why', () => {
  const { hypervisor } = host();
  test.each<[string, Partial<PlaceHost>, Partial<Wish>]>([
    ['is Down', { up: false }, {}],
    ['is in maintenance', { maintenance: true, enabled: false }, {}],
    ['is not enabled', { enabled: false }, {}],
    ['reports no hypervisor', { hypervisor: null }, {}],
    [
      'cannot run virtual machines: libvirt is not installed',
      { hypervisor: { ...SCRIPTED_HYPERVISOR, problem: 'libvirt is not installed' } },
      {},
    ],
    ['does not offer network lan', {}, { networks: [{ name: 'lan', tagged: false }] }],
    [
      "cannot give guests a VLAN tag on network guest: QEMU's own NAT has none",
      {},
      { networks: [{ name: 'guest', tagged: true }] },
    ],
    [
      'cannot give guests a VLAN tag on network lan: its bridge must be one of Open vSwitch, or one of Linux with vlan_filtering and libvirt 11 or later',
      { hypervisor: { ...SCRIPTED_HYPERVISOR, networks: [{ name: 'lan', kind: 'bridge', vlan: false }] } },
      { networks: [{ name: 'lan', tagged: true }] },
    ],
    [
      'cannot use network guest: bridge br0 does not exist',
      {
        hypervisor: {
          ...SCRIPTED_HYPERVISOR,
          networks: [{ name: 'guest', kind: 'bridge', vlan: true, problem: 'bridge br0 does not exist' }],
        },
      },
      {},
    ],
    ['has no firmware for UEFI (secure)', {}, { uefi: 'SECURE' }],
    ['lacks the tag ssd', {}, { hostTags: ['ssd'] }],
    ['has failed', {}, { excludedHosts: ['h1'] }],
    ['has 4 processors, and 5 are needed', {}, { cpus: 5, cpuSpeed: 0 }],
    ['has 400 MHz left of 4000, and 500 are needed', { cpuTaken: 3600 }, {}],
    ['has 512 MiB of memory left of 4096 MiB, and 1024 MiB are needed', { memoryTaken: 3.5 * GIB }, {}],
    ['has no pool mounted', { pools: [] }, {}],
  ])('%s', (reason, hostChanges, wishChanges) => {
    const choice = choosePlace([host({ hypervisor, ...hostChanges })], [pool()], wish(wishChanges), ONCE);
    expect(why(choice)).toBe(`host kvm-1 ${reason}`);
    expect(choice).toMatchObject({ space: false });
  });
});

describe('a pool is no candidate, and the host says why', () => {
  test.each<[string, Partial<PlacePool>, Partial<Wish>]>([
    ['is not Up', { usable: false }, {}],
    ['is local, and the offering wants shared storage', { scope: 'HOST' }, {}],
    ['is local, and its zone uses no local storage', { scope: 'HOST', localAllowed: false }, {}],
    ['is shared, and the offering wants local storage', {}, { storageType: 'local' }],
    ['lacks the tag fast', {}, { storageTags: ['fast'] }],
    ['does not have its disk', {}, { poolId: 'p2' }],
    ['has failed', {}, { excludedPools: ['p1'] }],
    ['has a damaged copy of its image, which other machines use', { images: 'damaged' }, {}],
    ['does not have debian, which was deleted', { images: 'coming' }, { lostImages: ['debian'] }],
  ])('%s', (reason, poolChanges, wishChanges) => {
    const choice = choosePlace([host()], [pool(poolChanges)], wish(wishChanges), ONCE);
    expect(why(choice)).toBe(`host kvm-1 has no pool for it: pool pool-1 ${reason}`);
    expect(choice).toMatchObject({ space: false });
  });

  test('missing room is a reason to wait; a disk that never fits is not', () => {
    const full = choosePlace([host()], [pool({ allocated: 10 * GIB })], wish(), ONCE);
    expect(full).toMatchObject({ space: true });
    expect(why(full)).toMatch(/pool pool-1 has no room: 1024 MiB needed, 0 MiB of 10240 MiB not promised/);
    expect(choosePlace([host()], [pool()], wish({ size: 20 * GIB }), ONCE)).toMatchObject({ space: false });
  });
});

test('over-provisioning multiplies what may be promised', () => {
  const busy = host({ cpuTaken: 4000, memoryTaken: 4 * GIB });
  const full = pool({ allocated: 10 * GIB });
  expect(chosen(choosePlace([busy], [full], wish(), ONCE))).toBeUndefined();
  const factors = { cpu: 2, memory: 1.5, storage: 2 };
  expect(chosen(choosePlace([busy], [full], wish(), factors))).toBe('kvm-1 pool-1');
});

test('of those that fit: the home, then the image, then the load, then names', () => {
  const hosts = [
    host({ hostId: 'a', name: 'a', pools: ['p1'], cpuTaken: 2000 }),
    host({ hostId: 'b', name: 'b', pools: ['p1'] }),
    host({ hostId: 'c', name: 'c', pools: ['p2'], cpuTaken: 3000 }),
    host({ hostId: 'd', name: 'd', pools: ['p3'], cpuTaken: 3500 }),
  ];
  const pools = [
    pool(),
    pool({ poolId: 'p2', name: 'pool-2', images: 'coming' }),
    pool({ poolId: 'p3', name: 'pool-3', images: 'ready' }),
  ];
  const order = (changes: Partial<Wish>, left = hosts): string | undefined =>
    chosen(choosePlace(left, pools, wish(changes), ONCE));
  expect(order({ homeId: 'a' })).toBe('a pool-1');
  expect(order({})).toBe('d pool-3');
  expect(order({}, hosts.slice(0, 3))).toBe('c pool-2');
  expect(order({}, hosts.slice(0, 2))).toBe('b pool-1');
  expect(order({ hostId: 'c' })).toBe('c pool-2');
});

test('five hosts are named, and for users none', () => {
  const hosts = Array.from({ length: 7 }, (_, at) =>
    host({ hostId: `h${at}`, name: `kvm-${at}`, up: at > 5 }),
  );
  const choice = choosePlace(hosts, [], wish(), ONCE);
  expect(why(choice)).toMatch(/^host kvm-0 is Down; .*host kvm-4 is Down; 2 more hosts cannot$/);
  const publicly = choice.host === undefined ? describeRefusalsPublicly(choice.refusals) : '';
  expect(publicly).toBe('each of 6 hosts is Down; one host has no pool mounted');
});

const request = (vmId: string) => ({ vmId, excludedHosts: [], excludedPools: [] });

describe('in the database', () => {
  let database: TestDatabase;
  let db: Database;
  let rows: Awaited<ReturnType<typeof createOperatorRows>>;
  let template: number;
  beforeAll(async () => {
    database = await freshDatabase();
    ({ db } = database);
    rows = await createOperatorRows(db);
    const inserted = await db
      .insertInto('vm_template')
      .values({ ...templateRow(randomUUID()), account_id: rows.account.id })
      .returning('id')
      .executeTakeFirstOrThrow();
    template = inserted.id;
    await addHost('kvm-1');
    await addHost('kvm-2');
  });
  afterAll(() => database.close());

  const poolId = randomUUID();

  async function addHost(name: string): Promise<void> {
    const uuid = randomUUID();
    await db
      .insertInto('host')
      .values({
        uuid,
        name,
        data_center_id: rows.zone.id,
        cluster_id: rows.cluster.id,
        resource_state: 'Enabled',
        signing_key: name,
        sealing_key: name,
        programs: '[]',
        hypervisor: JSON.stringify({ ...SCRIPTED_HYPERVISOR, memory: 4 * GIB }),
        last_seen: new Date(Date.now() + 3_600_000),
      })
      .execute();
    const report = { name: 'shared', type: 'SharedMountPoint', scope: 'CLUSTER', path: '/shared' } as const;
    await recordPoolReports(db, uuid, [
      { ...report, id: poolId, capacity: 10 * GIB, free: 10 * GIB, mounted: true },
    ]);
  }

  /** A machine of one GiB of memory and of disk. */
  async function addMachine(): Promise<string> {
    const uuid = randomUUID();
    const offering = await db.selectFrom('service_offering').select('id').executeTakeFirstOrThrow();
    const { id } = await db
      .insertInto('vm_instance')
      .values({
        uuid,
        name: 'vm',
        display_name: 'vm',
        instance_name: uuid,
        account_id: rows.account.id,
        user_id: rows.user.id,
        data_center_id: rows.zone.id,
        service_offering_id: offering.id,
        cpu: 1,
        ram_size: 1024,
        template_id: template,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    await db
      .insertInto('volumes')
      .values({
        name: 'ROOT',
        account_id: rows.account.id,
        data_center_id: rows.zone.id,
        vm_id: id,
        template_id: template,
        size: GIB,
      })
      .execute();
    return uuid;
  }

  test('a machine is not put onto a copy that was found damaged', async () => {
    const shared = db.selectFrom('storage_pool').where('uuid', '=', poolId).select('id');
    const { id } = await db
      .insertInto('template_spool_ref')
      .values({
        template_id: template,
        pool_id: shared,
        state: 'Ready',
        download_state: 'DOWNLOADED',
        error_kind: 'ContentRefused',
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    const vmId = await addMachine();
    expect(why((await place(db, request(vmId))) as Choice)).toMatch(
      /pool shared has a damaged copy of its image/,
    );
    await db.updateTable('template_spool_ref').where('id', '=', id).set({ error_kind: null }).execute();
    expect(await place(db, request(vmId))).toMatchObject({ outcome: 'placed', images: [{ ready: true }] });
    await db.deleteFrom('volumes').execute();
    await db.deleteFrom('vm_instance').execute();
    await db.deleteFrom('template_spool_ref').execute();
  });

  test('placements at once promise no byte twice: eight machines fit on two hosts of four', async () => {
    const all = await Promise.all(Array.from({ length: 12 }, addMachine));
    const placements = await Promise.all(all.map((vmId) => place(db, request(vmId))));
    const on = placements.flatMap((one) => (one.outcome === 'placed' ? [one.hostName] : []));
    expect(on.toSorted()).toEqual([...Array(4).fill('kvm-1'), ...Array(4).fill('kvm-2')] as string[]);
    const refused = placements.filter(({ outcome }) => outcome === 'none');
    expect(refused).toHaveLength(4);
    const again = await place(
      db,
      request(all[placements.findIndex(({ outcome }) => outcome === 'placed')] ?? ''),
    );
    expect(again).toMatchObject({ outcome: 'placed', fresh: false });
  });
});
