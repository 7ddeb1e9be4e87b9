/** Reports to the control side that domains of a host may have changed: it then asks the host for all of them. */
import type { Client } from '@temporalio/client';
import type { Virsh } from '../hypervisor/virsh.ts';
import { watchDomains } from '../hypervisor/watch.ts';
import { CONTROL_QUEUE, domainsWorkflowId, HOST_MEMO, WANTED_SIGNAL, workflowTypes } from '../model/names.ts';
import type { Logger } from './runtime.ts';

/** Milliseconds that the request for a comparison may take. */
const REQUEST_MS = 10_000;

export interface HostDomains {
  readonly virsh: Virsh;
  /** As `watchDomains` asks. */
  readonly isStarting?: (domain: string) => boolean;
  readonly client: Client;
  readonly hostId: string;
  readonly hostName: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Resolves after the signal was aborted. */
export function watchHostDomains({
  virsh,
  isStarting,
  client,
  hostId,
  hostName,
  logger,
  signal,
}: HostDomains): Promise<void> {
  let last: string | undefined;
  return watchDomains({
    virsh,
    signal,
    ...(isStarting && { isStarting }),
    onChange: () => requestComparison(client, hostId, hostName),
    onProblem(error) {
      const { message } = error as Error;
      if (message !== last) logger.warn(`changes of domains are not noticed at once: ${message}`);
      last = message;
    },
  });
}

/** A comparison that is under way is repeated, since it may have asked before the change. */
const requestComparison = (client: Client, hostId: string, hostName: string): Promise<void> =>
  client.withDeadline(Date.now() + REQUEST_MS, async () => {
    await client.workflow.signalWithStart(workflowTypes.domains, {
      taskQueue: CONTROL_QUEUE,
      workflowId: domainsWorkflowId(hostId),
      args: [{ v: 1, hostId }],
      signal: WANTED_SIGNAL,
      signalArgs: [],
      staticSummary: `Domains of host ${hostName}`,
      memo: { [HOST_MEMO]: hostName },
    });
  });
