/** The worker of the empty workflow, in a separate process like the control worker. Writes a line once it runs. */
import { fileURLToPath } from 'node:url';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';

export interface EmptyActivities {
  nothing(): Promise<void>;
}

/** What an empty workflow does. */
export interface EmptySteps {
  readonly activities: number;
  /** Activities within the workflow's own tasks. Default: none. */
  readonly local?: number;
}

const activities: EmptyActivities = { nothing: () => Promise.resolve() };

export const EMPTY_QUEUE = 'bench';
export const EMPTY_WORKFLOW = 'empty';

async function run(address: string, namespace: string): Promise<void> {
  Runtime.install({
    telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } },
    logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error: console.error },
  });
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: EMPTY_QUEUE,
    workflowsPath: fileURLToPath(new URL('./empty-workflow.js', import.meta.url)),
    activities,
  });
  process.stdout.write('running\n');
  await worker.run();
  await connection.close();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [address = '', namespace = ''] = process.argv.slice(2);
  await run(address, namespace);
}
