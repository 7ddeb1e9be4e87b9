/**
 * A minimal control side for tests of the host worker alone: it answers a join, and passes jobs to the host's queues.
 * Bypass's own workflows have their own tests.
 */
import {
  ActivityCancellationType,
  ApplicationFailure,
  defineSignal,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import type { QuickActivities, TransferActivities } from '../../../model/host-activities.ts';
import { hostQueue, transferQueue, WANTED_SIGNAL } from '../../../model/names.ts';
import type {
  DownloadJob,
  DownloadResult,
  HostReport,
  ProbeJob,
  ProbeReport,
} from '../../../model/payloads.ts';
import type { DomainsInput } from '../../../model/vm-payloads.ts';
import type { JoinAnswer, JoinRequest } from '../../../model/joining.ts';

export async function join(request: JoinRequest): Promise<JoinAnswer> {
  if (request.zone === 'nowhere') throw ApplicationFailure.nonRetryable("there is no zone 'nowhere'");
  const state = request.invite === undefined ? 'Disabled' : 'Enabled';
  const message = state === 'Enabled' ? 'welcome' : `run: bypass host approve ${request.hostId}`;
  const limits = request.zone === 'limited' ? { limits: { revision: 3, downloads: 7, rate: 9000 } } : {};
  return { v: 1, state, zoneId: request.zone, clusterId: request.cluster, message, ...limits };
}

const wanted = defineSignal(WANTED_SIGNAL);

export async function domains(input: DomainsInput): Promise<DomainsInput> {
  setHandler(wanted, () => undefined);
  return input;
}

const quick = (hostId: string) =>
  proxyActivities<QuickActivities>({
    taskQueue: hostQueue(hostId),
    scheduleToStartTimeout: '10s',
    startToCloseTimeout: '10s',
    retry: { maximumAttempts: 1 },
  });

export async function describe(hostId: string): Promise<HostReport> {
  return quick(hostId).describeHost({ v: 1 });
}

export async function look(hostId: string, job: ProbeJob): Promise<ProbeReport> {
  return quick(hostId).probe(job);
}

export async function fetch(hostId: string, job: DownloadJob): Promise<DownloadResult> {
  const { download } = proxyActivities<TransferActivities>({
    taskQueue: transferQueue(hostId),
    scheduleToStartTimeout: '10s',
    startToCloseTimeout: '1m',
    heartbeatTimeout: '10s',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { maximumAttempts: 1 },
  });
  return download(job);
}
