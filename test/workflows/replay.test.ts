import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DeterminismViolationError } from '@temporalio/workflow';
import { Worker } from '@temporalio/worker';
import { workflowTypes } from '../../model/names.ts';
import { installTestRuntime, workflowBundle } from '../support/temporal.ts';

interface Stored {
  readonly workflowId: string;
  readonly history: {
    readonly events: {
      eventType: string;
      workflowExecutionStartedEventAttributes?: { workflowType: { name: string } };
      activityTaskScheduledEventAttributes?: { activityType: { name: string } };
    }[];
  };
}

const FOLDER = fileURLToPath(new URL('../histories', import.meta.url));
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
const read = (name: string): Stored => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Stored;
const typeOf = ({ history }: Stored): string | undefined =>
  history.events[0]?.workflowExecutionStartedEventAttributes?.workflowType.name;

beforeAll(() => installTestRuntime());

async function replay({ history, workflowId }: Stored): Promise<void> {
  await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history, workflowId);
}

test.each(files)('%s is still what the workflow does', async (name) => {
  await replay(read(name));
});

test('there is a history of every workflow', () => {
  const types = new Set(files.map((name) => typeOf(read(name))));
  expect(types).toEqual(new Set(Object.values(workflowTypes)));
});

test('a history that is not what the workflow does is told', async () => {
  const stored = read('deployment.json');
  for (const { activityTaskScheduledEventAttributes: scheduled } of stored.history.events) {
    if (scheduled?.activityType.name === 'reserveSpace') scheduled.activityType.name = 'somethingElse';
  }
  await expect(replay(stored)).rejects.toThrow(DeterminismViolationError);
});
