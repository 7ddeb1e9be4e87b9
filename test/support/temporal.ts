/** A namespace of its own for a test file on the run's Temporal server, and the bundle of workflows. */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { temporal } from '@temporalio/proto';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { SEARCH_ATTRIBUTES } from '../../model/names.ts';

export interface TestTemporal {
  readonly connection: NativeConnection;
  readonly client: Client;
  readonly namespace: string;
  readonly address: string;
  close(): Promise<void>;
}

const { INDEXED_VALUE_TYPE_KEYWORD } = temporal.api.enums.v1.IndexedValueType;
const RETENTION = '1 day';

/** Ready for workflows and their search attributes. Workers on `connection` are shut down before `close`. */
export async function testTemporal(): Promise<TestTemporal> {
  const address = process.env['BYPASS_TEST_TEMPORAL_ADDRESS'];
  if (address === undefined) throw new Error("Jest's global set-up did not run: no Temporal for the tests");
  installTestRuntime();
  const connection = await NativeConnection.connect({ address });
  const namespace = `test-${randomBytes(6).toString('hex')}`;
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs(RETENTION),
  });
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(SEARCH_ATTRIBUTES.map((name) => [name, INDEXED_VALUE_TYPE_KEYWORD])),
  });
  return {
    connection,
    client: new Client({ connection, namespace }),
    namespace,
    address,
    close: () => connection.close(),
  };
}

let installed = false;

/** Quiet, with heartbeats of workers often enough for tests that wait for a host to be seen. */
export function installTestRuntime(): void {
  if (installed) return;
  installed = true;
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } },
    workerHeartbeatInterval: '1 second',
    shutdownSignals: [],
  });
}

let bundle: Promise<WorkflowBundleWithSourceMap> | undefined;

/** Made from the sources, once per test file. */
export function workflowBundle(): Promise<WorkflowBundleWithSourceMap> {
  bundle ??= bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  return bundle;
}
