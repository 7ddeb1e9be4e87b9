/** The control side of certificates: which ones each host's keystore must hold, and which ones it reports. */
import { activityInfo } from '@temporalio/activity';
import {
  keystorePlan,
  keystoreState,
  recordHeld,
  recordOutOfSync,
} from '../../db/certificates/certificates.ts';
import type { KeystorePlan } from '../../db/certificates/certificates.ts';
import { recordEvent } from '../../db/events/events.ts';
import type {
  CertificateInput,
  CertificateOutcome,
  CertificatesJob,
  CertificatesResult,
  KeystoreOutcome,
  WantedCertificate,
} from '../../model/certificate-jobs.ts';
import { keystoreWorkflowId } from '../../model/names.ts';
import { openAtRest } from '../../trust/at-rest.ts';
import type { MasterKey } from '../../trust/master-key.ts';
import { sealKeyForHost } from '../../trust/sealing.ts';
import { readSigned } from './answers.ts';
import type { ControlDeps } from './deps.ts';

export type PlannedKeystore =
  | { readonly hostName: string; readonly job: CertificatesJob }
  /** The host can take no job now. */
  | { readonly hostName: string; readonly job?: undefined; readonly reason: string };

export interface CertificateActivities {
  /** The certificates that a host's keystore must hold. */
  planKeystore(hostId: string): Promise<PlannedKeystore>;
  /** Records the certificates that the host read back from its keystore. */
  recordKeystore(result: CertificatesResult): Promise<KeystoreOutcome>;
  /** Records why a host has not taken its certificates. */
  recordKeystoreFailure(hostId: string, reason: string): Promise<void>;
  /** Requests the keystore workflow of a host, which signals the calling workflow at its end. */
  requestKeystore(hostId: string): Promise<void>;
  /** The recorded state of a host's keystore, and whether its workflow still runs. */
  keystoreOutcome(hostId: string): Promise<KeystoreOutcome & { readonly running: boolean }>;
  /** Records an event that names the hosts on which a certificate is not up to date. */
  concludeCertificate(input: CertificateInput, outcome: CertificateOutcome): Promise<void>;
}

export function createCertificateActivities({
  db,
  orchestration,
  masterKey,
}: ControlDeps): CertificateActivities {
  return {
    async planKeystore(hostId) {
      const plan = await keystorePlan(db, hostId);
      if (plan === undefined) return { hostName: hostId, reason: 'the host was forgotten' };
      const { hostName, up, enabled } = plan;
      if (!enabled) return { hostName, reason: 'the host is not enabled' };
      if (!up) return { hostName, reason: 'the host is Down' };
      const certificates = await Promise.all(
        plan.certificates.map((one) => wantedBy(hostId, plan, one, masterKey)),
      );
      return { hostName, job: { v: 1, certificates } };
    },

    recordKeystore: (result) =>
      db.transaction().execute(async (tx) => {
        const { hostId, held, failed, rebuilt } = await readSigned(tx, ['syncCertificates'], result);
        const { settled } = await recordHeld(tx, hostId, held, failed);
        if (rebuilt !== undefined) await recordRebuilt(tx, hostId, rebuilt);
        const problems = Object.entries(failed).map(([alias, reason]) => `${alias}: ${reason}`);
        return { v: 1, settled, ...(problems.length === 0 ? {} : { problem: problems.join('; ') }) };
      }),

    recordKeystoreFailure: (hostId, reason) => recordOutOfSync(db, hostId, reason),

    requestKeystore: (hostId) =>
      orchestration.requestKeystore(hostId, undefined, activityInfo().workflowExecution?.workflowId),

    async keystoreOutcome(hostId) {
      // In this order, so that the state includes what an ended workflow wrote last.
      const running = await orchestration.isRunning(keystoreWorkflowId(hostId));
      const { settled, problem } = await keystoreState(db, hostId);
      return { v: 1, running, settled, ...(problem === undefined ? {} : { problem }) };
    },

    async concludeCertificate({ certificateId, alias }, { hosts }) {
      const outdated = hosts.filter(({ problem }) => problem !== undefined);
      if (outdated.length === 0) return;
      const { workflowId = '', runId = '' } = activityInfo().workflowExecution ?? {};
      await recordEvent(db, {
        type: 'CERTIFICATE.SYNC',
        level: 'WARN',
        description: `Certificate ${alias} is not as it is to be on ${outdated.length} of ${hosts.length} hosts: ${outdated
          .slice(0, MAX_HOSTS_IN_EVENT)
          .map(({ hostId, problem }) => `${hostId} (${problem})`)
          .join(', ')}; it is tried again when they are back`,
        resourceType: 'DirectDownloadCertificate',
        resourceUuid: certificateId,
        workflowId,
        once: `certificate:${runId}`,
      });
    },
  };
}

const MAX_HOSTS_IN_EVENT = 10;

async function wantedBy(
  hostId: string,
  { sealingKey }: KeystorePlan,
  certificate: KeystorePlan['certificates'][number],
  masterKey: MasterKey,
): Promise<WantedCertificate> {
  const { uuid: id, alias, client_certificate: client, client_key_sealed: sealed } = certificate;
  const plain = { id, alias, certificate: certificate.certificate };
  if (client === null || sealed === null) return plain;
  const key = await openAtRest(masterKey, { use: 'certificate', certificate: id }, sealed);
  return {
    ...plain,
    clientCertificate: client,
    sealed: await sealKeyForHost(sealingKey, key, { certificateId: id, hostId }),
  };
}

async function recordRebuilt(
  db: Parameters<typeof recordEvent>[0],
  hostId: string,
  reason: string,
): Promise<void> {
  const { workflowId = '', runId = '' } = activityInfo().workflowExecution ?? {};
  await recordEvent(db, {
    type: 'HOST.KEYSTORE',
    level: 'WARN',
    description: `The keystore of a host was damaged, and made anew: ${reason}`,
    resourceType: 'Host',
    resourceUuid: hostId,
    workflowId,
    once: `keystore:${runId}`,
  });
}
