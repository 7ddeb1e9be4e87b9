/** Random API calls, with valid, almost valid and invalid parameters; reproducible by seed. */
import type { Documented } from '../../api/server/command.ts';
import type { Parameter, ParameterType } from '../../api/fields/parameters.ts';
import { below, createRandom, pick } from './mutations.ts';
import type { Random } from './mutations.ts';

export type Pair = readonly [name: string, value: string];

/** Existing ids and names, for parameters. */
export interface Known {
  readonly ids: readonly string[];
  readonly names: readonly string[];
}

const NASTY = [
  '',
  ' ',
  '0',
  '-1',
  'null',
  'undefined',
  'true',
  'NaN',
  '9007199254740993',
  '1e309',
  '\0',
  'a\0b',
  '\r\nSet-Cookie: a=b',
  "' or 1=1; --",
  '"; drop table vm_template; --',
  '%00%ff',
  '\\u0000',
  '\ud800',
  'ﬀ́😀\u202e',
  '../../../../etc/passwd',
  '$(id)',
  '`id`',
  '%s%n',
  '{{7*7}}',
  '<script>alert(1)</script>',
  '__proto__',
  'constructor',
  '\\',
  '%',
  '_',
  '[0]',
  '00000000-0000-0000-0000-000000000000',
] as const;

const URLS = [
  'https://images.example.org/a.qcow2',
  'http://user:secret@images.example.org/a.iso?x=1#y',
  'nfs://images.example.org/exports/a.img',
  'http://[::1]:80/a.qcow2',
  'http://127.0.0.1/a.metalink',
  'file:///etc/passwd',
  'https://',
  '//x',
  'http://a.b/%zz',
  `https://images.example.org/${'x'.repeat(2030)}`,
] as const;

/** Parameters of a call, `command` included. */
export function randomCall(command: Documented, seed: number, known: Known): readonly Pair[] {
  const random = createRandom(seed);
  // Some calls have valid parameters only, so that they pass the first check.
  const badness = pick(random, [0, 0, 0.1, 0.5]);
  const pairs = Object.entries(command.parameters).flatMap(([name, parameter]) => {
    const likely = parameter.required ? 1 - badness / 5 : 0.35;
    return random() < likely ? valuesOf(name, parameter, random, known, badness) : [];
  });
  const more: readonly Pair[] = random() < badness / 2 ? [[pick(random, NASTY), pick(random, NASTY)]] : [];
  return [['command', anyCase(command.name, random, badness)], ...pairs, ...more];
}

const anyCase = (name: string, random: Random, badness: number): string =>
  random() < badness / 2 ? name.toUpperCase() : name;

function valuesOf(
  name: string,
  parameter: Parameter<unknown>,
  random: Random,
  known: Known,
  badness: number,
): readonly Pair[] {
  const value = (): string =>
    random() < badness ? nasty(parameter, random) : goodValue(name, parameter, random, known);
  if (parameter.type !== 'map') return [[anyCase(name, random, badness), value()]];
  return Array.from({ length: 1 + below(random, 3) }, (_, index): readonly Pair[] => {
    const at =
      random() < badness ? pick(random, ['', '[]', '[-1]', '[99999]', '[x]', '[0][1]']) : `[${index}]`;
    const key = pick(random, ['HTTP_HEADER:X-A', 'HTTP_HEADER', 'memory', 'owner', ...NASTY.slice(0, 8)]);
    if (random() < 0.5) return [[`${name}${at}.${key}`, value()]];
    return [
      [`${name}${at}.key`, key],
      [`${name}${at}.value`, value()],
    ];
  }).flat();
}

function nasty({ length }: Parameter<unknown>, random: Random): string {
  const kind = below(random, 12);
  if (kind === 0) return 'x'.repeat(Math.min(length, 30_000));
  if (kind === 1) return 'é'.repeat(Math.min(length + 1, 30_000));
  if (kind === 2) return Array.from({ length: 50 }, () => pick(random, NASTY)).join(',');
  return pick(random, NASTY);
}

type Good = (random: Random, known: Known, parameter: Parameter<unknown>, name: string) => string;

const text: Good = (random, known, _parameter, name) => goodText(name, random, known);

const GOOD: Readonly<Record<ParameterType, Good>> = {
  string: text,
  map: text,
  uuid: (random, { ids }) => pick(random, ids),
  boolean: (random, _known, _parameter, name) =>
    name === 'directdownload' ? 'true' : pick(random, ['true', 'false']),
  integer(random, _known, { range: { min, max } = { min: 0, max: 100 } }) {
    return String(pick(random, [min, max, min + 1, Math.min(max, 20)]));
  },
  date: (random) => pick(random, ['2026-01-31', '2026-01-31T08:00:00+0000', '2100-01-01', '1970-01-01']),
  list: (random, { ids, names }) =>
    Array.from({ length: 1 + below(random, 3) }, () => pick(random, random() < 0.7 ? ids : names)).join(','),
};

const goodValue = (name: string, parameter: Parameter<unknown>, random: Random, known: Known): string =>
  parameter.words === undefined
    ? GOOD[parameter.type](random, known, parameter, name)
    : pick(random, parameter.words);

const TEXTS: Readonly<Record<string, readonly string[]>> = {
  url: URLS,
  format: ['QCOW2', 'RAW'],
  hypervisor: ['KVM', 'kvm', 'VMware'],
  mode: ['HTTP_DOWNLOAD', 'FTP_UPLOAD'],
  checksum: ['{SHA-256}', `{SHA-256}${'ab'.repeat(32)}`, 'd41d8cd98f00b204e9800998ecf8427e'],
  password: ['a password', 'short', 'another password'],
  currentpassword: ['a password', 'wrong'],
};

function goodText(name: string, random: Random, { ids, names }: Known): string {
  const texts = TEXTS[name];
  if (texts !== undefined) return pick(random, texts);
  if (name.endsWith('id') || name.endsWith('ids')) return pick(random, [...ids, '-1']);
  return pick(random, [...names, `name ${below(random, 1e9)}`]);
}
