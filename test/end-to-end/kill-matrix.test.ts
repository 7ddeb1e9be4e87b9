/**
 * Kills or suspends the host worker at every step of a deployment, which must complete all the same. `npm test` runs
 * one point, BYPASS_TEST_FULL=1 all of them. Each point costs the time after which a host counts as lost, so hosts die
 * in parallel.
 */
import { packed } from '../support/packed-files.ts';
import { deferred } from '../support/deferred.ts';
import { noise, qcow2Image, rawDisk } from '../support/images.ts';
import { casesOfForm, isFullRun } from '../support/programs.ts';
import { dieAndGoOn, POINTS } from './deaths.ts';
import type { DeadlyFile, Point } from './deaths.ts';
import { openEndToEnd } from '../labs/end-to-end.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';
import { startMortalHost } from './mortal-hosts.ts';
import type { MortalHost } from './mortal-hosts.ts';
import { standStillAndGoOn, ZOMBIES } from './zombies.ts';

const MIB = 1_048_576;
const SHORT: readonly [phase: Point['phase'], name: string][] = [
  ['record', 'everything is done and nothing is reported'],
];

const CASES = (['raw', 'packed'] as const).flatMap((kind) =>
  POINTS.filter(({ only = kind, phase, name }) => {
    const inShort = kind === 'raw' && SHORT.some((one) => one[0] === phase && one[1] === name);
    return only === kind && (isFullRun || inShort);
  }).map((point) => ({ kind, point, ended: deferred<unknown>() })),
);

const HOSTS = Math.min(5, CASES.length);

const STANDING = casesOfForm(ZOMBIES).map((zombie) => ({
  zombie,
  ended: deferred<unknown>(),
}));

function rawFile(mib: number): DeadlyFile {
  const disk = rawDisk(mib * MIB);
  return { kind: 'raw', format: 'RAW', sent: disk, image: disk };
}

let lab: EndToEnd;
let hosts: readonly MortalHost[] = [];

beforeAll(async () => {
  const image = Buffer.concat([qcow2Image({ virtualSize: 256n << 20n }), noise((isFullRun ? 96 : 1) * MIB)]);
  // Two checkpoints need a long file.
  const raw = rawFile(isFullRun ? 160 : 8);
  const files: Readonly<Record<DeadlyFile['kind'], DeadlyFile>> = {
    raw,
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
    const stood = standStillAndGoOn(lab, zombie, { name: `zombie${index + 1}`, file: raw });
    void stood
      .then(
        () => undefined,
        (error: unknown) => error,
      )
      .then((error) => ended.resolve(error));
  }
}, 240_000);
afterAll(async () => {
  await Promise.all(hosts.map((host) => host.kill()));
  await lab.close();
});

test('the matrix has at least 20 points, in all phases', () => {
  expect(POINTS.length).toBeGreaterThanOrEqual(20);
  expect(new Set(POINTS.map(({ phase }) => phase)).size).toBe(7);
});

test('the points of the short form are in the matrix', () => {
  const names = POINTS.map(({ phase, name }) => [phase, name]);
  expect(names).toEqual(expect.arrayContaining(SHORT));
});

test.each(CASES.map((one) => [one.kind, one.point.phase, one.point.name, one.ended.promise] as const))(
  '%s, %s: a host killed when %s loses little and ends correctly',
  async (_kind, _phase, _name, ended) => {
    expect(await ended).toBeUndefined();
  },
  isFullRun ? 1_800_000 : 240_000,
);

test.each(STANDING.map((one) => [one.zombie.name, one.ended.promise] as const))(
  'a host suspended when %s does not touch what another host published',
  async (_name, ended) => {
    expect(await ended).toBeUndefined();
  },
  240_000,
);
