/**
 * How an answer of a host is shown to be its own: what its key signs, and how that travels. Whoever reaches Temporal can
 * take a job from a host's queue and answer it; only the host can sign.
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

export type Outcome = 'result' | 'failure' | 'cancelled';

export interface AnsweredCall extends Omit<Proof, 'v' | 'signature'> {
  readonly hostId: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly outcome: Outcome;
}

/** The body of a failure, as it is signed. */
export interface FailureBody {
  readonly type: string;
  readonly message: string;
  /** Its first detail. */
  readonly detail: unknown;
}

/** One answer to one call: what is signed for one says nothing about any other. */
export function answerText(call: AnsweredCall, body: unknown): string {
  const { hostId, workflowId, runId, activityId, activityType, attempt, outcome } = call;
  const about = [hostId, workflowId, runId, activityId, activityType, attempt, outcome];
  return canonicalJson(['bypass answer 1', ...about, body]);
}

/** What a host answered, without its proof. */
export function withoutProof(answer: object): object {
  const { proof: _proof, ...body } = answer as { readonly proof?: unknown };
  return body;
}

/** JSON with the fields in one order, whatever order they came in; so both ends of a queue make the same text. */
export const canonicalJson = (value: unknown): string => JSON.stringify(value, inOrder) ?? 'null';

const inOrder = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
