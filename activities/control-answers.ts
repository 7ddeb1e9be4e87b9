/**
 * Whether what came from a host's queue was said by that host. Progress, which travels in heartbeats, is not signed: it
 * is shown, and decides nothing but how soon a download that broke off is tried again.
 */
import { activityInfo } from '@temporalio/activity';
import { recordEvent } from '../db/events.ts';
import { signingKeyOf } from '../db/hosts.ts';
import type { Queryable } from '../db/database.ts';
import { answerText, withoutProof } from '../model/answer.ts';
import type { AnsweredCall, FailureBody, Outcome, Proof } from '../model/answer.ts';
import type { Failure } from '../model/failures.ts';
import type { HostActivityName } from '../model/host-activities.ts';
import type { HostAnswer } from '../model/payloads.ts';
import { verifySignature } from '../trust/keys.ts';
import { applicationFailure } from './context.ts';
import type { ControlDeps } from './control.ts';

/** An answer as a workflow got it. */
export interface GivenAnswer {
  /** Whom the job was sent to, and which job. */
  readonly hostId: string;
  readonly activityId: string;
  readonly activityType: string;
  readonly outcome: Outcome;
  /** A result without its proof, or a `FailureBody`. */
  readonly body: object;
  readonly proof?: Proof;
}

export interface AnswerActivities {
  /** @throws ApplicationFailure NotSigned when the host did not say this, here and now */
  acceptAnswer(answer: GivenAnswer): Promise<void>;
}

export function createAnswerActivities({ db }: ControlDeps): AnswerActivities {
  return {
    async acceptAnswer(answer) {
      const { hostId, activityId, activityType, proof } = answer;
      const host = await signingKeyOf(db, hostId);
      const asked = proof?.activityId === activityId && proof.activityType === activityType;
      if (asked && saysItself(answer) && isSigned(host?.signingKey, answer, proof)) return;
      const message = `host ${host?.name ?? hostId} did not sign what came as its answer to ${activityType}`;
      const { workflowId, runId } = thisRun();
      await recordEvent(db, {
        type: 'HOST.ANSWER.REFUSED',
        level: 'ERROR',
        description: `H${message.slice(1)}${quoted(answer)}: somebody else who can reach Temporal may have given it`,
        resourceType: 'Host',
        resourceUuid: hostId,
        workflowId,
        once: `unsigned:${runId}:${activityId}`,
      });
      throw notSigned(message);
    },
  };
}

/**
 * For what is written down: the same once more, so that it does not hang on the workflow, which others could play.
 * @throws ApplicationFailure NotSigned
 */
export async function requireSigned(
  db: Queryable,
  activityTypes: readonly HostActivityName[],
  answer: HostAnswer,
): Promise<void> {
  const { hostId, proof } = answer;
  const host = await signingKeyOf(db, hostId);
  const given = { hostId, outcome: 'result', body: withoutProof(answer) } as const;
  const expected = proof !== undefined && activityTypes.some((type) => type === proof.activityType);
  if (expected && isSigned(host?.signingKey, given, proof)) return;
  throw notSigned(`host ${host?.name ?? hostId} did not sign what is to be recorded as its answer`);
}

const QUOTED = 200;

/** What a host of another release says, which cannot do the job, helps whoever reads the event. */
const quoted = ({ outcome, body }: GivenAnswer): string =>
  outcome === 'result' ? '' : ` ("${String((body as Partial<FailureBody>).message).slice(0, QUOTED)}")`;

/** A result names the host that it comes from. */
const saysItself = ({ hostId, outcome, body }: GivenAnswer): boolean =>
  outcome !== 'result' || (body as Partial<HostAnswer>).hostId === hostId;

function isSigned(
  signingKey: string | undefined,
  { hostId, outcome, body }: Pick<GivenAnswer, 'hostId' | 'outcome' | 'body'>,
  { activityId, activityType, attempt, signature }: Proof,
): boolean {
  const call: AnsweredCall = { hostId, ...thisRun(), activityId, activityType, attempt, outcome };
  return signingKey !== undefined && verifySignature(signingKey, answerText(call, body), signature);
}

function thisRun(): Pick<AnsweredCall, 'workflowId' | 'runId'> {
  const { workflowId, runId } = activityInfo().workflowExecution ?? { workflowId: '', runId: '' };
  return { workflowId, runId };
}

function notSigned(message: string): Error {
  const failure: Failure = { kind: 'NotSigned', message };
  return applicationFailure(failure);
}
