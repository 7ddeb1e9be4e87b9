/**
 * What clients want during a fault run, and when: it follows from the seed and the form alone. Each template and each machine is
 * a client of its own, which carries out its wishes one after the other.
 */
import { below, createRandom, pick } from '../support/mutations.ts';
import type { Random } from '../support/mutations.ts';
import { between, shuffled } from './schedule.ts';

const MIB = 1_048_576;

export interface WishForm {
  readonly templates: number;
  /** Pools; the first ones are shared. */
  readonly pools: number;
  /** On how many pools a template is wanted. */
  readonly copies: number;
  /** MiB of an image, at least and at most. */
  readonly mib: readonly [number, number];
  readonly machines: number;
  readonly runMs: number;
}

export interface TemplateWish {
  readonly atMs: number;
  readonly act: 'prepare' | 'cancel' | 'remove' | 'delete';
  /** Index of the pool; of a deletion, 0. */
  readonly pool: number;
}

export interface WantedTemplate {
  readonly name: string;
  /** Of its content: a multiple of 4 KiB. */
  readonly bytes: number;
  readonly hasChecksum: boolean;
  /** When it is registered. */
  readonly atMs: number;
  readonly wishes: readonly TemplateWish[];
}

export interface MachineWish {
  readonly atMs: number;
  readonly act: 'stopVirtualMachine' | 'startVirtualMachine' | 'expunge';
}

export interface WantedMachine {
  readonly name: string;
  readonly atMs: number;
  readonly wishes: readonly MachineWish[];
}

export interface Wishes {
  readonly templates: readonly WantedTemplate[];
  readonly machines: readonly WantedMachine[];
}

/** Of ten templates, so many are deleted, or have a copy cancelled or removed. */
const [DELETED, CANCELLED, REMOVED] = [2, 2, 1];

export function planWishes(seed: number, form: WishForm): Wishes {
  const random = createRandom(seed + 1);
  const templates = Array.from({ length: form.templates }, (_, n) => planTemplate(random, n, form));
  const machines = Array.from({ length: form.machines }, (_, n) => planMachine(random, n, form));
  return { templates, machines };
}

function planTemplate(random: Random, n: number, form: WishForm): WantedTemplate {
  const { runMs } = form;
  // The first ones at once, so that the first faults hit something.
  const atMs = n < form.templates / 4 ? 0 : below(random, runMs * 0.7);
  const pools = shuffled(
    random,
    Array.from({ length: form.pools }, (_, pool) => pool),
  ).slice(0, form.copies);
  const prepares = pools.map((pool): TemplateWish => ({
    act: 'prepare',
    pool,
    atMs: below(random, 4) === 0 ? between(random, [atMs, runMs * 0.9]) : atMs,
  }));
  const later = (act: TemplateWish['act'], pool: number): TemplateWish => ({
    act,
    pool,
    atMs: between(random, [atMs + 1000, runMs * 0.95]),
  });
  const lot = below(random, 10);
  const [pool = 0] = pools;
  const more =
    lot < DELETED
      ? [later('delete', 0)]
      : lot < DELETED + CANCELLED
        ? [later('cancel', pool)]
        : lot < DELETED + CANCELLED + REMOVED
          ? [later('remove', pool)]
          : [];
  return {
    name: `template-${n + 1}`,
    bytes: between(random, form.mib) * MIB,
    hasChecksum: below(random, 5) > 0,
    atMs,
    wishes: inOrder([...prepares, ...more]),
  };
}

function planMachine(random: Random, n: number, { runMs }: WishForm): WantedMachine {
  const atMs = below(random, runMs * 0.6);
  const after = (act: MachineWish['act'], least: number): MachineWish => ({
    act,
    atMs: between(random, [least, Math.max(least, runMs * 0.95)]),
  });
  const lives: readonly (readonly MachineWish[])[] = [
    [],
    [after('stopVirtualMachine', atMs), after('startVirtualMachine', atMs)],
    [after('expunge', atMs)],
  ];
  const wishes = pick(random, lives).map(({ act }, at, all) => ({
    act,
    atMs: all.map((one) => one.atMs).toSorted((a, b) => a - b)[at] as number,
  }));
  return { name: `machine-${n + 1}`, atMs, wishes };
}

/** A deletion is the last wish. */
function inOrder(wishes: readonly TemplateWish[]): readonly TemplateWish[] {
  const deleted = wishes.find(({ act }) => act === 'delete')?.atMs ?? Infinity;
  return wishes.filter(({ atMs }) => atMs <= deleted).toSorted((a, b) => a.atMs - b.atMs);
}
