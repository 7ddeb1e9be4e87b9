/** A fleet for roll-outs in a control lab: one scripted host with many pools, whose downloads the test ends. */
import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { recordPoolReports } from '../../db/pools/pools.ts';
import { findRollout } from '../../db/rollouts/listing.ts';
import type { RolloutListRow } from '../../db/rollouts/listing.ts';
import { createRollout } from '../../db/rollouts/rollouts.ts';
import { rolloutWorkflowId } from '../../model/names.ts';
import type { Failure } from '../../model/failures.ts';
import type { DownloadJob, PoolReport } from '../../model/payloads.ts';
import { deferred } from '../support/deferred.ts';
import type { Deferred } from '../support/deferred.ts';
import { downloaded, failed } from '../support/scripted-host.ts';
import type { ScriptedHost } from '../support/scripted-host.ts';
import { until } from '../support/until.ts';
import type { ControlLab } from './control.ts';

export interface Fleet {
  readonly host: ScriptedHost;
  /** UUIDs, in the order of the pools' names. */
  readonly poolIds: readonly string[];
  /** The downloads that run now. */
  readonly running: ReadonlyMap<string, DownloadJob>;
  /** The most downloads that ran at once. */
  mostRunning(): number;
  /** Lets the download to a pool end, and those to come. */
  release(...poolIds: readonly string[]): void;
  releaseAll(): void;
  /** Lets downloads to a pool fail. */
  fail(poolId: string, failure: Failure): void;
}

/** @param held whether downloads run until the test releases them */
export async function addFleet(
  lab: ControlLab,
  { name, pools, held }: { readonly name: string; readonly pools: number; readonly held: boolean },
): Promise<Fleet> {
  const poolIds = Array.from({ length: pools }, () => randomUUID());
  const reports: readonly PoolReport[] = poolIds.map((id, index) => ({
    id,
    name: `${name}-${String(index).padStart(4, '0')}`,
    type: 'Filesystem',
    scope: 'HOST',
    path: `/pools/${id}`,
    capacity: 2_000_000,
    free: 1_000_000,
    mounted: true,
  }));
  const byId = new Map(reports.map((report) => [report.id, report]));
  const gates = new Map<string, Deferred<void>>(poolIds.map((id) => [id, deferred()]));
  const failures = new Map<string, Failure>();
  const running = new Map<string, DownloadJob>();
  let most = 0;
  const release = (...ids: readonly string[]): void => {
    for (const id of ids) gates.get(id)?.resolve();
  };
  if (!held) release(...poolIds);
  const host: ScriptedHost = await lab.addHost({
    name,
    script: {
      async download(job) {
        const { cancelled } = Context.current();
        running.set(job.poolId, job);
        most = Math.max(most, running.size);
        const progress = { v: 1, phase: 'downloading', bytes: 400, total: 1000, rate: 10, source: job.url };
        const beat = setInterval(() => Context.current().heartbeat(progress), 200);
        Context.current().heartbeat(progress);
        try {
          await Promise.race([gates.get(job.poolId)?.promise, cancelled]);
          const failure = failures.get(job.poolId);
          if (failure !== undefined) throw failed(host.hostId, job, failure);
          return downloaded(host.hostId, job, byId.get(job.poolId) ?? host.pool());
        } catch (error) {
          if (!(error instanceof CancelledFailure)) throw error;
          throw new CancelledFailure(error.message, [{ v: 1, tries: [] }]);
        } finally {
          clearInterval(beat);
          running.delete(job.poolId);
        }
      },
    },
  });
  await recordPoolReports(lab.db, host.hostId, reports);
  return {
    host,
    poolIds,
    running,
    mostRunning: () => most,
    release,
    releaseAll: () => release(...poolIds),
    fail(poolId, failure) {
      failures.set(poolId, failure);
      release(poolId);
    },
  };
}

/** Starts a roll-out as the API does. @returns its id */
export async function rollOut(
  lab: ControlLab,
  templateId: string,
  poolIds: readonly string[],
  { atOnce }: { readonly atOnce?: number } = {},
): Promise<string> {
  const { id, zoneId } = await lab.db
    .selectFrom('vm_template')
    .innerJoin('template_zone_ref', 'template_zone_ref.template_id', 'vm_template.id')
    .where('uuid', '=', templateId)
    .select(['vm_template.id', 'template_zone_ref.zone_id as zoneId'])
    .executeTakeFirstOrThrow();
  const jobId = await createRollout(lab.db, {
    job: {
      accountId: lab.accountId,
      userId: lab.userId,
      cmd: 'prepareTemplate',
      instanceType: 'Template',
      instanceUuid: templateId,
    },
    poolIds,
    template_id: id,
    zone_id: zoneId,
    selection: 'pools',
    at_once: atOnce ?? null,
  });
  await wake(lab, jobId, templateId);
  return jobId;
}

/** Tells the workflow that its row has changed. */
export const wake = (lab: ControlLab, jobId: string, templateId: string): Promise<void> =>
  lab.orchestration.requestRollout({ jobId, templateId, templateName: 'debian' });

export const rolloutHandle = (lab: ControlLab, jobId: string) =>
  lab.temporal.client.workflow.getHandle(rolloutWorkflowId(jobId));

export async function rolloutRow(lab: ControlLab, jobId: string): Promise<RolloutListRow> {
  const row = await findRollout(lab.db, jobId);
  if (row === undefined) throw new Error(`there is no roll-out ${jobId}`);
  return row;
}

/** Waits until so many of its copies are there, under way, and wait for their turn. */
export const rolloutShows = (
  lab: ControlLab,
  jobId: string,
  wanted: Partial<RolloutListRow>,
): Promise<RolloutListRow> =>
  until(`the roll-out shows ${JSON.stringify(wanted)}`, async () => {
    const row = await rolloutRow(lab, jobId);
    const same = Object.entries(wanted).every(([key, value]) => row[key as keyof RolloutListRow] === value);
    return same ? row : undefined;
  });
