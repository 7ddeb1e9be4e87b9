/** `npm run bench`: compares the cost of Bypass with that of other tools, in one run on one machine. */
import { parseArgs } from 'node:util';
import { CASES } from './cases.ts';
import { compare } from './comparison.ts';
import type { ComparisonOptions, ComparisonReport } from './comparison.ts';
import { benchDeletions } from './deletions.ts';
import { benchLists } from './lists.ts';
import { missingPrograms } from './contestants.ts';
import { benchRegistrations } from './registrations.ts';
import { benchPage } from './page.ts';
import { canMakeNetworks } from '../test/labs/network.ts';
import { benchSpread } from './spread.ts';
import type { SpreadOptions, SpreadReport } from './spread.ts';
import { benchVms } from './vms.ts';
import type { VmsReport } from './vms.ts';
import {
  describeComparison,
  describeDeletions,
  describeLists,
  describeMachine,
  describePage,
  describeRegistrations,
  describeSpread,
  describeVms,
  machine,
} from './report.ts';
import type { BenchReport } from './report.ts';
import { CannotBench } from './watch.ts';
import type { Watch } from './watch.ts';

const REGISTRATIONS = 'registrations';
const PAGE = 'page';
const LISTS = 'lists';
const DELETIONS = 'deletions';
const VMS = 'vms';
const SPREAD = 'spread';
const PARTS = [...CASES.map(({ name }) => name), REGISTRATIONS, PAGE, LISTS, DELETIONS, VMS, SPREAD];

const USAGE = `Usage: npm run bench -- [options]
  --only PART[,PART]   some of: ${PARTS.join(', ')}
  --size BYTES         size of the downloaded file, such as 256M or 2G (default 2G); xz, gz and zst use half of it,
                       four downloads at once a quarter each, the delayed path an eighth
  --count N            registrations in each round (default 100)
  --concurrency N      registrations at a time (default 8)
  --rounds N           rounds (default 3)
  --deletions N        templates that are deleted at once (default 25)
  --copies N           copies of each of these templates (default 20)
  --templates N        templates in the long lists (default 100000); the short lists have a hundredth
  --seconds N          seconds of repeated list calls (default 60)
  --hosts N            hosts among which an image spreads (default 24)
  --json               prints one JSON document to standard output
`;

const onStep = (text: string): void => void process.stderr.write(`${text}\n`);

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

function parseSize(text: string): number {
  const [, digits, unit] = /^(\d+)([KMG]?)(?:i?B)?$/.exec(text) ?? [];
  const size = Number(digits) * (UNITS[unit ?? ''] ?? 1);
  if (size >= 1_048_576) return size;
  throw new CannotBench(`--size must be 1M or more, such as 256M or 2G, not '${text}'`);
}

function parseCount(name: string, text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new CannotBench(`--${name} must be a number from 1 to 999999, not '${text}'`);
}

function parseParts(text: string): readonly string[] {
  const parts = text.split(',').map((part) => part.trim());
  const wrong = parts.find((part) => !PARTS.includes(part));
  if (wrong === undefined) return parts;
  throw new CannotBench(`--only takes ${PARTS.join(', ')}, not '${wrong}'`);
}

