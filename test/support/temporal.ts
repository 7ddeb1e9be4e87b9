/** A separate namespace for a test file on the run's Temporal server, and the bundle of workflows. */
import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { createSearchAttributes } from '../../workers/search-attributes.ts';
import { WORKFLOW_BUNDLE } from '../../workers/workflow-bundle.ts';
import { createNamespace } from './namespace.ts';

export interface TestTemporal {
  readonly connection: NativeConnection;
  readonly client: Client;
  readonly namespace: string;
  readonly address: string;
  close(): Promise<void>;
}

/** Creates a namespace with the search attributes. Shut down workers on `connection` before `close`. */
export async function testTemporal(
  address = process.env['BYPASS_TEST_TEMPORAL_ADDRESS'],
): Promise<TestTemporal> {
  if (address === undefined) throw new Error("Jest's global set-up did not run: no Temporal for the tests");
  installTestRuntime();
  const connection = await NativeConnection.connect({ address });
  const namespace = await createNamespace(connection);
  await createSearchAttributes({ connection, namespace });
  return {
    connection,
    client: new Client({ connection, namespace }),
    namespace,
    address,
    close: () => connection.close(),
  };
}

// Test files load this module anew, and share the SDK.
const shared = globalThis as { bypassTestRuntime?: true };

/** A quiet runtime, with frequent worker heartbeats for tests that wait for a host's state. */
export function installTestRuntime(): void {
  if (shared.bypassTestRuntime) return;
  shared.bypassTestRuntime = true;
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } },
    workerHeartbeatInterval: '1 second',
    shutdownSignals: [],
  });
}

/** The workflows as the build bundles them for control workers; the global set-up has built them from the sources. */
export const workflowBundle = { codePath: WORKFLOW_BUNDLE };
