/**
 * A certificate was uploaded, revoked or deleted: the keystores of the hosts that this concerns are brought up to date,
 * a few at a time. The database lists what each host is to hold; a later change signals the hosts that it concerns, and
 * they are brought up to date once more.
 */
import { defineSignal, setHandler, workflowInfo } from '@temporalio/workflow';
import { certificateRequest } from '../../model/messages/runs.ts';
import { read } from '../../model/messages/schema.ts';
import { WANTED_SIGNAL, workflowTypes } from '../../model/names.ts';
import type {
  CertificateInput,
  CertificateOutcome,
  CertificateRequest,
} from '../../model/certificate-jobs.ts';
import { continueAs } from '../continue-as-new.ts';
import { receiveEndNotices } from '../end-notices.ts';
import { syncKeystore } from '../host/sync-keystore.ts';
import { control } from '../policies.ts';
import { timingOf } from '../run-input.ts';
import { show } from '../status.ts';

const wantedSignal = defineSignal<[CertificateRequest]>(WANTED_SIGNAL);

export async function certificate(input: CertificateInput): Promise<CertificateOutcome> {
  const timing = timingOf('certificate', input);
  const left = new Set(input.left);
  const notices = receiveEndNotices();
  const done = new Map<string, CertificateOutcome['hosts'][number]>();
  setHandler(wantedSignal, (request) => {
    for (const hostId of read(certificateRequest, request).value?.hostIds ?? []) left.add(hostId);
  });
  const syncRemaining = async (): Promise<void> => {
    for (const hostId of left) {
      if (workflowInfo().continueAsNewSuggested) return;
      left.delete(hostId);
      const { settled, problem } = await syncKeystore(hostId, notices, timing);
      done.set(hostId, settled ? { hostId } : { hostId, problem: problem ?? 'it has not confirmed it' });
    }
  };
  for (;;) {
    show(`Certificate ${input.alias}: ${left.size} hosts are to be brought up to date.`, {
      State: 'Importing',
    });
    await Promise.all(Array.from({ length: timing.hostsAtOnce }, syncRemaining));
    if (left.size > 0 && workflowInfo().continueAsNewSuggested) {
      return continueAs(workflowTypes.certificate, { ...input, left: [...left] });
    }
    const outcome: CertificateOutcome = { v: 1, hosts: [...done.values()] };
    if (left.size === 0) await control('Record the outcome').concludeCertificate(input, outcome);
    // A request came while the outcome was recorded.
    if (left.size > 0) continue;
    const failed = outcome.hosts.filter(({ problem }) => problem !== undefined).length;
    const reached = outcome.hosts.length - failed;
    show(
      `Certificate ${input.alias}: ${reached} of ${outcome.hosts.length} hosts are up to date, ${failed} are not.`,
      { State: failed === 0 ? 'Ready' : 'Failed' },
    );
    return outcome;
  }
}
