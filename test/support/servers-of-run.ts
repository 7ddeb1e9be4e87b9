/** A database and a namespace of its own for an installation, on the servers of the test run. */
import { Connection } from '@temporalio/client';
import { createNamespace } from './namespace.ts';
import { freshDatabase } from './postgres.ts';

export interface ServersOfRun {
  readonly namespace: string;
  /** Settings of `npm start` that name the servers. */
  readonly env: NodeJS.ProcessEnv;
  /** Drops the database. */
  close(): Promise<void>;
}

const temporalAddress = (): string | undefined => process.env['BYPASS_TEST_TEMPORAL_ADDRESS'];

export const isTestRun = (): boolean => temporalAddress() !== undefined;

export async function serversOfRun(): Promise<ServersOfRun> {
  const address = temporalAddress();
  if (address === undefined) throw new Error("Jest's global set-up did not run: no Temporal for the tests");
  const connection = await Connection.connect({ address });
  const namespace = await createNamespace(connection);
  await connection.close();
  const database = await freshDatabase();
  return {
    namespace,
    env: {
      BYPASS_DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: namespace,
    },
    close: () => database.close(),
  };
}
