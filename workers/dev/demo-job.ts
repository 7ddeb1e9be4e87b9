/** The main job, done through the API as the CLI does it: register an image by its URL, and deploy it onto a pool. */
import type { DeploymentAnswer } from '../../cli/answers.ts';
import type { Session } from '../../cli/command.ts';
import { listDeployments, startDeployments } from '../../cli/deploying.ts';
import { progressOf } from '../../cli/deployments.ts';
import { ISO, TEMPLATE } from '../../cli/images.ts';
import { createOutput } from '../../cli/output.ts';
import { register, untilReady } from '../../cli/registering.ts';
import { cliOf } from '../../cli/surroundings.ts';
import { createStyle } from '../../cli/text.ts';
import { askJob, errorOf, hasFailed, isOver, waitFor } from '../../cli/waiting.ts';
import { openDatabase } from '../../db/database.ts';
import { copyWorkflowId, templateWorkflowId } from '../../model/names.ts';
import { StartError } from '../runtime.ts';
import { ZONE } from './installation.ts';
import type { Stack } from './stack.ts';
import type { Tell } from './teller.ts';

export interface Source {
  readonly url: string;
  readonly name: string;
  /** QCOW2, RAW or ISO. */
  readonly format: string;
  readonly checksum?: string;
}

export interface Done {
  readonly result: DemoResult;
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
  /** The rows as stored. */
  readonly templateStoreRef: Readonly<Record<string, unknown>>;
  readonly templateSpoolRef: Readonly<Record<string, unknown>>;
}

export interface JobContext {
  readonly tell: Tell;
  readonly signal: AbortSignal;
  readonly out: NodeJS.WriteStream;
}

/** @throws Error with the sentence of the step that failed */
export async function bringOntoPool(stack: Stack, source: Source, context: JobContext): Promise<Done> {
  const session = openSession(stack, context);
  const [pool] = stack.ready().pools;
  if (pool === undefined) throw new StartError('There is no pool');
  const started = performance.now();

  const noun = source.format === 'ISO' ? ISO : TEMPLATE;
  context.tell(`Registering ${source.name} (${source.format}) from ${source.url}`);
  const image = await untilReady(session, await register(session, noun, { ...source, zone: ZONE }));
  context.tell(
    `Registered as ${image.id}: ${image.answer.physicalsize ?? 0} bytes, checked by a random host`,
  );

  context.tell(`Deploying it onto ${pool.name}`);
  const zoneId = image.zones[0]?.id ?? '';
  const [job] = await startDeployments(session.api, image.id, [{ zoneId, poolId: pool.id }]);
  await follow(session, image.id, job?.jobid ?? '');
  const seconds = Math.round(performance.now() - started) / 1000;
  context.signal.throwIfAborted();

  const [deployment] = await listDeployments(session.api, { templateid: image.id, storageid: pool.id });
  if (deployment?.state !== 'Ready')
    throw new StartError('The deployment is over, but the image is not ready');
  tellAttempts(deployment, context.tell);
  const rows = await readRows(stack.databaseUrl, image.id, pool.id);
  const result: DemoResult = {
    templateId: image.id,
    poolId: pool.id,
    hostId: deployment.hostid ?? '',
    path: deployment.localpath ?? '',
    bytes: deployment.size ?? 0,
    sha256: deployment.sha256 ?? '',
    seconds,
    registrationWorkflowId: templateWorkflowId(image.id),
    deploymentWorkflowId: copyWorkflowId(image.id, pool.id),
    ...rows,
  };
  return { result, hostName: deployment.hostname ?? '', poolName: pool.name };
}

const POLL_MS = 200;

/** What the CLI's functions work with, without a profile. */
function openSession({ client }: Stack, { out, signal }: JobContext): Session {
  const own = cliOf(process);
  const { unicode, color } = own.environment;
  const screens = { stdout: out, stderr: out };
  return {
    api: client,
    out: createOutput('table', screens, createStyle({ unicode, color })),
    cli: {
      ...own,
      ...screens,
      // All that there is to see is over in seconds.
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

function tellAttempts({ attempts = [] }: DeploymentAnswer, tell: Tell): void {
  for (const { source = '', bytes = 0, error, hostname = '' } of attempts) {
    tell(`  ${hostname}: ${source}: ${error ?? `${bytes} bytes`}`);
  }
}

/** Straight from the database, to show what was recorded. */
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
