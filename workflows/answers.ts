/**
 * Calls to hosts, whose answers count only when the host signed them. Everybody with access to Temporal can take a job
 * from a host's queue and answer it, so that each answer, a result or a failure, goes to the control side first, which
 * holds the hosts' public keys.
 */
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { CancellationScope, proxyActivities, uuid4 } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';
import type { AnswerActivities } from '../activities/control/answers.ts';
import { receivedResult } from '../model/answer.ts';
import type { FailureBody, HostCall, Proof, ReceivedAnswer } from '../model/answer.ts';
import type { HostAnswer } from '../model/payloads.ts';
import { causeOf } from './failures.ts';

type HostActivity = (job: unknown) => Promise<HostAnswer>;
export type VerifyAnswer = AnswerActivities['acceptAnswer'];

export interface Verification {
  readonly hostId: string;
  /** The control activity that verifies the signature. */
  readonly verifyAnswer: VerifyAnswer;
}

/**
 * Activities of a host. A result or a failure that the host did not sign becomes a failure of the kind NotSigned.
 * Failures that Temporal's server reports, such as a time-out, have no signature and need none.
 */
export const verified = (
  verification: Verification,
  options: ActivityOptions,
): Readonly<Record<string, HostActivity>> =>
  new Proxy(
    {},
    {
      get:
        (_target, activityType): HostActivity =>
        async (job) => {
          const { answer, call } = await callHost(verification, String(activityType), options, job);
          await uncancelled(verification.verifyAnswer, receivedResult(call, answer));
          return answer;
        },
    },
  );

/** A result that nobody has verified yet, with the call whose result it is: the activity that records it verifies it. */
export interface Unverified<A extends HostAnswer> {
  readonly answer: A;
  readonly call: HostCall;
}

/** Calls an activity of a host. A failure is verified as `verified` does; a result is left to the caller. */
export async function callHost(
  { hostId, verifyAnswer }: Verification,
  activityType: string,
  options: ActivityOptions,
  job: unknown,
): Promise<Unverified<HostAnswer>> {
  // A signature covers the activity's id. A fresh id makes an answer to an earlier call of this run worthless here.
  const activityId = uuid4();
  const call = { hostId, activityId, activityType };
  const run = proxyActivities<Record<string, HostActivity>>({ ...options, activityId })[
    activityType
  ] as unknown as HostActivity;
  try {
    return { answer: await run(job), call };
  } catch (error) {
    const failure = failureOf(error);
    if (failure !== undefined) await uncancelled(verifyAnswer, { ...call, ...failure });
    throw error;
  }
}

type SignedPart = Pick<ReceivedAnswer, 'outcome' | 'body' | 'proof'>;

/** What the host signed of its failure; undefined for a failure that the server reports. */
function failureOf(error: unknown): SignedPart | undefined {
  const cause = causeOf(error);
  if (cause instanceof ApplicationFailure) return signedPart('failure', cause.type ?? '', cause);
  if (!(cause instanceof CancelledFailure)) return undefined;
  const bare = cause.details === undefined || cause.details.length === 0;
  return bare && CancellationScope.current().consideredCancelled
    ? undefined
    : signedPart('cancelled', '', { message: '', details: cause.details });
}

function signedPart(
  outcome: SignedPart['outcome'],
  type: string,
  { message, details }: { readonly message: string; readonly details?: unknown[] | null | undefined },
): SignedPart {
  const [detail = null, proof] = (details ?? []) as [unknown?, Proof?];
  const body: FailureBody = { type, message, detail };
  return { outcome, body, ...(proof === undefined || proof === null ? {} : { proof }) };
}

/** A cancelled workflow verifies the answer as well: it still records what the host did. */
const uncancelled = (verifyAnswer: VerifyAnswer, answer: ReceivedAnswer): Promise<void> =>
  CancellationScope.nonCancellable(() => verifyAnswer(answer));
