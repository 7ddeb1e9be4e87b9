/** The control side of certificates: what each host is to hold, and what it read back. */
import { activityInfo } from '@temporalio/activity';
import { keystorePlan, recordHeld, recordUnsettled } from '../db/certificates.ts';
import type { KeystorePlan } from '../db/certificates.ts';
import { recordEvent } from '../db/events.ts';
import type {
  CertificateInput,
  CertificateOutcome,
  CertificatesJob,
  CertificatesResult,
  KeystoreOutcome,
  WantedCertificate,
} from '../model/certificate-jobs.ts';
import type { MasterKey } from '../trust/master-key.ts';
import { openText, sealKeyForHost } from '../trust/sealing.ts';
import { beating } from './context.ts';
import { requireSigned } from './control-answers.ts';
import type { ControlDeps } from './control.ts';

export type PlannedKeystore =
  | { readonly hostName: string; readonly job: CertificatesJob }
  /** Nothing can be sent to it now. */
  | { readonly hostName: string; readonly job?: undefined; readonly reason: string };

export interface CertificateActivities {
  /** What a host's keystore is to hold. */
  planKeystore(hostId: string): Promise<PlannedKeystore>;
  /** Writes what the host read back. */
  recordKeystore(result: CertificatesResult): Promise<KeystoreOutcome>;
  /** Writes why a host has not done it. */
  recordKeystoreFailure(hostId: string, reason: string): Promise<void>;
  /** Has a host's keystore brought to what it is to hold, and waits for that. Heartbeats. */
  settleKeystore(hostId: string): Promise<KeystoreOutcome>;
  /** Tells on which hosts a certificate is not as it is to be. */
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
        await requireSigned(tx, ['syncCertificates'], result);
        const { hostId, held, failed, rebuilt } = result;
        const { settled } = await recordHeld(tx, hostId, held, failed);
        if (rebuilt !== undefined) await tellRebuilt(tx, hostId, rebuilt);
        const problems = Object.entries(failed).map(([alias, reason]) => `${alias}: ${reason}`);
        return { v: 1, settled, ...(problems.length === 0 ? {} : { problem: problems.join('; ') }) };
      }),

    recordKeystoreFailure: (hostId, reason) => recordUnsettled(db, hostId, reason),

    settleKeystore: (hostId) => beating(null, ({ signal }) => orchestration.settleKeystore(hostId, signal)),

    async concludeCertificate({ certificateId, alias }, { hosts }) {
      const bad = hosts.filter(({ problem }) => problem !== undefined);
      if (bad.length === 0) return;
      const { workflowId = '', runId = '' } = activityInfo().workflowExecution ?? {};
      await recordEvent(db, {
        type: 'CERTIFICATE.SYNC',
        level: 'WARN',
        description: `Certificate ${alias} is not as it is to be on ${bad.length} of ${hosts.length} hosts: ${bad
          .slice(0, SHOWN)
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

const SHOWN = 10;

async function wantedBy(
  hostId: string,
  { sealingKey }: KeystorePlan,
  certificate: KeystorePlan['certificates'][number],
  masterKey: MasterKey,
): Promise<WantedCertificate> {
  const { uuid: id, alias, client_certificate: client, client_key_sealed: sealed } = certificate;
  const plain = { id, alias, certificate: certificate.certificate };
  if (client === null || sealed === null) return plain;
  const key = await openText(masterKey, 'certificate', sealed);
  return {
    ...plain,
    clientCertificate: client,
    sealed: await sealKeyForHost(sealingKey, key, { certificateId: id, hostId }),
  };
}

async function tellRebuilt(
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
