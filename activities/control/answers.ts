/**
 * Verifies that an answer from a host's queue was signed by that host. Progress, which travels in heartbeats, is not
 * signed: it is shown, and decides only how soon the rules try an interrupted download again.
 */
import { activityInfo } from '@temporalio/activity';
import { recordEvent } from '../../db/events/events.ts';
import { signingKeyOf } from '../../db/hosts/hosts.ts';
import type { Queryable } from '../../db/database.ts';
import { answerText, withoutProof } from '../../model/answer.ts';
import type { AnsweredCall, FailureBody, Proof, ReceivedAnswer } from '../../model/answer.ts';
import type { NamedHost } from '../../model/failures.ts';
import type { HostActivityName } from '../../model/host-activities.ts';
import { hostResults } from '../../model/messages/answers.ts';
import { read } from '../../model/messages/schema.ts';
import type { Schema } from '../../model/messages/schema.ts';
import type { HostAnswer } from '../../model/payloads.ts';
import { verifySignature } from '../../trust/keys.ts';
import { applicationFailure } from '../context.ts';
import type { ControlDeps } from './deps.ts';

export interface AnswerActivities {
  /**
   * Verifies an answer to one call of the calling workflow.
   * @throws ApplicationFailure NotSigned when the host did not sign this answer to this call; HostFault when it is
   * unreadable
   */
  acceptAnswer(answer: ReceivedAnswer): Promise<void>;
}

export const createAnswerActivities = ({ db }: ControlDeps): AnswerActivities => ({
  async acceptAnswer(answer) {
    const host = await requireSigned(db, answer);
    // The workflow reads failures itself, and copes with missing fields.
    if (answer.outcome === 'result' && isHostActivity(answer.activityType))
      readResult(answer.activityType, answer.body, host);
  },
});

type HostResults = {
  readonly [N in HostActivityName]: (typeof hostResults)[N] extends Schema<infer T> ? T : never;
};

/**
 * Verifies a result of one call of the calling workflow.
 * @returns the result, with the fields that this release knows, and the host
 * @throws ApplicationFailure as `acceptAnswer`
 */
export async function acceptResult<N extends HostActivityName>(
  db: Queryable,
  activityType: N,
  answer: ReceivedAnswer,
): Promise<{ readonly result: HostResults[N]; readonly host: NamedHost }> {
  const host = await requireSigned(db, { ...answer, activityType, outcome: 'result' });
  return { result: readResult(activityType, answer.body, host), host };
}

/** @throws ApplicationFailure NotSigned, after it has recorded that as an event */
async function requireSigned(db: Queryable, answer: ReceivedAnswer): Promise<NamedHost> {
  const { hostId, activityId, activityType, proof } = answer;
  const host = await signingKeyOf(db, hostId);
  const isOfThisCall = proof?.activityId === activityId && proof.activityType === activityType;
  if (isOfThisCall && namesItsHost(answer) && isSigned(host?.signingKey, answer, proof))
    return nameOf(hostId, host);
  const what = `did not sign what came as its answer to ${activityType}`;
  const { workflowId, runId } = callingRun();
  await recordEvent(db, {
    type: 'HOST.ANSWER.REFUSED',
    level: 'ERROR',
    description: `Host ${host?.name ?? hostId} ${what}${quoted(answer)}: somebody else who can reach Temporal may have given it`,
    resourceType: 'Host',
    resourceUuid: hostId,
    workflowId,
    once: `unsigned:${runId}:${activityId}`,
  });
  throw notSigned(`the host ${what}`, nameOf(hostId, host));
}

/**
 * Verifies a result once more before it is recorded: a workflow that somebody else started could pass any result on.
 * @returns the result, with the fields that this release knows
 * @throws ApplicationFailure NotSigned; HostFault when the result is unreadable
 */
export async function readSigned<N extends HostActivityName>(
  db: Queryable,
  activityTypes: readonly N[],
  answer: HostAnswer,
): Promise<HostResults[N]> {
  const { hostId, proof } = answer;
  const host = await signingKeyOf(db, hostId);
  const signedPart = { hostId, outcome: 'result', body: withoutProof(answer) } as const;
  const type = activityTypes.find((name) => name === proof?.activityType);
  if (proof === undefined || type === undefined || !isSigned(host?.signingKey, signedPart, proof)) {
    throw notSigned('the host did not sign what is to be recorded as its answer', nameOf(hostId, host));
  }
  return readResult(type, answer, nameOf(hostId, host));
}

/** @throws ApplicationFailure HostFault when it is unreadable */
function readResult<N extends HostActivityName>(
  activityType: N,
  body: object,
  host: NamedHost,
): HostResults[N] {
  const { value, problem } = read<unknown>(hostResults[activityType], body);
  if (problem !== undefined) throw unreadable(host, activityType, problem);
  return value as HostResults[N];
}

const isHostActivity = (name: string): name is HostActivityName => Object.hasOwn(hostResults, name);

const unreadable = (host: NamedHost, activityType: string, problem: string): Error =>
  applicationFailure({
    kind: 'HostFault',
    message: `what the host answered to ${activityType} cannot be understood: ${problem}`,
    host,
  });

/** @param host undefined when there is no such host any more */
const nameOf = (id: string, host: { readonly name: string } | undefined): NamedHost => ({
  id,
  name: host?.name ?? id,
});

const MAX_QUOTE_LENGTH = 200;

/** The message of an unsigned failure: that of a host of another release explains the event. */
const quoted = ({ outcome, body }: ReceivedAnswer): string =>
  outcome === 'result'
    ? ''
    : ` ("${String((body as Partial<FailureBody>).message).slice(0, MAX_QUOTE_LENGTH)}")`;

/** Whether a result names the host that the job was sent to. */
const namesItsHost = ({ hostId, outcome, body }: ReceivedAnswer): boolean =>
  outcome !== 'result' || (body as Partial<HostAnswer>).hostId === hostId;

function isSigned(
  signingKey: string | undefined,
  { hostId, outcome, body }: Pick<ReceivedAnswer, 'hostId' | 'outcome' | 'body'>,
  { activityId, activityType, attempt, signature }: Proof,
): boolean {
  const call: AnsweredCall = { hostId, ...callingRun(), activityId, activityType, attempt, outcome };
  return signingKey !== undefined && verifySignature(signingKey, answerText(call, body), signature);
}

function callingRun(): Pick<AnsweredCall, 'workflowId' | 'runId'> {
  const { workflowId, runId } = activityInfo().workflowExecution ?? { workflowId: '', runId: '' };
  return { workflowId, runId };
}

const notSigned = (message: string, host: NamedHost): Error =>
  applicationFailure({ kind: 'NotSigned', message, host });
