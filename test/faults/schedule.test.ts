/** The schedule of a fault run, without a run. */
import { FAULT_KINDS, FAULTS, planFaults, siteOf } from './schedule.ts';
import type { ScheduleForm } from './schedule.ts';
import { planWishes } from './wishes.ts';
import type { WishForm } from './wishes.ts';

const FORM: ScheduleForm = {
  kinds: FAULT_KINDS,
  hosts: 6,
  clockHost: 4,
  runMs: 600_000,
  gapMs: [4000, 12_000],
  maxMs: 60_000,
};
const WISHES: WishForm = {
  templates: 40,
  pools: 9,
  copies: 3,
  mib: [4, 20],
  machines: 12,
  runMs: 600_000,
};
const SEEDS = Array.from({ length: 10 }, (_, n) => n);

test('the same seed gives the same faults and wishes, and another seed others', () => {
  expect(planFaults(7, FORM)).toEqual(planFaults(7, FORM));
  expect(planWishes(7, WISHES)).toEqual(planWishes(7, WISHES));
  expect(planFaults(8, FORM)).not.toEqual(planFaults(7, FORM));
  expect(planWishes(8, WISHES)).not.toEqual(planWishes(7, WISHES));
});

test.each(SEEDS)('seed %i: every kind comes at least twice, in order of time', (seed) => {
  const plan = planFaults(seed, FORM);
  for (const kind of FAULT_KINDS)
    expect([kind, plan.filter((fault) => fault.kind === kind).length >= 2]).toEqual([kind, true]);
  expect(plan.map(({ atMs }) => atMs)).toEqual(plan.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
});

test.each(SEEDS)('seed %i: each fault is over in time, and two never hold one site', (seed) => {
  const plan = planFaults(seed, FORM);
  for (const { kind, atMs, lastsMs, host } of plan) {
    expect(lastsMs).toBeLessThanOrEqual(FAULTS[kind].lasts[1]);
    expect(atMs + lastsMs).toBeLessThanOrEqual(FORM.runMs);
    expect(host).toBeLessThan(FORM.hosts);
  }
  for (const [index, one] of plan.entries()) {
    const beside = plan.slice(index + 1).filter((other) => other.atMs <= one.atMs + one.lastsMs);
    const site = siteOf(one.kind, one.host);
    expect(beside.map(({ kind, host }) => siteOf(kind, host))).not.toContain(site);
  }
});

test('only the host that has a clock of its own gets it shifted', () => {
  const shifted = SEEDS.flatMap((seed) => planFaults(seed, FORM)).filter(
    ({ kind }) => kind === 'clock shifted',
  );
  expect(new Set(shifted.map(({ host }) => host))).toEqual(new Set([FORM.clockHost]));
  expect(shifted.every(({ shift = 0 }) => Math.abs(shift) >= 60)).toBe(true);
});

test.each(SEEDS)(
  'seed %i: a template is wanted on several pools, and nothing is asked of a deleted one',
  (seed) => {
    const { templates } = planWishes(seed, WISHES);
    expect(templates).toHaveLength(WISHES.templates);
    for (const { atMs, wishes } of templates) {
      const acts = wishes.map(({ act }) => act);
      expect(acts.includes('delete') ? acts.indexOf('delete') : acts.length - 1).toBe(acts.length - 1);
      expect(wishes.every((wish) => wish.atMs >= atMs && wish.pool < WISHES.pools)).toBe(true);
      const pools = wishes.filter(({ act }) => act === 'prepare').map(({ pool }) => pool);
      expect(new Set(pools).size).toBe(pools.length);
    }
  },
);
