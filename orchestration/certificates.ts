/** Starts or joins the workflows that bring certificates to hosts. */
import { WorkflowFailedError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import {
  CONTROL_QUEUE,
  WANTED_SIGNAL,
  certificateWorkflowId,
  keystoreWorkflowId,
  workflowTypes,
  HOST_MEMO,
} from '../model/names.ts';
import type {
  CertificateInput,
  CertificateOutcome,
  CertificateRequest,
  KeystoreInput,
  KeystoreOutcome,
  KeystoreRequest,
} from '../model/certificate-jobs.ts';
import { hostAttributes } from './search-attributes.ts';
import { newRunParameters } from '../model/rules/released.ts';
import type { Orchestration } from './orchestration.ts';
import { isLate } from './workflow-status.ts';

type Keystore = (input: KeystoreInput) => Promise<KeystoreOutcome>;
type CertificateRun = (input: CertificateInput) => Promise<CertificateOutcome>;

export function certificateCalls(client: Client): Pick<Orchestration, 'requestKeystore' | 'syncCertificate'> {
  const { workflow } = client;
  return {
    async requestKeystore(hostId, name = hostId, listener) {
      const request: KeystoreRequest = { v: 1, ...(listener === undefined ? {} : { listener }) };
      await workflow.signalWithStart<Keystore, [KeystoreRequest?]>(workflowTypes.keystore, {
        taskQueue: CONTROL_QUEUE,
        workflowId: keystoreWorkflowId(hostId),
        args: [{ v: 1, hostId, ...newRunParameters('keystore') }],
        signal: WANTED_SIGNAL,
        signalArgs: [request],
        typedSearchAttributes: hostAttributes(hostId),
        staticSummary: `Bring certificates to host ${name}`,
        memo: { [HOST_MEMO]: name },
      });
    },

    async syncCertificate(certificate, hostIds, waitMs) {
      const request: CertificateRequest = { v: 1, hostIds };
      const handle = await workflow.signalWithStart<CertificateRun, [CertificateRequest]>(
        workflowTypes.certificate,
        {
          taskQueue: CONTROL_QUEUE,
          workflowId: certificateWorkflowId(certificate.certificateId),
          args: [{ v: 1, ...certificate, ...newRunParameters('certificate') }],
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
