/** Joins a host to the installation: starts the join workflow on the control queue, and repeats it until it answers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError } from '@temporalio/client';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { CONTROL_QUEUE, HOST_MEMO, joinWorkflowId, workflowTypes } from '../model/names.ts';
import type { HostReport } from '../model/payloads.ts';
import { isLate } from '../orchestration/workflow-status.ts';
import { fingerprint } from '../trust/identity.ts';
import type { Identity } from '../trust/identity.ts';
import { proofOf } from '../trust/invite.ts';
import type { InviteProof } from '../trust/invite.ts';
import type { Logger } from './runtime.ts';
import { joinText } from '../model/joining.ts';
import type { JoinAnswer, JoinRequest } from '../model/joining.ts';

const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 30_000;
const POLL_MS = 5000;
/** Milliseconds without an answer after which the log warns that no control worker seems to run. */
const PATIENCE_MS = 15_000;

export interface JoinDeps {
  readonly client: Client;
  readonly identity: Identity;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly about: Pick<JoinRequest, 'name' | 'address' | 'zone' | 'cluster' | 'incarnation'>;
  /** Reads the invite again for each try; undefined when there is none. */
  readonly invite: () => Promise<string | undefined>;
  readonly report: () => Promise<HostReport>;
}

/**
 * Joins the host; repeats the request until a control worker answers.
 * @throws the signal's reason when aborted
 */
export async function join(deps: JoinDeps): Promise<JoinAnswer> {
  for (let wait = FIRST_RETRY_MS; ; wait = Math.min(2 * wait, LAST_RETRY_MS)) {
    try {
      const answer = await ask(deps);
      logAnswer(answer, deps);
      return answer;
    } catch (error) {
      deps.signal.throwIfAborted();
      deps.logger.warn(`not joined yet: ${sentence(error)}; next try in ${wait / 1000} s`);
    }
    await sleep(wait, undefined, { signal: deps.signal }).catch(() => deps.signal.throwIfAborted());
  }
}

async function ask(deps: JoinDeps): Promise<JoinAnswer> {
  const { client, identity, signal } = deps;
  const request = await createRequest(deps);
  const patience = setInterval(
    () => deps.logger.warn('waiting for a control worker to answer: does one run?'),
    PATIENCE_MS,
  );
  try {
    // A join workflow of an earlier start may still wait, with an outdated report, so it is terminated.
    const handle = await client.workflow.start<Join>(workflowTypes.join, {
      workflowId: joinWorkflowId(identity.hostId),
      taskQueue: CONTROL_QUEUE,
      workflowIdConflictPolicy: 'TERMINATE_EXISTING',
      args: [request],
      staticSummary: `Host ${request.name} joins`,
      memo: { [HOST_MEMO]: request.name },
    });
    return await unlessAborted(signal, resultOf(handle, deps));
  } finally {
    clearInterval(patience);
  }
}

type Join = (request: JoinRequest) => Promise<JoinAnswer>;

/** Waits for the result in short polls, since a call on the connection of the workers cannot be cancelled. */
async function resultOf(handle: WorkflowHandle<Join>, { client, signal }: JoinDeps): Promise<JoinAnswer> {
  for (;;) {
    try {
      return await client.withDeadline(Date.now() + POLL_MS, () => handle.result());
    } catch (error) {
      signal.throwIfAborted();
      if (!isLate(error)) throw error;
    }
  }
}

/** @throws the signal's reason at once when aborted; the work goes on, and its outcome is ignored */
function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

async function createRequest(deps: JoinDeps): Promise<JoinRequest> {
  const { identity, about, report } = deps;
  const { hostId, signingKey, sealingKey } = identity;
  const keys = { hostId, signingKey, sealingKey };
  const at = new Date().toISOString();
  const request = { v: 1, at, ...keys, ...about, report: await report() } as const;
  const text = joinText(request);
  const invite = await prove(deps, text);
  return { ...request, signature: identity.sign(text), ...(invite === undefined ? {} : { invite }) };
}

/** A host that was admitted before needs no invite, so an unreadable invite is logged and left out. */
async function prove({ invite, logger }: JoinDeps, text: string): Promise<InviteProof | undefined> {
  try {
    const token = await invite();
    return token === undefined ? undefined : proofOf(token, text);
  } catch (error) {
    logger.warn(`joining without an invite: ${(error as Error).message}`);
    return undefined;
  }
}

function logAnswer({ state, message }: JoinAnswer, { logger, identity }: JoinDeps): void {
  const { hostId, signingKey } = identity;
  const known = { hostId, fingerprint: fingerprint(signingKey) };
  if (state === 'Enabled') logger.info(known, `joined: ${message}`);
  else logger.warn(known, `joined, but ${state}: ${message}`);
}

function sentence(error: unknown): string {
  const { message } = error instanceof WorkflowFailedError ? deepest(error) : (error as Error);
  return message;
}

/** The failure of a workflow wraps that of its activity, which has the message for people. */
function deepest(error: Error): Error {
  return error.cause instanceof Error ? deepest(error.cause) : error;
}
