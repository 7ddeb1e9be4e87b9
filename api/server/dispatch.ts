/**
 * From a request to its answer. A call passes these steps in this order, and the first that fails decides the answer:
 *
 * 1. The parameters are read from the query and the form.
 * 2. Commands that need no credentials (login, logout) run at once, and set cookies.
 * 3. The signature or the session is verified. Until then every failure is the same 401, so that nobody learns which
 *    users exist.
 * 4. The call is counted against the limit of its user.
 * 5. The role of the user must allow the command. Roles are checked here and nowhere else.
 * 6. A call that wants to wait for something, such as the end of a job, does so.
 * 7. The call waits for its turn among the calls of its user. It holds the turn until its answer has left, so that slow
 *    readers cannot fill the memory with answers.
 * 8. The command runs. Where the caller allows an older answer (`maxage`), a shared one may take its place.
 *
 * Every answer and every refusal is wrapped as CloudStack wraps it: `{"listzonesresponse": …}`. Users who are no
 * administrators see no hosts in it: stored sentences name none, and each field of an answer decides by the caller's role. An exception that is no `ApiError` becomes a 530 without details; the log has
 * the exception.
 */
import type { FastifyBaseLogger } from 'fastify';
import type { Role, User } from '../../db/accounts/accounts.ts';
import { authenticate } from './authenticate.ts';
import type { ApiDependencies, Command, CommandContext, Documented } from './command.ts';
import { cloudStackCommand, notDone } from './cloudstack-commands.ts';
import { apiCodes } from '../../model/api-codes.ts';
import { subjectsOfCall } from '../../model/log-subjects.ts';
import type { LogSubjects } from '../../model/log-subjects.ts';
import { ApiError, badParameter, notAvailable } from './errors.ts';
import { asApiError, internalError } from './known-errors.ts';
import { findCommand, findPublicCommand } from './registry.ts';
import { type SentParameters, readParameters } from './request.ts';
import type { Answer } from '../fields/response.ts';

export interface ApiRequest {
  /** Query and form, undecoded. */
  readonly texts: readonly string[];
  readonly idempotencyKey: string | undefined;
  readonly cookies: string | undefined;
  /** Whether the request came over TLS. */
  readonly secure: boolean;
  readonly isPost: boolean;
  /** Whether a page of another site sent it. */
  readonly isCrossSite: boolean;
  /** The IP address of the client. */
  readonly address: string;
  readonly id: string;
  /** The header `traceparent`. */
  readonly traceparent?: string | undefined;
  /** Settles when the answer has left, or the connection has closed. */
  readonly sent: Promise<unknown>;
  readonly log: FastifyBaseLogger;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers?: Record<string, string | string[]>;
}

/** A command of Bypass, or one that only CloudStack has. */
type KnownCommand = Pick<Documented, 'name'>;

/** Milliseconds from a call to its answer: clients give up after 10 s. */
const ANSWER_WITHIN_MS = 7_800;
const NO_COMMAND = 'Invalid request, no command sent: give the parameter command, such as command=listApis.';
const MAX_IDEMPOTENCY_KEY = 255;

/** Answers a call, as a part of a trace where calls are traced. */
export function dispatch(dependencies: ApiDependencies, request: ApiRequest): Promise<ApiAnswer> {
  const { trace } = dependencies;
  if (trace === undefined) return answerCall(dependencies, request, () => undefined);
  const name = nameIn(request.texts);
  // Nobody knows the caller yet: calls of no command make no traces.
  if (name === undefined) return answerCall(dependencies, request, () => undefined);
  const call = { name, traceparent: request.traceparent };
  return trace(call, (onEnd) => answerCall(dependencies, request, onEnd));
}

/** Aborts when the connection has closed before the answer left. */
function whenSent({ sent }: ApiRequest): AbortSignal {
  const gone = new AbortController();
  void sent.then(() => gone.abort());
  return gone.signal;
}

/** The name of the command; undefined where there is none of that name. */
function nameIn(texts: ApiRequest['texts']): string | undefined {
  try {
    const name = readParameters(...texts).get('command') ?? '';
    return (findPublicCommand(name) ?? findCommand(name))?.name;
  } catch {
    return undefined;
  }
}

