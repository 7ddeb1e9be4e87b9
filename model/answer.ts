/**
 * The proof that an answer comes from a host: the text that the host signs, and how the signature travels. Everybody with
 * access to Temporal can take a job from a host's queue and answer it, but only the host can sign the answer.
 */

/** Travels in a result as its field `proof`, and with a failure as its second detail. */
export interface Proof {
  readonly v: 1;
  readonly activityId: string;
  readonly activityType: string;
  readonly attempt: number;
  /** Ed25519 over `answerText`, base64url. */
  readonly signature: string;
}

export type AnswerKind = 'result' | 'failure' | 'cancelled';

export interface AnsweredCall extends Omit<Proof, 'v' | 'signature'> {
  readonly hostId: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly outcome: AnswerKind;
}

/** The body of a failure, as it is signed. */
export interface FailureBody {
  readonly type: string;
  readonly message: string;
  /** Its first detail. */
  readonly detail: unknown;
}

/** One call of a workflow: the host that the job was sent to, and the job. */
export interface HostCall {
  readonly hostId: string;
  readonly activityId: string;
  readonly activityType: string;
}

/** An answer as a workflow received it. */
export interface ReceivedAnswer extends HostCall {
  readonly outcome: AnswerKind;
  /** A result without its proof, or a `FailureBody`. */
  readonly body: object;
  readonly proof?: Proof;
}

/** A result as a workflow received it. */
export function receivedResult(call: HostCall, answer: { readonly proof?: Proof }): ReceivedAnswer {
  const { proof } = answer;
  return {
    ...call,
    outcome: 'result',
    body: withoutProof(answer),
    ...(proof === undefined ? {} : { proof }),
  };
}

/** The text that a host signs: it names the one call that the answer belongs to. */
export function answerText(call: AnsweredCall, body: unknown): string {
  const { hostId, workflowId, runId, activityId, activityType, attempt, outcome } = call;
  const about = [hostId, workflowId, runId, activityId, activityType, attempt, outcome];
  return canonicalJson(['bypass answer 1', ...about, body]);
}

/** An answer without its proof. */
export function withoutProof(answer: object): object {
  const { proof: _proof, ...body } = answer as { readonly proof?: unknown };
  return body;
}

/** JSON with sorted fields, so that both ends of a queue make the same text. */
export const canonicalJson = (value: unknown): string => JSON.stringify(value, inOrder) ?? 'null';

const inOrder = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
