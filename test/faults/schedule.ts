/**
 * The schedule of a fault run: which fault begins when, where, and for how long. It follows from the seed and the form alone,
 * so that a run can be repeated.
 *
 * Kinds are dealt like cards: each comes once before any comes again. Two faults never hold the same site at once, so that each
 * can be mended by undoing it; on different sites they overlap as they like.
 */
import { below, createRandom, pick } from '../support/mutations.ts';
import type { Random } from '../support/mutations.ts';

const SECOND = 1000;

/** For each kind: where it happens, and how long it lasts in milliseconds, at least and at most. */
export const FAULTS = {
  /** SIGKILL; the host worker is started again after the time. */
  'host killed': { site: 'host', lasts: [SECOND, 20 * SECOND] },
  /** SIGSTOP, then SIGCONT: from a hiccup to a host that was taken for dead. */
  'host suspended': { site: 'host', lasts: [2 * SECOND, 60 * SECOND] },
  'host cut off from sources': { site: 'host', lasts: [5 * SECOND, 45 * SECOND] },
  'host cut off from Temporal': { site: 'host', lasts: [5 * SECOND, 60 * SECOND] },
  'host cut off': { site: 'host', lasts: [5 * SECOND, 60 * SECOND] },
  'clock shifted': { site: 'host', lasts: [10 * SECOND, 60 * SECOND] },
  'disk full': { site: 'host', lasts: [10 * SECOND, 45 * SECOND] },
  'origin slow': { site: 'origin', lasts: [10 * SECOND, 30 * SECOND] },
  'origin wrong': { site: 'origin', lasts: [5 * SECOND, 20 * SECOND] },
  'origin gone': { site: 'origin', lasts: [5 * SECOND, 30 * SECOND] },
  'Temporal killed': { site: 'Temporal', lasts: [0, 0] },
  'PostgreSQL killed': { site: 'PostgreSQL', lasts: [0, 0] },
  'control worker killed': { site: 'control worker', lasts: [0, 0] },
  'api killed': { site: 'api', lasts: [0, 0] },
} as const satisfies Readonly<
  Record<string, { readonly site: string; readonly lasts: readonly [number, number] }>
>;

export type FaultKind = keyof typeof FAULTS;
export const FAULT_KINDS = Object.keys(FAULTS) as readonly FaultKind[];

/** What an origin that is wrong answers: an error, nothing, half of the file, or other bytes under the same name. */
export const WRONGS = ['error', 'hang-up', 'half', 'other bytes'] as const;
export type Wrong = (typeof WRONGS)[number];

export interface PlannedFault {
  readonly kind: FaultKind;
  /** Milliseconds after the start. */
  readonly atMs: number;
  readonly lastsMs: number;
  /** Index of the host; of a kind that hits no host, 0. */
  readonly host: number;
  /** Of an origin that is wrong. */
  readonly wrong?: Wrong;
  /** Of a clock: seconds by which it is shifted. */
  readonly shift?: number;
}

export interface ScheduleForm {
  readonly kinds: readonly FaultKind[];
  readonly hosts: number;
  /** The host whose clock can be shifted. */
  readonly clockHost: number;
  readonly runMs: number;
  /** Milliseconds between the beginnings of two faults, at least and at most. */
  readonly gapMs: readonly [number, number];
  /** No fault lasts longer. */
  readonly maxMs: number;
}

/** Faults in the order in which they begin; each is over when the run is. */
export function planFaults(seed: number, form: ScheduleForm): readonly PlannedFault[] {
  const random = createRandom(seed);
  const freeAt = new Map<string, number>();
  const planned: PlannedFault[] = [];
  let cards: FaultKind[] = [];
  for (let atMs = between(random, form.gapMs); atMs < form.runMs; atMs += between(random, form.gapMs)) {
    if (cards.length === 0) cards = shuffled(random, form.kinds);
    const isFree = (site: string): boolean => (freeAt.get(site) ?? 0) <= atMs;
    const choice = choose(random, cards, form, isFree);
    if (choice === undefined) continue;
    const { kind, host } = choice;
    cards.splice(cards.indexOf(kind), 1);
    const most = Math.min(form.maxMs, form.runMs - atMs);
    const lastsMs = Math.min(between(random, FAULTS[kind].lasts), most);
    freeAt.set(siteOf(kind, host), atMs + lastsMs + 1);
    planned.push({ kind, atMs, lastsMs, host, ...detailsOf(random, kind) });
  }
  return planned;
}

/** Where a fault happens: no two faults are there at once. */
export const siteOf = (kind: FaultKind, host: number): string =>
  FAULTS[kind].site === 'host' ? `host ${host + 1}` : FAULTS[kind].site;

function choose(
  random: Random,
  cards: readonly FaultKind[],
  { hosts, clockHost }: ScheduleForm,
  isFree: (site: string) => boolean,
): { readonly kind: FaultKind; readonly host: number } | undefined {
  for (const kind of cards) {
    const all = FAULTS[kind].site === 'host' ? Array.from({ length: hosts }, (_, n) => n) : [0];
    const possible = kind === 'clock shifted' ? [clockHost] : all;
    const free = possible.filter((host) => isFree(siteOf(kind, host)));
    if (free.length > 0) return { kind, host: pick(random, free) };
  }
  return undefined;
}

function detailsOf(random: Random, kind: FaultKind): Pick<PlannedFault, 'wrong' | 'shift'> {
  if (kind === 'origin wrong') return { wrong: pick(random, WRONGS) };
  // Up to twenty minutes: more than tickets and certificates of peers are valid before and after their time.
  if (kind === 'clock shifted') return { shift: pick(random, [-1, 1]) * (60 + below(random, 1140)) };
  return {};
}

export const between = (random: Random, [least, most]: readonly [number, number]): number =>
  least + below(random, most - least + 1);

export function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const rest = [...items];
  return items.map(() => rest.splice(below(random, rest.length), 1)[0] as T);
}
