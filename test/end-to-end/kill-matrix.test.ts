/**
 * The host worker is killed at every step of a deployment, or stands still there, and the deployment completes. A few
 * points in `npm test`, all with BYPASS_TEST_FULL=1. Each costs the time after which a host counts as gone, so hosts die
 * side by side.
 */
import { packed } from '../support/packed.ts';
import { deferred } from '../support/deferred.ts';
import { noise, qcow2Image, rawDisk } from '../support/images.ts';
import { isFullRun } from '../support/programs.ts';
import { dieAndGoOn, POINTS } from './deaths.ts';
import type { DeadlyFile, Point } from './deaths.ts';
import { openEndToEnd } from './lab.ts';
import type { EndToEnd } from './lab.ts';
import { startMortalHost } from './mortal-hosts.ts';
import type { MortalHost } from './mortal-hosts.ts';
import { standStillAndGoOn, ZOMBIES } from './zombies.ts';

const MIB = 1_048_576;
const HOSTS = 5;
const SHORT: readonly [kind: DeadlyFile['kind'], phase: Point['phase'], name: string][] = [
  ['raw', 'probe', 'half of the head is there'],
  ['raw', 'download', 'a checkpoint is in place'],
  ['packed', 'decompress', 'the third piece of what the program wrote is hashed'],
  ['raw', 'publish', 'it is linked'],
  ['raw', 'record', 'the database does not take it'],
];

const CASES = (['raw', 'packed'] as const).flatMap((kind) =>
  POINTS.filter(({ only = kind, phase, name }) => {
    const inShort = SHORT.some((one) => one[0] === kind && one[1] === phase && one[2] === name);
    return only === kind && (isFullRun || inShort);
  }).map((point) => ({ kind, point, ended: deferred<unknown>() })),
);

const STANDING = ZOMBIES.slice(0, isFullRun ? undefined : 1).map((zombie) => ({
  zombie,
  ended: deferred<unknown>(),
}));

let lab: EndToEnd;
let hosts: readonly MortalHost[] = [];

beforeAll(async () => {
  const image = Buffer.concat([qcow2Image({ virtualSize: 256n << 20n }), noise((isFullRun ? 96 : 8) * MIB)]);
  const disk = rawDisk(160 * MIB);
  const files: Readonly<Record<DeadlyFile['kind'], DeadlyFile>> = {
    raw: { kind: 'raw', format: 'RAW', sent: disk, image: disk },
    packed: { kind: 'packed', format: 'QCOW2', sent: await packed('xz', image), image },
  };
  lab = await openEndToEnd({ hosts: 1, env: { BYPASS_API_CALLS: '0' } });
  hosts = await Promise.all(
    Array.from({ length: HOSTS }, (_, n) => startMortalHost(lab, { name: `mortal${n + 1}` })),
  );
  const rest = [...CASES];
  for (const host of hosts) {
    const work = async (): Promise<void> => {
      for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
        const { point, kind, ended } = next;
        ended.resolve(
          await dieAndGoOn(lab, host, { point, file: files[kind] }).catch((error: unknown) => error),
        );
      }
    };
    void work();
  }
  for (const [index, { zombie, ended }] of STANDING.entries()) {
    const stood = standStillAndGoOn(lab, zombie, { name: `zombie${index + 1}`, file: files.raw });
    void stood
      .then(
        () => undefined,
        (error: unknown) => error,
      )
      .then((error) => ended.resolve(error));
  }
}, 240_000);
afterAll(async () => {
  await Promise.all(hosts.map((host) => host.end()));
  await lab.close();
});

test('there are at least 20 points, over all phases', () => {
  expect(POINTS.length).toBeGreaterThanOrEqual(20);
  expect(new Set(POINTS.map(({ phase }) => phase)).size).toBe(7);
});

test.each(CASES.map((one) => [one.kind, one.point.phase, one.point.name, one.ended.promise] as const))(
  '%s, %s: killed when %s',
  async (_kind, _phase, _name, ended) => {
    expect(await ended).toBeUndefined();
  },
  isFullRun ? 1_800_000 : 240_000,
);

test.each(STANDING.map((one) => [one.zombie.name, one.ended.promise] as const))(
  'stood still when %s: what the other host published is left alone',
  async (_name, ended) => {
    expect(await ended).toBeUndefined();
  },
  240_000,
);
