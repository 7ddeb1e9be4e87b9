/** Writes the results of the bench as tables for people. */
import { availableParallelism, cpus } from 'node:os';
import type { ComparisonReport } from './comparison.ts';
import type { DeletionsReport } from './deletions.ts';
import type { DeploymentsReport } from './deployments.ts';
import type { PageReport } from './page.ts';
import type { ListsReport } from './lists.ts';
import type { Rates } from './load.ts';
import type { RegistrationsReport } from './registrations.ts';
import type { ScaleReport } from './scale/results.ts';
import type { Goal } from './statistics.ts';
import type { SpreadReport } from './spread.ts';
import type { VmsReport } from './vms.ts';

export interface BenchReport {
  readonly v: 1;
  readonly machine: { readonly processors: number; readonly model: string; readonly node: string };
  readonly downloads: readonly ComparisonReport[];
  /** Comparisons that could not run here, with the reasons as sentences. */
  readonly omitted: readonly string[];
  readonly registrations?: RegistrationsReport;
  readonly page?: PageReport;
  readonly lists?: ListsReport;
  readonly deletions?: DeletionsReport;
  readonly deployments?: DeploymentsReport;
  readonly scale?: ScaleReport;
  readonly vms?: VmsReport;
  readonly spread?: SpreadReport;
}

export const machine = (): BenchReport['machine'] => ({
  processors: availableParallelism(),
  model: cpus()[0]?.model.trim() ?? 'unknown',
  node: process.version,
});

