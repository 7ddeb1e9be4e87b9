import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DeterminismViolationError } from '@temporalio/workflow';
import { Worker } from '@temporalio/worker';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { workflowTypes } from '../../model/names.ts';
import { RELEASED } from '../../model/rules/released.ts';
import { branchesOf, rulesIn, typeOf } from '../histories/branches.ts';
import type { Stored } from '../histories/branches.ts';
import { installTestRuntime, workflowBundle } from '../support/temporal.ts';

const FOLDER = fileURLToPath(new URL('../histories', import.meta.url));
/** One folder a released version. */
const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.json'),
);
const read = (name: string): Stored => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Stored;

const recorded = files.map((name) => read(name));

/** Files that were replayed, with the reason of each failure. One worker replays all, since its start takes long. */
const replayed = new Map<string, Error | undefined>();
beforeAll(async () => {
  installTestRuntime();
  for await (const { error } of Worker.runReplayHistories({ workflowBundle }, recorded)) {
    replayed.set(files[replayed.size] ?? '', error);
  }
});

async function replay({ history, workflowId }: Stored, bundle?: WorkflowBundleWithSourceMap): Promise<void> {
  await Worker.runReplayHistory({ workflowBundle: bundle ?? workflowBundle }, history, workflowId);
}

test.each(files)('%s is still what the workflow does', (name) => {
  expect([...replayed.keys()]).toContain(name);
  expect(replayed.get(name)).toBeUndefined();
});

/** What must have been recorded, whatever the version; a way that a workflow got later is recorded with that version. */
const WAYS: readonly string[] = [
  ...Object.values(workflowTypes),
  'registration completes',
  'registration is cancelled',
  'registration goes on as deletion',
  'deployment completes',
  'deployment fails',
  'deployment is cancelled',
  'deployment cancelled in Temporal',
  'deployment stopped',
  'deployment signal: attemptLost',
  'deployment signal: sourceFree',
  'deployment signal: handOver',
  'deployment patched: few-trips',
  'deployment waits: NoHost',
  'deployment waits: NoSpace',
  'deployment waits: NoPeer',
  'deployment goes on as deployment',
  'deployment goes on as removal',
  'removal completes',
  'removal waits: NoHost',
  'removal waits: HostFailed',
  'removal goes on as deployment',
  'removal goes on as removal',
  'deletion goes on as deletion',
  'certificate goes on as certificate',
  'keystore goes on as keystore',
  'peers goes on as peers',
  'rollout completes',
  'rollout is cancelled',
  'rollout goes on as rollout',
  'rollout signal: ended',
  'rollout patched: local-looks',
  'upkeep goes on as upkeep',
  'upkeep patched: reports-by-zone',
  'hostReports completes',
  'hostReports goes on as hostReports',
  'vm completes',
  'vm goes on as vm',
  'vm signal: ended',
  'vm waits: Copy',
  'vm waits: HostUnconfirmed',
  'vm waits: NoSpace',
];

const branches = new Set(recorded.flatMap((stored) => [...branchesOf(stored)]));

test.each(WAYS)('there is a history: %s', (way) => {
  expect([...branches]).toContain(way);
});

test.each(RELEASED.flatMap(({ version, branches: names }) => names.map((name) => [version, name] as const)))(
  'there is a history that was decided by version %i: %s',
  (version, name) => {
    const ofVersion = recorded.filter(
      (stored) => typeOf(stored) === 'deployment' && rulesIn(stored) === version,
    );
    expect(ofVersion.flatMap((stored) => [...branchesOf(stored)])).toContain(`deployment decided: ${name}`);
  },
);

test('there is a history in which a file came further between two failures', () => {
  expect([...branches]).toContain('deployment decided: the file came further');
});

interface Begun {
  readonly workflowExecutionStartedEventAttributes: {
    readonly input: { readonly payloads: { data: string }[] };
  };
}

/** As if its input carried no times: then those of version 1 count. */
function withoutTiming(stored: Stored): Stored {
  const copy = structuredClone(stored);
  const [begun] = copy.history.events as unknown as Begun[];
  for (const payload of begun?.workflowExecutionStartedEventAttributes.input.payloads ?? []) {
    const { timing: _timing, ...input } = JSON.parse(Buffer.from(payload.data, 'base64').toString()) as {
      readonly timing?: unknown;
    };
    payload.data = Buffer.from(JSON.stringify(input)).toString('base64');
  }
  return copy;
}

test('other times and rounds change nothing for runs that have begun', async () => {
  // All rounds are taken from the rules, as an edit would.
  const built = readFileSync(workflowBundle.codePath, 'utf8');
  const code = built.replace(/sourceWaitsMs: \[[^\]]+\]/, 'sourceWaitsMs: []');
  expect(code).toContain('sourceWaitsMs: []');
  const stored = read(files.find((file) => file.endsWith('deployment-source-rounds.json')) ?? '');
  const bundle = { code } as WorkflowBundleWithSourceMap;
  await replay(stored, bundle);
  await expect(replay(withoutTiming(stored), bundle)).rejects.toThrow(DeterminismViolationError);
});

test('a history that differs from the workflow fails its replay', async () => {
  const name = files.find((file) => file.endsWith('deployment.json')) ?? '';
  const text = readFileSync(join(FOLDER, name), 'utf8').replaceAll('"reserveSpace"', '"somethingElse"');
  await expect(replay(JSON.parse(text) as Stored)).rejects.toThrow(DeterminismViolationError);
});
