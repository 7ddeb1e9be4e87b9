/**
 * A certificate was uploaded, revoked or deleted: the hosts that this concerns are seen to, some at a time. What each
 * is to have stands in the database; who changes it again meanwhile has the hosts seen to again.
 */
import { defineSignal, setHandler, workflowInfo } from '@temporalio/workflow';
import { WANTED_SIGNAL, workflowTypes } from '../model/names.ts';
import type { CertificateInput, CertificateOutcome, CertificateRequest } from '../model/certificate-jobs.ts';
import { goOnAs } from './continuing.ts';
import { control, patientControl } from './policies.ts';
import { show } from './status.ts';

const wantedSignal = defineSignal<[CertificateRequest]>(WANTED_SIGNAL);

/** Hosts that are seen to at the same time. */
const AT_ONCE = 20;

export async function certificate(input: CertificateInput): Promise<CertificateOutcome> {
  const left = new Set(input.left);
  const done = new Map<string, CertificateOutcome['hosts'][number]>();
  setHandler(wantedSignal, ({ hostIds }) => {
    for (const hostId of hostIds) left.add(hostId);
  });
  const lane = async (): Promise<void> => {
    for (const hostId of left) {
      if (workflowInfo().continueAsNewSuggested) return;
      left.delete(hostId);
      const { settled, problem } = await patientControl(`Certificates of host ${hostId}`).settleKeystore(
        hostId,
      );
      done.set(hostId, settled ? { hostId } : { hostId, problem: problem ?? 'it has not confirmed it' });
    }
  };
  for (;;) {
    show(`Certificate ${input.alias}: ${left.size} hosts to see to.`, { State: 'Importing' });
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    if (left.size > 0 && workflowInfo().continueAsNewSuggested) {
      return goOnAs(workflowTypes.certificate, { ...input, left: [...left] });
    }
    const outcome: CertificateOutcome = { v: 1, hosts: [...done.values()] };
    if (left.size === 0) await control('Tell how it went').concludeCertificate(input, outcome);
    // Asked for again while that was written.
    if (left.size > 0) continue;
    const bad = outcome.hosts.filter(({ problem }) => problem !== undefined).length;
    show(
      `Certificate ${input.alias}: ${outcome.hosts.length} hosts seen to, ${bad} of them not as they are to be.`,
      {
        State: bad === 0 ? 'Ready' : 'Failed',
      },
    );
    return outcome;
  }
}