async function answerCall(
  dependencies: ApiDependencies,
  request: ApiRequest,
  onEnd: (status: number, about: LogSubjects) => void,
): Promise<ApiAnswer> {
  const answerBy = Date.now() + ANSWER_WITHIN_MS;
  const { log } = request;
  let command: KnownCommand | undefined;
  let user: User | undefined;
  let status = 200;
  let about: LogSubjects = {};
  try {
    const sent = readParameters(...request.texts);
    const name = sent.get('command') ?? '';
    const publicCommand = findPublicCommand(name);
    if (publicCommand !== undefined) {
      command = publicCommand;
      checkEnvelope(sent, request);
      const given = await publicCommand.execute({ ...dependencies, ...request }, sent);
      const headers = { 'set-cookie': [...given.cookies] };
      return { status: 200, body: wrap(publicCommand, given.answer), headers };
    }
    const called = findCommand(name);
    command = called ?? namedByCloudStack(name);
    about = subjectsOfCall(name, sent.entries);
    user = await authenticate(dependencies, sent, request.cookies, mayBeOld(called, sent));
    await countCall(dependencies, user);
    const allowed = permitted(called, user, sent);
    checkEnvelope(sent, request);
    const context = {
      ...dependencies,
      command: allowed.name,
      caller: user,
      idempotencyKey: request.idempotencyKey,
      isPost: request.isPost,
      answerBy,
      log,
    };
    if (allowed.waitFirst !== undefined) await allowed.waitFirst(context, sent, whenSent(request));
    // The turn ends when the answer has left: until then the answer takes memory.
    void request.sent.then(await dependencies.turns.enter(user.userUuid));
    return { status: 200, body: wrap(command, await execute(allowed, context, sent)) };
  } catch (error) {
    const refusal = asApiError(error) ?? internalError(request.id);
    if (refusal.code >= apiCodes.internal && refusal !== error)
      log.error({ ...about, err: error }, 'a call failed');
    const refused = refuse(command, refusal, user?.role);
    status = refused.status;
    return refused;
  } finally {
    const ms = Date.now() + ANSWER_WITHIN_MS - answerBy;
    log.info({ command: command?.name, ...about, user: user?.username, status, ms }, 'call');
    dependencies.onAnswered?.({ command: command?.name ?? 'unknown', status, ms });
    onEnd(status, about);
  }
}

/** Runs the command, or shares a recent answer to the same question if the caller allows one by `maxage`. */
function execute(command: Command, context: CommandContext, sent: SentParameters): Promise<Answer> {
  const maxAge = readMaxAge(sent);
  if (!mayBeOld(command, sent)) return command.execute(context, sent);
  const { accountUuid: account, role } = context.caller;
  const key = JSON.stringify([command.name, account, role, declared(command, sent)]);
  return context.answers.get({ account, key, maxAgeMs: maxAge * 1000 }, () => command.execute(context, sent));
}

/** The parameters that the command declares, in one order. Only these tell one question from another. */
const declared = (
  { parameters }: Command,
  { entries }: SentParameters,
): readonly (readonly [string, string])[] =>
  entries
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name]) => Object.hasOwn(parameters, name.split(/[.[]/, 1)[0] ?? ''))
    .toSorted(([one], [other]) => (one < other ? -1 : 1));

const mayBeOld = (command: Documented | undefined, sent: SentParameters): boolean =>
  /^(?:list|getTemplate)/.test(command?.name ?? '') && /^[1-9]$/.test(sent.get('maxage') ?? '');

function readMaxAge(sent: SentParameters): number {
  const text = sent.get('maxage') ?? '0';
  if (/^\d$/.test(text)) return Number(text);
  throw badParameter('maxage', `is '${text.slice(0, 20)}'; give seconds from 0 to 9.`);
}

/** @throws ApiError 401 when the role of the user does not allow the command */
function permitted(command: Command | undefined, user: User, sent: SentParameters): Command {
  const name = sent.get('command');
  if (name === undefined || name === '') throw new ApiError(apiCodes.unsupported, NO_COMMAND);
  const lacking = command === undefined ? cloudStackCommand(name) : undefined;
  if (lacking !== undefined) throw notDone(lacking);
  if (command === undefined || !command.roles.includes(user.role)) throw notAvailable(name.slice(0, 100));
  return command;
}

function namedByCloudStack(called: string): KnownCommand | undefined {
  const name = cloudStackCommand(called);
  return name === undefined ? undefined : { name };
}

/** @throws ApiError 429 in the words of CloudStack, which clients look for */
async function countCall({ calls }: ApiDependencies, { userUuid }: User): Promise<void> {
  const wait = await calls.take(userUuid);
  if (wait === 0) return;
  throw new ApiError(
    apiCodes.limit,
    `The given user has reached his/her account api limit, please retry after ${wait} ms.`,
    { retryAfterMs: wait },
  );
}

function checkEnvelope(sent: SentParameters, { idempotencyKey }: ApiRequest): void {
  const format = sent.get('response')?.toLowerCase() ?? 'json';
  if (format !== 'json') throw badParameter('response', 'must be json, or absent: answers are JSON only.');
  if ((idempotencyKey?.length ?? 0) > MAX_IDEMPOTENCY_KEY) {
    throw new ApiError(
      apiCodes.parameter,
      `The header Idempotency-Key is longer than ${MAX_IDEMPOTENCY_KEY} characters.`,
      { parameter: 'customid' },
    );
  }
}

const wrap = (command: KnownCommand | undefined, answer: unknown): ApiAnswer['body'] => ({
  [command === undefined ? 'errorresponse' : `${command.name.toLowerCase()}response`]: answer,
});

/** An error in CloudStack's wrapper: that of the command, or `errorresponse` when no command is known. */
export const refuse = (command: KnownCommand | undefined, error: ApiError, role?: Role): ApiAnswer => ({
  status: error.code,
  body: wrap(command, error.toBody(role)),
  ...(error.retryAfterMs === undefined
    ? {}
    : { headers: { 'retry-after': String(Math.ceil(error.retryAfterMs / 1000)) } }),
});
