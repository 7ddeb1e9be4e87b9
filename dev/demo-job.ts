/** The work of the demo: registers an image by its URL and deploys the image onto a pool, through the API, as the CLI does. */
import type { Deployment } from '../model/api-answers.ts';
import type { Session } from '../cli/command.ts';
import { listDeployments, startDeployments } from '../cli/deploying.ts';
import { progressOf } from '../cli/deployments.ts';
import { ISO, TEMPLATE } from '../cli/images.ts';
import { createOutput } from '../cli/output.ts';
import { register, untilReady } from '../cli/registering.ts';
import { cliOf } from '../cli/context.ts';
import { createStyle } from '../cli/text.ts';
import { askJob, errorOf, hasFailed, isOver, waitFor } from '../cli/waiting.ts';
import { openDatabase } from '../db/database.ts';
import { copyWorkflowId, templateWorkflowId } from '../model/names.ts';
import { StartError } from '../workers/start-error.ts';
import { ZONE } from './prepare-installation.ts';
import type { Stack } from './stack.ts';
import type { PrintLine } from './line-printer.ts';

export interface DemoImage {
  readonly url: string;
  readonly name: string;
  /** QCOW2, RAW or ISO. */
  readonly format: string;
  readonly checksum?: string;
}

export interface DemoOutcome {
  readonly result: DemoResult;
  readonly zoneId: string;
  readonly hostName: string;
  readonly poolName: string;
}

/** What `--json` prints. */
export interface DemoResult {
  readonly templateId: string;
  readonly poolId: string;
  readonly hostId: string;
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly seconds: number;
  readonly registrationWorkflowId: string;
  readonly deploymentWorkflowId: string;
  /** The first line on the serial console of the machine that booted from the disk; absent where none could run. */
  readonly console?: string;
  /** The database row of the template. */
  readonly templateStoreRef: Readonly<Record<string, unknown>>;
  /** The database row of the copy. */
  readonly templateSpoolRef: Readonly<Record<string, unknown>>;
}

export interface JobContext {
  readonly print: PrintLine;
  readonly signal: AbortSignal;
  readonly out: NodeJS.WriteStream;
}

/** @throws Error that says which step failed */
export async function registerAndDeploy(
  stack: Stack,
  image: DemoImage,
  context: JobContext,
): Promise<DemoOutcome> {
  const session = openSession(stack, context);
  const [pool] = stack.ready().pools;
  if (pool === undefined) throw new StartError('There is no pool');
  const started = performance.now();

  const noun = image.format === 'ISO' ? ISO : TEMPLATE;
  context.print(`Registering ${image.name} (${image.format}) from ${image.url}`);
  const registered = await untilReady(session, await register(session, noun, { ...image, zone: ZONE }));
  context.print(
    `Registered as ${registered.id}: ${registered.answer.physicalsize ?? 0} bytes, checked by a random host`,
  );

  context.print(`Deploying it onto ${pool.name}`);
  const zoneId = registered.zones[0]?.id ?? '';
  const [job] = await startDeployments(session.api, registered.id, [{ zoneId, poolIds: [pool.id] }]);
  await follow(session, registered.id, job?.jobid ?? '');
  const seconds = Math.round(performance.now() - started) / 1000;
  context.signal.throwIfAborted();

  const [deployment] = await listDeployments(session.api, {
    templateid: registered.id,
    storageid: pool.id,
  });
  if (deployment?.state !== 'Ready')
    throw new StartError('The deployment is over, but the image is not ready');
  printAttempts(deployment, context.print);
  const rows = await readRows(stack.databaseUrl, registered.id, pool.id);
  const result: DemoResult = {
    templateId: registered.id,
    poolId: pool.id,
    hostId: deployment.hostid ?? '',
    path: deployment.localpath ?? '',
    bytes: deployment.size ?? 0,
    sha256: deployment.sha256 ?? '',
    seconds,
    registrationWorkflowId: templateWorkflowId(registered.id),
    deploymentWorkflowId: copyWorkflowId(registered.id, pool.id),
    ...rows,
  };
  return { result, zoneId, hostName: deployment.hostname ?? '', poolName: pool.name };
}

const POLL_MS = 200;

/** The context that the functions of the CLI take, without a profile of the user. */
export function openSession({ client }: Stack, { out, signal }: JobContext): Session {
  const own = cliOf(process);
  const { unicode, color } = own.environment;
  const screens = { stdout: out, stderr: out };
  return {
    api: client,
    out: createOutput('table', screens, createStyle({ unicode, color })),
    cli: {
      ...own,
      ...screens,
      // The demo takes seconds, so the progress bar must move more often than that of the CLI.
      pollMs: POLL_MS,
      onInterrupt(listener) {
        signal.addEventListener('abort', listener, { once: true });
        if (signal.aborted) listener();
        return () => signal.removeEventListener('abort', listener);
      },
    },
  };
}

const follow = (session: Session, templateid: string, jobid: string): Promise<void> =>
  waitFor(session, 'The demo ends.', async ({ ask, pause, view }) => {
    for (;;) {
      const job = await ask((signal) => askJob(session.api, jobid, signal));
      const deployments = await ask((signal) => listDeployments(session.api, { templateid }, signal));
      view.update(deployments.map(progressOf));
      if (hasFailed(job)) throw new StartError(errorOf(job));
      if (isOver(job)) return;
      await pause();
    }
  });

function printAttempts({ attempts }: Deployment, print: PrintLine): void {
  for (const { source = '', bytes = 0, error, hostname = '' } of attempts) {
    print(`  ${hostname}: ${source}: ${error ?? `${bytes} bytes`}`);
  }
}

/** Reads the rows from the database, to show what Bypass recorded. */
async function readRows(
  databaseUrl: string,
  templateId: string,
  poolId: string,
): Promise<Pick<DemoResult, 'templateStoreRef' | 'templateSpoolRef'>> {
  const db = openDatabase(databaseUrl, { maxConnections: 1 });
  try {
    const templateStoreRef = await db
      .selectFrom('template_store_ref')
      .innerJoin('vm_template', 'vm_template.id', 'template_store_ref.template_id')
      .where('vm_template.uuid', '=', templateId)
      .selectAll('template_store_ref')
      .executeTakeFirstOrThrow();
    const templateSpoolRef = await db
      .selectFrom('template_spool_ref')
      .innerJoin('vm_template', 'vm_template.id', 'template_spool_ref.template_id')
      .innerJoin('storage_pool', 'storage_pool.id', 'template_spool_ref.pool_id')
      .where('vm_template.uuid', '=', templateId)
      .where('storage_pool.uuid', '=', poolId)
      .selectAll('template_spool_ref')
      .executeTakeFirstOrThrow();
    return { templateStoreRef, templateSpoolRef };
  } finally {
    await db.destroy();
  }
}
