/** What the command line says of a deployment: from whom it comes, who copies it from there, what it cost, what is wrong. */
import { outcomeOf, remarkOn } from '../../cli/deployments.ts';
import type { KnownDeployment } from '../../cli/deployments.ts';
import { timelineFields } from '../../cli/timeline.ts';

const MIB = 1_048_576;
const ready = {
  id: 'c',
  templateid: 't',
  templatename: 'debian',
  storageid: 'p',
  storagename: 'local',
  state: 'Ready',
} as const;

const shown = (deployment: KnownDeployment, ...titles: readonly string[]) =>
  titles.map((wanted) => timelineFields(deployment).find(({ title }) => title === wanted)?.value);

const SPREAD = ['From', 'Being copied by', 'Sent'] as const;

test.each<[string, Partial<KnownDeployment>, readonly (string | undefined)[]]>([
  ['nothing was begun', { originbytes: 0, peerbytes: 0, copyinghosts: 0 }, [undefined, undefined, undefined]],
  [
    'it came from the origin, and hosts copy it from here',
    { depth: 0, originbytes: 3 * MIB, peerbytes: 0, copyinghosts: 2, copyinghostnames: 'kvm-2, kvm-3' },
    ['the origin', 'kvm-2, kvm-3', '3.0 MiB by the origin, 0 B by other hosts'],
  ],
  [
    'it came from another host, after a part from the origin',
    { depth: 2, sourcehostname: 'kvm-7', originbytes: MIB, peerbytes: 2 * MIB, copyinghosts: 0 },
    ['kvm-7, 2 behind the origin', undefined, '1.0 MiB by the origin, 2.0 MiB by other hosts'],
  ],
  [
    'it is shown to a user, who sees no hosts',
    { depth: 1, originbytes: 0, peerbytes: MIB, copyinghosts: 3 },
    ['another host, 1 behind the origin', '3 hosts', '0 B by the origin, 1.0 MiB by other hosts'],
  ],
])('a deployment says from whom it comes, who copies it, and its cost: %s', (_, given, lines) => {
  expect(shown({ ...ready, ...given }, ...SPREAD)).toEqual(lines);
});

test('the list says from which host a copy comes', () => {
  const running = { ...ready, state: 'Creating', phase: 'downloading', bytes: MIB, rate: MIB } as const;
  expect(remarkOn({ ...running, depth: 0 })).toBe('downloading, 1.0 MiB/s');
  expect(remarkOn({ ...running, depth: 2, sourcehostname: 'kvm-7' })).toBe(
    'downloading from kvm-7, 2 behind the origin, 1.0 MiB/s',
  );
  expect(remarkOn(ready)).toBe('');
});

test('a copy that was found damaged says so, although it is ready for the machines that stand on it', () => {
  const damaged = { ...ready, error: 'the file on the pool is not the image any more' };
  expect(remarkOn(damaged)).toBe(damaged.error);
  expect(shown(damaged, 'Error')).toEqual([damaged.error]);
  expect(shown(ready, 'Error')).toEqual([undefined]);
});

test('a copy that is ready says its size, and what of it was fetched where that is less', () => {
  const started = '2026-03-01T12:00:00+0000';
  const ended = '2026-03-01T12:00:02+0000';
  const attempt = { id: 'a', source: 'http://images.example.org/d', started, ended, hostname: 'kvm-1' };
  const line = (bytes: number): string =>
    outcomeOf({ ...ready, size: 4 * MIB, attempts: [{ ...attempt, bytes }] }, 0).line;
  expect(line(4 * MIB)).toMatch(/^local: ready, 4\.0 MiB in 2 s .* by kvm-1$/);
  expect(line(MIB)).toMatch(/^local: ready, 4\.0 MiB, 1\.0 MiB of it fetched in 2 s .* by kvm-1$/);
});
