/** Hosts are asked, and only what they signed is believed: one place for all that is asked of a host. */
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { CancellationScope, proxyActivities, uuid4 } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';
import type { AnswerActivities, GivenAnswer } from '../activities/control-answers.ts';
import { withoutProof } from '../model/answer.ts';
import type { FailureBody, Proof } from '../model/answer.ts';
import type { HostAnswer } from '../model/payloads.ts';
import { causeOf } from './failures.ts';

type Ask = (job: unknown) => Promise<HostAnswer>;
export type Accept = AnswerActivities['acceptAnswer'];

export interface Asking {
  readonly hostId: string;
  /** Has the control side look at the signature. */
  readonly accept: Accept;
}

/**
 * Activities of a host. An answer that the host did not sign, a good or a bad one, is a failure of the kind NotSigned.
 * What the server says itself, such as that a host is not heard of, needs no signature.
 */
export const believing = (asking: Asking, options: ActivityOptions): Readonly<Record<string, Ask>> =>
  new Proxy(
    {},
    {
      get:
        (_target, activityType): Ask =>
        (job) =>
          ask(asking, String(activityType), options, job),
    },
  );

async function ask(
  { hostId, accept }: Asking,
  activityType: string,
  options: ActivityOptions,
  job: unknown,
): Promise<HostAnswer> {
  // Named here, so that an answer to an earlier call of the same run is none to this one.
  const activityId = uuid4();
  const call = { hostId, activityId, activityType };
  const run = proxyActivities<Record<string, Ask>>({ ...options, activityId })[
    activityType
  ] as unknown as Ask;
  let answer: HostAnswer;
  try {
    answer = await run(job);
  } catch (error) {
    const failure = failureOf(error);
    if (failure !== undefined) await uncancelled(accept, { ...call, ...failure });
    throw error;
  }
  const { proof } = answer;
  const body = withoutProof(answer);
  await uncancelled(accept, { ...call, outcome: 'result', body, ...(proof === undefined ? {} : { proof }) });
  return answer;
}

type Told = Pick<GivenAnswer, 'outcome' | 'body' | 'proof'>;

/** What the host itself says of its failure; undefined when it is the server that speaks. */
function failureOf(error: unknown): Told | undefined {
  const cause = causeOf(error);
  if (cause instanceof ApplicationFailure) return told('failure', cause.type ?? '', cause);
  if (!(cause instanceof CancelledFailure)) return undefined;
  const bare = cause.details === undefined || cause.details.length === 0;
  return bare && CancellationScope.current().consideredCancelled ? undefined : told('cancelled', '', cause);
}

function told(
  outcome: Told['outcome'],
  type: string,
  { message, details }: { readonly message: string; readonly details?: unknown[] | null | undefined },
): Told {
  const [detail = null, proof] = (details ?? []) as [unknown?, Proof?];
  const body: FailureBody = { type, message, detail };
  return { outcome, body, ...(proof === undefined || proof === null ? {} : { proof }) };
}

/** What was done is looked at even when nobody waits for it any more. */
const uncancelled = (accept: Accept, answer: GivenAnswer): Promise<void> =>
  CancellationScope.nonCancellable(() => accept(answer));
