/** From a request to its answer: who calls, what he may, what he asks for, and how it is wrapped. */
import type { FastifyBaseLogger } from 'fastify';
import type { User } from '../db/accounts.ts';
import type { Database } from '../db/database.ts';
import { authenticate } from './authenticate.ts';
import type { ApiDependencies, Command, CommandContext, Documented } from './command.ts';
import { discreet } from './discretion.ts';
import { ApiError, badParameter, errorCode, notAvailable } from './errors.ts';
import { explain, internalError } from './explain.ts';
import { findCommand, findDoor } from './registry.ts';
import { type Given, readParameters } from './request.ts';
import type { Answer } from './response.ts';

export interface ApiRequest {
  /** Query and form, as they came. */
  readonly texts: readonly string[];
  readonly idempotencyKey: string | undefined;
  readonly cookies: string | undefined;
  /** Whether it came over TLS. */
  readonly secure: boolean;
  readonly isPost: boolean;
  /** Where it came from. */
  readonly address: string;
  readonly id: string;
  readonly log: FastifyBaseLogger;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers?: Record<string, string | string[]>;
}

/** Milliseconds: clients give up after 10 s. */
const ANSWER_WITHIN = 7_800;
const NO_COMMAND = 'Invalid request, no command sent: give the parameter command, such as command=listApis.';
const MAX_IDEMPOTENCY_KEY = 255;
/** What says who calls and how, and changes nothing of the answer to a list. */
const ENVELOPE: ReadonlySet<string> = new Set([
  'command',
  'response',
  'apikey',
  'signature',
  'signatureversion',
  'expires',
  'sessionkey',
  'maxage',
]);

export async function dispatch(dependencies: ApiDependencies, request: ApiRequest): Promise<ApiAnswer> {
  const answerBy = Date.now() + ANSWER_WITHIN;
  const { log } = request;
  let command: Documented | undefined;
  let user: User | undefined;
  try {
    const given = readParameters(...request.texts);
    const name = given.get('command') ?? '';
    const door = findDoor(name);
    if (door !== undefined) {
      command = door;
      checkEnvelope(given, request);
      const { answer, cookies } = await door.open({ ...dependencies, ...request }, given);
      return { status: 200, body: wrap(door, answer), headers: { 'set-cookie': [...cookies] } };
    }
    const called = findCommand(name);
    command = called;
    user = await authenticate(dependencies, given, request.cookies, mayBeOld(called, given));
    countCall(dependencies, user);
    const allowed = permitted(called, user, given);
    checkEnvelope(given, request);
    const context = {
      ...dependencies,
      command: allowed.name,
      caller: user,
      idempotencyKey: request.idempotencyKey,
      answerBy,
      log,
    };
    const answer = await execute(allowed, context, given);
    return { status: 200, body: wrap(command, await discreet(dependencies.db, user, answer)) };
  } catch (error) {
    const told = explain(error) ?? internalError(request.id);
    if (told.code >= errorCode.internal && told !== error) log.error({ err: error }, 'a call failed');
    return await refuseDiscreetly(dependencies.db, { command, user, error: told });
  } finally {
    log.info(
      { command: command?.name, user: user?.username, ms: Date.now() + ANSWER_WITHIN - answerBy },
      'call',
    );
  }
}

/** An error may have to be told although the database is away. */
async function refuseDiscreetly(
  db: Database,
  {
    command,
    user,
    error,
  }: { readonly command: Documented | undefined; readonly user: User | undefined; readonly error: ApiError },
): Promise<ApiAnswer> {
  const { status, body, headers } = refuse(command, error);
  const told = user === undefined ? body : await discreet(db, user, body).catch(() => body);
  return { status, body: told, ...(headers === undefined ? {} : { headers }) };
}

/** What is only read may be an answer that was given a moment ago, where the caller says how old it may be. */
function execute(command: Command, context: CommandContext, given: Given): Promise<Answer> {
  const maxAge = readMaxAge(given);
  if (!mayBeOld(command, given)) return command.execute(context, given);
  const { accountUuid, role } = context.caller;
  const asked = given.entries
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name]) => !ENVELOPE.has(name));
  const key = JSON.stringify([command.name, accountUuid, role, asked]);
  return context.answers.get(key, maxAge * 1000, () => command.execute(context, given));
}

const mayBeOld = (command: Documented | undefined, given: Given): boolean =>
  /^(?:list|get)/.test(command?.name ?? '') && /^[1-9]$/.test(given.get('maxage') ?? '');

function readMaxAge(given: Given): number {
  const text = given.get('maxage') ?? '0';
  if (/^\d$/.test(text)) return Number(text);
  throw badParameter('maxage', `is '${text.slice(0, 20)}'; give seconds from 0 to 9.`);
}

/** The one place where roles are checked. */
function permitted(command: Command | undefined, user: User, given: Given): Command {
  const name = given.get('command');
  if (name === undefined) throw new ApiError(errorCode.unsupported, NO_COMMAND);
  if (command === undefined || !command.roles.includes(user.role)) throw notAvailable(name.slice(0, 100));
  return command;
}

/** In the words of CloudStack, which clients look for. */
function countCall({ calls }: ApiDependencies, { userUuid }: User): void {
  const wait = calls.take(userUuid);
  if (wait === 0) return;
  throw new ApiError(
    errorCode.limit,
    `The given user has reached his/her account api limit, please retry after ${wait} ms.`,
    { retryAfterMs: wait },
  );
}

function checkEnvelope(given: Given, { idempotencyKey }: ApiRequest): void {
  const format = given.get('response')?.toLowerCase() ?? 'json';
  if (format !== 'json') throw badParameter('response', 'must be json, or absent: answers are JSON only.');
  if ((idempotencyKey?.length ?? 0) > MAX_IDEMPOTENCY_KEY) {
    throw new ApiError(
      errorCode.parameter,
      `The header Idempotency-Key is longer than ${MAX_IDEMPOTENCY_KEY} characters.`,
    );
  }
}

const wrap = (command: Documented | undefined, answer: unknown): ApiAnswer['body'] => ({
  [command === undefined ? 'errorresponse' : `${command.name.toLowerCase()}response`]: answer,
});

/** An error in CloudStack's wrapper: that of the command, where it exists. */
export const refuse = (command: Documented | undefined, error: ApiError): ApiAnswer => ({
  status: error.code,
  body: wrap(command, error.toBody()),
  ...(error.retryAfterMs === undefined
    ? {}
    : { headers: { 'retry-after': String(Math.ceil(error.retryAfterMs / 1000)) } }),
});
