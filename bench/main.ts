/** `npm run bench`: compares the cost of Bypass with that of other tools, in one run on one machine. */
import { parseArgs } from 'node:util';
import { ENGINES } from '../dev/engine.ts';
import type { Engine } from '../dev/engine.ts';
import { CASES } from './cases.ts';
import { compare } from './comparison.ts';
import type { ComparisonOptions, ComparisonReport } from './comparison.ts';
import { missingPrograms } from './contestants.ts';
import { PARTS } from './parts.ts';
import type { PartOptions } from './parts.ts';
import { describeComparison, describeMachine, machine } from './report.ts';
import type { BenchReport } from './report.ts';
import { CannotBench } from './watch.ts';
import type { Watch } from './watch.ts';

const NAMES = [...CASES.map(({ name }) => name), ...Object.keys(PARTS)];
/** Takes an hour and more, and runs only when it is asked for. */
const LONG = 'scale';

const USAGE = `Usage: npm run bench -- [options]
  --only PART[,PART]   some of: ${NAMES.join(', ')}; all but ${LONG} at first
  --engine ENGINE      cluster runs registrations, deletions, deployments and scale on Temporal Server and PostgreSQL with two
                       apis and two control workers (default development: Temporal's development server)
  --size BYTES         size of the downloaded file, such as 256M or 2G (default 2G); xz, gz and zst use half of it,
                       four downloads at once a quarter each, the delayed path an eighth
  --count N            registrations in each round (default 100)
  --concurrency N      registrations, or templates that are deployed, at a time (default 8)
  --rounds N           rounds (default 3)
  --deletions N        templates that are deleted at once (default 25)
  --copies N           copies of each of these templates (default 20)
  --deployments N      deployments in each round (default 240); of scale in all (default 50000)
  --templates N        templates in the long lists (default 100000); the short lists have a hundredth
  --seconds N          seconds of repeated list calls (default 60)
  --hosts N            hosts among which an image spreads (default 24); simulated hosts of scale (default 500)
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

function parseEngine(text: string): Engine {
  const engine = ENGINES.find((one) => one === text);
  if (engine !== undefined) return engine;
  throw new CannotBench(`--engine takes ${ENGINES.join(' or ')}, not '${text}'`);
}

function parseParts(text: string): readonly string[] {
  const parts = text.split(',').map((part) => part.trim());
  const wrong = parts.find((part) => !NAMES.includes(part));
  if (wrong === undefined) return parts;
  throw new CannotBench(`--only takes ${NAMES.join(', ')}, not '${wrong}'`);
}

async function run(watch: Watch): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: NAMES.filter((name) => name !== LONG).join(',') },
      engine: { type: 'string', default: 'development' },
      size: { type: 'string', default: '2G' },
      count: { type: 'string', default: '100' },
      concurrency: { type: 'string', default: '8' },
      rounds: { type: 'string', default: '3' },
      deletions: { type: 'string', default: '25' },
      copies: { type: 'string', default: '20' },
      deployments: { type: 'string' },
      templates: { type: 'string', default: '100000' },
      seconds: { type: 'string', default: '60' },
      machines: { type: 'string', default: '100' },
      'libvirt-uri': { type: 'string', default: 'qemu:///system' },
      hosts: { type: 'string' },
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
  const names = parseParts(values.only);
  const number = (name: keyof typeof values): number => parseCount(name, String(values[name]));
  const ifGiven = (name: keyof typeof values): number | undefined =>
    values[name] === undefined ? undefined : number(name);
  const options: PartOptions = {
    engine: parseEngine(values.engine),
    size: parseSize(values.size),
    count: number('count'),
    concurrency: number('concurrency'),
    rounds: number('rounds'),
    deletions: number('deletions'),
    copies: number('copies'),
    deployments: ifGiven('deployments'),
    templates: number('templates'),
    seconds: number('seconds'),
    machines: number('machines'),
    libvirtUri: values['libvirt-uri'],
    hosts: ifGiven('hosts'),
    originMbit: number('origin-mbit'),
    hostMbit: number('host-mbit'),
  };
  // A whole run takes long, so each table is printed as soon as it is complete.
  const print = (text: string): void => void (values.json || process.stdout.write(`${text}\n\n`));
  const seen = machine();
  print(describeMachine(seen));
  const { size, rounds } = options;
  const compared = await compareAll(names, { size, rounds, ...watch }, print);
  let report: BenchReport = { v: 1, machine: seen, ...compared };
  for (const [name, bench] of Object.entries(PARTS)) {
    if (!names.includes(name)) continue;
    const outcome = await bench(options, watch);
    print(outcome.text);
    report = { ...report, ...outcome.report };
  }
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
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
