import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '../../model/answer.ts';
import { NEW_HISTORY } from '../../model/decisions.ts';
import type { Decided, FailedDownload, History } from '../../model/decisions.ts';
import type { FailureClass, FailureKind } from '../../model/failures.ts';
import { failures } from '../../model/failures.ts';
import { RELEASED, newRunParameters, rulesOf } from '../../model/rules/released.ts';
import type { Rules } from '../../model/rules/rules.ts';

interface Released {
  /** Over what it decides in every case below. */
  readonly decides: string;
  /** A time that a later workflow needs is added, with what counted until then; none changes. */
  readonly timing: object;
}

const FILE = join(__dirname, 'released-rules.json');
const released = JSON.parse(readFileSync(FILE, 'utf8')) as Readonly<Record<number, Released>>;

const CLASSES: readonly FailureClass[] = ['source', 'content', 'request', 'host', 'time', 'space'];

const HISTORIES: readonly History[] = [
  NEW_HISTORY,
  { ...NEW_HISTORY, avoided: ['h1'], excluded: ['h2'], farthest: 5000 },
  ...[1, 2, 3, 4, 5, 11, 12, 13, 40].map((rounds) => ({
    ...NEW_HISTORY,
    avoided: ['h2', 'h1'],
    sourceRounds: rounds,
    goneRounds: rounds,
    throttleRounds: rounds,
    askedRounds: rounds,
    spaceRounds: rounds,
    farthest: 100,
  })),
];

function everythingThat(rules: Rules): readonly Decided[] {
  const known = rules.kinds.map((kind) => ({ kind: kind as FailureKind }));
  const newer = CLASSES.map((one) => ({ kind: 'FromTheFuture' as FailureKind, class: one }));
  const cases: FailedDownload[] = [...known, ...newer, { kind: 'FromTheFuture' as FailureKind }].flatMap(
    (reported) =>
      [undefined, 0, 90_000, 1e9].flatMap((retryAfterMs) =>
        [0, 150, 9000].map((position) => ({
          failure: { ...reported, message: 'm', ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
          hostId: 'h1',
          position,
          size: 10_000,
        })),
      ),
  );
  return cases.flatMap((failed) =>
    HISTORIES.map((history) => rules.decide(failed, history, rules.timing.copy)),
  );
}

test.each(RELEASED.map((rules) => [rules.version, rules] as const))(
  'version %i of the rules is what was released',
  (version, rules) => {
    const decides = createHash('sha256')
      .update(canonicalJson(everythingThat(rules)))
      .digest('hex');
    if (decides !== released[version]?.decides) {
      throw new Error(
        `Version ${version} of the rules decides otherwise than it did (${decides}): runs that began with it could not ` +
          'go on. Leave it as it is, and add a version (model/rules/released.ts).',
      );
    }
    expect(rules.timing).toMatchObject(released[version].timing);
  },
);

test('every rule decides some case', () => {
  for (const rules of RELEASED) {
    expect(new Set(everythingThat(rules).map(({ rule }) => rule))).toEqual(new Set(rules.branches));
  }
});

test('rules know only kinds of failures that exist', () => {
  for (const { kinds } of RELEASED) expect(Object.keys(failures)).toEqual(expect.arrayContaining([...kinds]));
});

const WORKFLOWS = join(__dirname, '../../workflows');

test('workflows hold no number that decides: what a run was begun with is data of the run', () => {
  const files = readdirSync(WORKFLOWS, { recursive: true, encoding: 'utf8' });
  const numbers = files
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) =>
      readFileSync(join(WORKFLOWS, name), 'utf8')
        .split('\n')
        .filter((line) => /^const [A-Z_]+(?:: \w+)? = .*\d/.test(line))
        .map((line) => `${name}: ${line}`),
    );
  expect(numbers.toSorted()).toEqual([
    'copy/deployment.ts: const NOTHING_CARRIED: Carried = { history: NEW_HISTORY, attempts: 0 };',
    'copy/requests.ts: const OLD_PRIORITY = 3;',
    'policies.ts: const NO_RETRY = { maximumAttempts: 1 };',
  ]);
});

test('the input of a run carries rules and timing; one without rules has version 1', () => {
  expect(newRunParameters('copy', { takeMs: 7 })).toMatchObject({
    rules: 1,
    timing: { takeMs: 7, heartbeatMs: 30_000 },
  });
  expect(rulesOf().version).toBe(1);
  expect(() => rulesOf(99)).toThrow('those of a newer release');
});
