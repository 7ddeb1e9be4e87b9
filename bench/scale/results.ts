/** The arithmetic of the scale bench: its rounds, and what is told of them. */
import type { Engine } from '../../dev/engine.ts';
import type { HistorySize } from '../history-size.ts';
import { atLeast, atMost, median } from '../statistics.ts';
import type { Goal } from '../statistics.ts';
import { memoryOverTime } from './memory.ts';
import type { MemoryOverTime, MemorySample } from './memory.ts';

export interface ScaleRound {
  readonly deployments: number;
  readonly seconds: number;
  readonly emptyPerSecond: number;
}

export interface ScaleReport {
  readonly engine: Engine;
  readonly hosts: number;
  readonly deployments: number;
  /** Deployments that did not end Ready. */
  readonly failed: number;
  readonly rounds: readonly ScaleRound[];
  /** Medians of the rounds. */
  readonly perSecond: number;
  readonly emptyPerSecond: number;
  /** Deployments per empty workflow: the median of the rounds, each by the empty workflows next to it. */
  readonly ratio: number;
  /** What a deployment has in its history, and the empty workflow does. */
  readonly steps: HistorySize;
  readonly memory: readonly MemoryOverTime[];
  readonly histories: readonly Histories[];
  readonly goals: readonly Goal[];
}

export interface Histories {
  /** Type of the workflow. */
  readonly type: string;
  readonly runs: number;
  /** Medians, and the greatest. */
  readonly events: number;
  readonly mostEvents: number;
  readonly bytes: number;
  readonly mostBytes: number;
}

/** A round brings so many templates onto all pools, at most. */
export const TEMPLATES_OF_ROUND = 5;
const GOAL = 0.7;
const MAX_GROWTH = 1.1;

/** @returns how many templates each round deploys: few enough for four rounds, where there are so many */
export function templatesOfRounds(deployments: number, hosts: number): readonly number[] {
  const templates = Math.max(1, Math.round(deployments / hosts));
  const most = Math.max(1, Math.min(TEMPLATES_OF_ROUND, Math.floor(templates / 4)));
  return Array.from({ length: Math.ceil(templates / most) }, (_, round) =>
    Math.min(most, templates - round * most),
  );
}

const rate = ({ deployments, seconds }: ScaleRound): number => deployments / seconds;

type Measured = Pick<ScaleReport, 'engine' | 'hosts' | 'failed' | 'rounds' | 'steps'>;

export function summarize(
  measured: Measured,
  samples: readonly MemorySample[],
  histories: readonly Histories[],
): ScaleReport {
  const { rounds } = measured;
  const ratio = median(rounds.map((round) => rate(round) / round.emptyPerSecond));
  const memory = memoryOverTime(samples);
  return {
    ...measured,
    deployments: rounds.reduce((sum, round) => sum + round.deployments, 0),
    perSecond: median(rounds.map(rate)),
    emptyPerSecond: median(rounds.map(({ emptyPerSecond }) => emptyPerSecond)),
    ratio,
    memory,
    histories,
    goals: [
      atLeast('deployments per empty workflow', ratio, GOAL, ''),
      atMost('deployments that failed', measured.failed, 0, ''),
      ...memory.map(({ name, growth }) =>
        atMost(`the memory of its first quarter in the last: ${name}`, growth, MAX_GROWTH, '×'),
      ),
    ],
  };
}

export interface HistoryBytes {
  readonly events: number;
  readonly bytes: number;
}

/** @param sizes of one run at least */
export function summaryOf(sizes: readonly HistoryBytes[]): Omit<Histories, 'type'> {
  const events = sizes.map((size) => size.events);
  const bytes = sizes.map((size) => size.bytes);
  return {
    runs: sizes.length,
    events: median(events),
    mostEvents: greatest(events),
    bytes: median(bytes),
    mostBytes: greatest(bytes),
  };
}

const greatest = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);
