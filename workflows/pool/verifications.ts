/**
 * Verifies the copies of a zone whose turn it is, the one that was verified the longest ago first. A host verifies one at a
 * time, slowly; several hosts do so side by side. Each verification is the workflow of the copy (workflows/copy/verification.ts), as a
 * child: one that runs already, since another host got wrong bytes, is left alone.
 */
import { ChildWorkflowFailure, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { condition, defineSignal, executeChild, log, setHandler, workflowInfo } from '@temporalio/workflow';
import type { DueVerification } from '../../activities/control/verifications.ts';
import { verificationWorkflowId, WANTED_SIGNAL, workflowTypes } from '../../model/names.ts';
import { newRunParameters } from '../../model/rules/released.ts';
import { summaryOf } from '../../model/summary.ts';
import { verificationMs } from '../../model/timing.ts';
import type { VerificationsTiming } from '../../model/timing.ts';
import type {
  VerificationInput,
  VerificationResult,
  VerificationsInput,
  VerificationsResult,
} from '../../model/verification.ts';
import { continueAs } from '../continue-as-new.ts';
import { control } from '../policies.ts';
import { timingOf } from '../run-input.ts';
import { show } from '../status.ts';

const wantedSignal = defineSignal(WANTED_SIGNAL);

export async function verifications(input: VerificationsInput): Promise<VerificationsResult> {
  const { zoneId } = input;
  const timing = timingOf('verifications', input);
  const busy = new Set<string>();
  let verified = 0;
  let requested = 0;
  setHandler(wantedSignal, () => {
    requested += 1;
  });
  const verify = async (copy: DueVerification): Promise<void> => {
    busy.add(copy.hostId);
    if (await verifyCopy(copy, timing)) verified += 1;
    busy.delete(copy.hostId);
  };
  for (;;) {
    const served = requested;
    const isLong = workflowInfo().continueAsNewSuggested;
    const places = isLong ? 0 : timing.hostsAtOnce - busy.size;
    const due =
      places > 0 ? await control('See whose turn it is').nextVerifications(zoneId, [...busy], places) : [];
    for (const copy of due) void verify(copy);
    show(`${busy.size} hosts verify copies.`, { ZoneId: zoneId, State: 'Verifying' });
    const before = busy.size;
    if (before === 0 && isLong) return continueAs(workflowTypes.verifications, input);
    if (before === 0 && requested === served) break;
    await condition(() => busy.size < before || (!isLong && requested !== served));
  }
  show(`${verified} copies were verified.`, { ZoneId: zoneId, State: 'Verified' });
  return { v: 1, verified };
}

/** @returns whether a host has answered */
async function verifyCopy(
  { size, copyName, ...copy }: DueVerification,
  { mostTries, patience }: VerificationsTiming,
): Promise<boolean> {
  const { templateId, poolId, bytesPerSecond } = copy;
  const { runMs: leastMs = 0 } = newRunParameters('verification').timing;
  const runMs = Math.max(leastMs, verificationMs({ size, bytesPerSecond, patience }));
  const input: VerificationInput = {
    v: 1,
    ...copy,
    ...newRunParameters('verification', { mostTries, runMs }),
  };
  try {
    const { outcome } = await executeChild<(given: VerificationInput) => Promise<VerificationResult>>(
      workflowTypes.verification,
      {
        workflowId: verificationWorkflowId(templateId, poolId),
        args: [input],
        parentClosePolicy: 'ABANDON',
        staticSummary: summaryOf(`Verify ${copyName}, since it is time`),
      },
    );
    return outcome === 'right' || outcome === 'wrong';
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    if (!(error instanceof ChildWorkflowFailure)) throw error;
    log.warn(`${copyName} was not verified: ${error.message}`);
    return false;
  }
}
