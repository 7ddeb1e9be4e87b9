/** `npm run bench`: what Bypass costs, beside other ways to do the same, in one run on one machine. */
import { parseArgs } from 'node:util';
import { CASES } from './cases.ts';
import { compare } from './comparison.ts';
import type { ComparisonOptions, ComparisonReport } from './comparison.ts';
import { benchLists } from './lists.ts';
import { missingPrograms } from './contestants.ts';
import { benchRegistrations } from './registrations.ts';
import { benchPage } from './page.ts';
import {
  describeComparison,
  describeLists,
  describeMachine,
  describePage,
  describeRegistrations,
  machine,
} from './report.ts';
import type { BenchReport } from './report.ts';
import { CannotBench } from './watch.ts';
import type { Watch } from './watch.ts';

const REGISTRATIONS = 'registrations';
const PAGE = 'page';
const LISTS = 'lists';
const PARTS = [...CASES.map(({ name }) => name), REGISTRATIONS, PAGE, LISTS];

const USAGE = `Usage: npm run bench -- [options]
  --only PART[,PART]   some of: ${PARTS.join(', ')}
  --size BYTES         of what is downloaded, such as 256M or 2G (default 2G); xz, gz and zst take half of it,
                       four downloads at once a quarter each, the delayed path an eighth
  --count N            registrations of a round (default 100)
  --concurrency N      registrations at a time (default 8)
  --rounds N           default 3
  --templates N        of the longer lists (default 100000); the shorter ones have a hundredth
  --seconds N          of lists asked for over and over (default 60)
  --json               one JSON document on standard output
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
      templates: { type: 'string', default: '100000' },
      seconds: { type: 'string', default: '60' },
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
  const [count, concurrency, rounds, templates, seconds] = (
    ['count', 'concurrency', 'rounds', 'templates', 'seconds'] as const
  ).map((name) => parseCount(name, values[name])) as [number, number, number, number, number];
  // All of it takes long: people see each table as soon as it is there.
  const tell = (text: string): void => void (values.json || process.stdout.write(`${text}\n\n`));
  const seen = machine();
  tell(describeMachine(seen));
  const compared = await compareAll(parts, { size, rounds, ...watch }, tell);
  const registrations = parts.includes(REGISTRATIONS)
    ? await benchRegistrations({ count, concurrency, rounds, ...watch })
    : undefined;
  if (registrations !== undefined) tell(describeRegistrations(registrations));
  const page = parts.includes(PAGE) ? await benchPage({ rounds, ...watch }) : undefined;
  if (page !== undefined) tell(describePage(page));
  else if (parts.includes(PAGE)) tell('page is left out, since not installed: chromium');
  const lists = parts.includes(LISTS)
    ? await benchLists({ few: Math.ceil(templates / 100), many: templates, calls: 15, seconds, ...watch })
    : undefined;
  if (lists !== undefined) tell(describeLists(lists));
  const report: BenchReport = {
    v: 1,
    machine: seen,
    ...compared,
    ...(registrations === undefined ? {} : { registrations }),
    ...(page === undefined ? {} : { page }),
    ...(lists === undefined ? {} : { lists }),
  };
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
}

/** What cannot be compared here is told, and the others go on; unless there is none. */
async function compareAll(
  parts: readonly string[],
  options: ComparisonOptions,
  tell: (text: string) => void,
): Promise<Pick<BenchReport, 'downloads' | 'omitted'>> {
  const downloads: ComparisonReport[] = [];
  const omitted: string[] = [];
  for (const one of CASES.filter(({ name }) => parts.includes(name))) {
    const missing = missingPrograms([one]);
    if (missing.length === 0) {
      const report = await compare(one, options);
      downloads.push(report);
      tell(describeComparison(report));
    } else omitted.push(`${one.name} is left out, since not installed: ${missing.join(', ')}`);
  }
  if (omitted.length === parts.length) throw new CannotBench(omitted.join('\n'));
  if (omitted.length > 0) tell(omitted.join('\n'));
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
