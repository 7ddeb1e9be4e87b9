/** Starting and joining what brings certificates to hosts. */
import { WorkflowFailedError } from '@temporalio/client';
import type { Client, WorkflowHandle } from '@temporalio/client';
import {
  CONTROL_QUEUE,
  WANTED_SIGNAL,
  certificateWorkflowId,
  keystoreWorkflowId,
  workflowTypes,
} from '../model/names.ts';
import type {
  CertificateInput,
  CertificateOutcome,
  CertificateRequest,
  KeystoreInput,
  KeystoreOutcome,
} from '../model/certificate-jobs.ts';
import { hostAttributes } from './attributes.ts';
import type { Orchestration } from './client.ts';
import { ended, isLate } from './runs.ts';

type Keystore = (input: KeystoreInput) => Promise<KeystoreOutcome>;
type CertificateRun = (input: CertificateInput) => Promise<CertificateOutcome>;

export function certificateCalls(
  client: Client,
): Pick<Orchestration, 'requestKeystore' | 'settleKeystore' | 'syncCertificate'> {
  const { workflow } = client;
  const start = (hostId: string, name = hostId): Promise<WorkflowHandle<Keystore>> =>
    workflow.signalWithStart<Keystore>(workflowTypes.keystore, {
      taskQueue: CONTROL_QUEUE,
      workflowId: keystoreWorkflowId(hostId),
      args: [{ v: 1, hostId }],
      signal: WANTED_SIGNAL,
      signalArgs: [],
      typedSearchAttributes: hostAttributes(hostId),
      staticSummary: `Bring certificates to host ${name}`,
    });

  return {
    async requestKeystore(hostId, name) {
      await start(hostId, name);
    },

    async settleKeystore(hostId, signal) {
      const handle = await start(hostId);
      await ended(client, handle.workflowId, signal);
      try {
        return await handle.result();
      } catch (error) {
        if (!(error instanceof WorkflowFailedError)) throw error;
        return { v: 1, settled: false, problem: error.cause?.message ?? error.message };
      }
    },

    async syncCertificate(certificate, hostIds, waitMs) {
      const request: CertificateRequest = { v: 1, hostIds };
      const handle = await workflow.signalWithStart<CertificateRun, [CertificateRequest]>(
        workflowTypes.certificate,
        {
          taskQueue: CONTROL_QUEUE,
          workflowId: certificateWorkflowId(certificate.certificateId),
          args: [{ v: 1, ...certificate }],
          signal: WANTED_SIGNAL,
          signalArgs: [request],
          staticSummary: `Bring certificate ${certificate.alias} to hosts, or take it from them`,
        },
      );
      try {
        await client.withDeadline(Date.now() + waitMs, () => handle.result());
      } catch (error) {
        if (!isLate(error) && !(error instanceof WorkflowFailedError)) throw error;
      }
    },
  };
}