async function run(watch: Watch): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: PARTS.join(',') },
      size: { type: 'string', default: '2G' },
      count: { type: 'string', default: '100' },
      concurrency: { type: 'string', default: '8' },
      rounds: { type: 'string', default: '3' },
      deletions: { type: 'string', default: '25' },
      copies: { type: 'string', default: '20' },
      templates: { type: 'string', default: '100000' },
      seconds: { type: 'string', default: '60' },
      machines: { type: 'string', default: '100' },
      'libvirt-uri': { type: 'string', default: 'qemu:///system' },
      hosts: { type: 'string', default: '24' },
      'origin-mbit': { type: 'string', default: '32' },
      'host-mbit': { type: 'string', default: '160' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const parts = parseParts(values.only);
  const size = parseSize(values.size);
  const [count, concurrency, rounds, templates, seconds, deletions, copies, machines] = (
    ['count', 'concurrency', 'rounds', 'templates', 'seconds', 'deletions', 'copies', 'machines'] as const
  ).map((name) => parseCount(name, values[name])) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  // A whole run takes long, so each table is printed as soon as it is complete.
  const print = (text: string): void => void (values.json || process.stdout.write(`${text}\n\n`));
  const seen = machine();
  print(describeMachine(seen));
  const compared = await compareAll(parts, { size, rounds, ...watch }, print);
  const registrations = parts.includes(REGISTRATIONS)
    ? await benchRegistrations({ count, concurrency, rounds, ...watch })
    : undefined;
  if (registrations !== undefined) print(describeRegistrations(registrations));
  const page = parts.includes(PAGE) ? await benchPage({ rounds, ...watch }) : undefined;
  if (page !== undefined) print(describePage(page));
  else if (parts.includes(PAGE)) print('page is left out, since not installed: chromium');
  const lists = parts.includes(LISTS)
    ? await benchLists({ few: Math.ceil(templates / 100), many: templates, calls: 15, seconds, ...watch })
    : undefined;
  if (lists !== undefined) print(describeLists(lists));
  const deleted = parts.includes(DELETIONS)
    ? await benchDeletions({ deletions, copies, ...watch })
    : undefined;
  if (deleted !== undefined) print(describeDeletions(deleted));
  const vms = parts.includes(VMS) ? await benchMachines(values['libvirt-uri'], machines, watch) : undefined;
  if (typeof vms === 'object') print(describeVms(vms));
  else if (vms !== undefined) print(vms);
  const spread = parts.includes(SPREAD)
    ? await spreadImage(
        {
          hosts: parseCount('hosts', values.hosts),
          originMbit: parseCount('origin-mbit', values['origin-mbit']),
          hostMbit: parseCount('host-mbit', values['host-mbit']),
          size: Math.min(size, SPREAD_BYTES),
          rounds,
        },
        watch,
      )
    : undefined;
  if (typeof spread === 'object') print(describeSpread(spread));
  else if (spread !== undefined) print(spread);
  const report: BenchReport = {
    v: 1,
    machine: seen,
    ...compared,
    ...(registrations === undefined ? {} : { registrations }),
    ...(page === undefined ? {} : { page }),
    ...(lists === undefined ? {} : { lists }),
    ...(deleted === undefined ? {} : { deletions: deleted }),
    ...(typeof vms === 'object' ? { vms } : {}),
    ...(typeof spread === 'object' ? { spread } : {}),
  };
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
}

/** @returns why they cannot run here, or the report */
async function benchMachines(
  libvirtUri: string,
  machines: number,
  watch: Watch,
): Promise<VmsReport | string> {
  const missing = missingPrograms([{ programs: ['virsh', 'qemu-img', 'qemu-system-x86_64'] }]);
  if (missing.length > 0) return `vms are left out, since not installed: ${missing.join(', ')}`;
  return benchVms({ libvirtUri, rounds: 10, machines, concurrency: 10, ...watch });
}

/** Over slow links, an image of this size takes long enough for its way to count more than its orchestration. */
const SPREAD_BYTES = 48 * 1_048_576;

/** @returns why it cannot run here, or the report */
async function spreadImage(
  options: Omit<SpreadOptions, keyof Watch>,
  watch: Watch,
): Promise<SpreadReport | string> {
  const missing = missingPrograms([{ programs: ['ip', 'tc', 'nginx'] }]);
  if (missing.length > 0) return `spread is left out, since not installed: ${missing.join(', ')}`;
  if (!canMakeNetworks()) return 'spread is left out: this process may make no network namespaces';
  return benchSpread({ ...options, ...watch });
}

/** Reports comparisons that cannot run here and goes on with the others. @throws when none can run */
async function compareAll(
  parts: readonly string[],
  options: ComparisonOptions,
  print: (text: string) => void,
): Promise<Pick<BenchReport, 'downloads' | 'omitted'>> {
  const downloads: ComparisonReport[] = [];
  const omitted: string[] = [];
  for (const one of CASES.filter(({ name }) => parts.includes(name))) {
    const missing = missingPrograms([one]);
    if (missing.length === 0) {
      const report = await compare(one, options);
      downloads.push(report);
      print(describeComparison(report));
    } else omitted.push(`${one.name} is left out, since not installed: ${missing.join(', ')}`);
  }
  if (omitted.length === parts.length) throw new CannotBench(omitted.join('\n'));
  if (omitted.length > 0) print(omitted.join('\n'));
  return { downloads, omitted };
}

const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => stopping.abort(new CannotBench('The bench was stopped.')));
}
try {
  await run({ signal: stopping.signal, onStep });
} catch (error) {
  const { message, stack } = error as Error;
  process.stderr.write(`${error instanceof CannotBench ? message : stack}\n`);
  process.exitCode = 1;
}