/** Aligns columns to their widest cell: the first to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return rows.map((row) => `  ${row.map(pad).join('  ')}`.trimEnd()).join('\n');
}

export const describeMachine = ({ processors, model, node }: BenchReport['machine']): string =>
  `${processors} processors (${model}), Node ${node}. Figures of other runs are not comparable; ratios are.`;

export function describeComparison(report: ComparisonReport): string {
  const { title, size, transferred, server, folder, missing, contestants, small, goals } = report;
  const rows = contestants.map(({ name, verifies, seconds, rounds, cpuSecondsPerGib, peakBytes, ratio }) => [
    name,
    verifies ? 'yes' : 'no',
    seconds.toFixed(2),
    rounds.map((value) => value.toFixed(2)).join(' '),
    cpuSecondsPerGib.toFixed(2),
    peakBytes === undefined ? '–' : megabytes(peakBytes),
    `${ratio.toFixed(2)} ×`,
  ]);
  const head = ['', 'verifies', 'median s', 'rounds', 'CPU s/GiB', 'memory', 'bypass takes'];
  const packed = transferred === size ? '' : ` (${mebibytes(transferred)} packed)`;
  return [
    `${report.name}: ${title}: ${mebibytes(size)}${packed} from ${server} on loopback onto ${folder}, data on disk at the end`,
    table([head, ...rows]),
    ...(small === undefined
      ? []
      : [`  With ${mebibytes(small.size)}, Bypass's process had ${megabytes(small.peakBytes)}`]),
    ...(server === 'nginx' ? [] : ['  nginx is not installed, so a server in Node took its place']),
    ...(missing.length === 0 ? [] : [`  not installed, so left out: ${missing.join(', ')}`]),
    ...goals.map(describeGoal),
  ].join('\n');
}

export function describeRegistrations(report: RegistrationsReport): string {
  const { count, concurrency, registrations, emptyWorkflows, ratio, goals } = report;
  return [
    `${count} registrations through the api, ${concurrency} at a time, beside an empty workflow of two activities`,
    table([
      ['', 'median per s', 'rounds', 'ms each', 'by the empty one'],
      rateRow('registrations', registrations, ratio),
      rateRow('empty workflows', emptyWorkflows, 1),
    ]),
    ...describeFailures('registrations', registrations),
    ...describeFailures('empty workflows', emptyWorkflows),
    ...goals.map(describeGoal),
  ].join('\n');
}

export function describeDeployments(report: DeploymentsReport): string {
  const { engine, deployments, concurrency, hosts, pools, history, deployed, emptyWorkflows, ratio, goals } =
    report;
  return [
    `${deployments} deployments (${engine}): images of 1 MiB onto ${pools} pools by ${hosts} hosts, ${concurrency} images at a time, ` +
      `beside an empty workflow of ${history.activities} activities and ${history.local} local ones`,
    table([
      ['', 'median per s', 'rounds', 'by the empty one'],
      ['deployments', ...perSecondCells(deployed), ratio.toFixed(2)],
      ['empty workflows', ...perSecondCells(emptyWorkflows), '1.00'],
    ]),
    `  A deployment has ${history.events} events in its history.`,
    ...describeFailures('deployments', deployed),
    ...describeFailures('empty workflows', emptyWorkflows),
    ...goals.map(describeGoal),
  ].join('\n');
}

export function describeScale(report: ScaleReport): string {
  const { engine, hosts, deployments, rounds, perSecond, emptyPerSecond, ratio, steps, goals } = report;
  const head = ['quarters of the run, MB', 'first', 'second', 'third', 'last', 'last by first'];
  return [
    `scale (${engine}): ${deployments} deployments onto ${hosts} simulated hosts by roll-outs, in ${rounds.length} rounds, ` +
      `by turns with an empty workflow of ${steps.activities} activities and ${steps.local} local ones`,
    table([
      ['', 'median per s', 'by the empty one', 'rounds'],
      [
        'deployments',
        perSecond.toFixed(1),
        ratio.toFixed(2),
        inWords(rounds.map((one) => one.deployments / one.seconds)),
      ],
      [
        'empty workflows',
        emptyPerSecond.toFixed(1),
        '1.00',
        inWords(rounds.map((one) => one.emptyPerSecond)),
      ],
    ]),
    table([
      head,
      ...report.memory.map(({ name, quarters, growth }) => [
        name,
        ...quarters.map((bytes) => (bytes / 1e6).toFixed(0)),
        `${growth.toFixed(2)} ×`,
      ]),
    ]),
    table([
      ['histories', 'runs', 'events', 'most', 'bytes', 'most'],
      ...report.histories.map(({ type, ...sizes }) => [
        type,
        ...[sizes.runs, sizes.events, sizes.mostEvents, sizes.bytes, sizes.mostBytes].map(String),
      ]),
    ]),
    ...goals.map(describeGoal),
  ].join('\n');
}

const inWords = (perSecond: readonly number[]): string => perSecond.map((rate) => rate.toFixed(1)).join(' ');

export const describePage = ({ visits, goals }: PageReport): string =>
  [
    'page: first visits of the page in Chromium, with nothing in its cache',
    table([
      [
        '',
        'first paint ms',
        'largest paint ms',
        'blocked ms',
        'layout shift',
        'there after ms',
        'requests',
        'script kB',
        'all kB',
      ],
      ...visits.map((visit) => [
        visit.name,
        visit.paintMs.toFixed(0),
        visit.largestPaintMs.toFixed(0),
        visit.blockedMs.toFixed(0),
        visit.layoutShift.toFixed(3),
        visit.shownMs.toFixed(0),
        visit.requests.toFixed(0),
        (visit.scriptBytes / 1000).toFixed(0),
        (visit.allBytes / 1000).toFixed(0),
      ]),
    ]),
    ...goals.map(describeGoal),
  ].join('\n');

export function describeLists({ few, many, lists, endurance, goals }: ListsReport): string {
  const { clients, seconds, answered, failures, median, slowest, memory } = endurance;
  return [
    `lists of the api with ${few} and with ${many} templates, each with a copy; medians`,
    table([
      ['', `ms, ${few}`, `ms, ${many}`],
      ...lists.map((one) => [one.name, one.few.toFixed(1), one.many.toFixed(1)]),
    ]),
    `  listTemplates from ${clients} clients for ${seconds} s: ${answered} answered, ${failures.length} failed` +
      `${failures.length === 0 ? '' : ` (${failures[0]})`}, median ${median.toFixed(0)} ms, slowest ${slowest.toFixed(0)} ms, ` +
      `memory of the api ${megabytes(memory.before)}, then ${megabytes(memory.after)}`,
    ...goals.map(describeGoal),
  ].join('\n');
}

export const describeDeletions = ({
  deletions,
  copies,
  slots,
  ended,
  seconds,
  goals,
}: DeletionsReport): string =>
  [
    `deletions: ${deletions} templates with ${copies} copies each, all at once, with ${slots} slots for activities`,
    `  ${ended} ended, the last one after ${seconds.toFixed(1)} s`,
    ...goals.map(describeGoal),
  ].join('\n');

export const describeVms = (report: VmsReport): string => {
  const { rounds, bypass, script, machines, concurrency, bypassAll, scriptAll, goals } = report;
  return [
    `vms: from the call to running, the copy there; the script is qemu-img create, virsh define, virsh start`,
    `  one machine (median of ${rounds}): Bypass ${bypass.toFixed(2)} s, script ${script.toFixed(2)} s`,
    `  ${machines} machines, ${concurrency} at a time: Bypass ${bypassAll.toFixed(1)} s, script ${scriptAll.toFixed(1)} s`,
    ...goals.map(describeGoal),
  ].join('\n');
};

const describeFailures = (name: string, { failures }: Rates): readonly string[] =>
  failures.length === 0 ? [] : [`  ${failures.length} ${name} failed and are not counted: ${failures[0]}`];

const rateRow = (name: string, rates: Rates, share: number): readonly string[] => [
  name,
  ...perSecondCells(rates),
  rates.milliseconds.toFixed(0),
  share.toFixed(2),
];

const perSecondCells = ({ perSecond, rounds }: Rates): readonly [string, string] => [
  perSecond.toFixed(1),
  rounds.map((value) => value.toFixed(1)).join(' '),
];

function describeGoal({ name, value, limit, direction, unit, met }: Goal): string {
  const amount = (text: string): string => (unit === '' ? text : `${text} ${unit}`);
  const shown = value.toFixed(value < 20 ? 2 : 0);
  return `  ${met ? 'reached' : 'MISSED '}  ${amount(shown)} ${name} (to reach: ${direction} ${amount(String(limit))})`;
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MiB`;
const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

export function describeSpread({
  hosts,
  size,
  originMbit,
  hostMbit,
  oneSeconds,
  rows,
}: SpreadReport): string {
  const plain = rows.find(({ uploads }) => uploads === 0)?.seconds ?? 0;
  const head = ['', 'median s', 'rounds', 'of one host', 'origin sends', 'depth', 'faster than plain'];
  const cells = rows.map(({ uploads, seconds, rounds, originShare, depth }) => [
    uploads === 0 ? 'plain downloads' : `${uploads} uploads a host`,
    seconds.toFixed(2),
    rounds.map((value) => value.toFixed(2)).join(' '),
    `${(seconds / oneSeconds).toFixed(2)} ×`,
    `${originShare.toFixed(2)} ×`,
    String(depth),
    `${(plain / seconds).toFixed(1)} ×`,
  ]);
  return [
    `spread: ${mebibytes(size)} onto ${hosts} hosts, links of ${hostMbit} Mbit/s, the origin's line of ${originMbit} Mbit/s; one host alone takes ${oneSeconds.toFixed(2)} s`,
    table([head, ...cells]),
  ].join('\n');
}
