/** Two apis of one installation, as behind a balancer: what one of them did holds at the other. */
import { randomUUID } from 'node:crypto';
import { createCallLimit } from '../../api/server/call-limit.ts';
import { buildServer } from '../../api/server/server.ts';
import { createSessionMemory } from '../../api/server/session-memory.ts';
import { createSharedAnswers } from '../../api/server/shared-answers.ts';
import type { CallKind } from '../../db/accounts/call-counts.ts';
import { apiDependencies } from '../support/api-dependencies.ts';
import { openLab, send } from '../labs/api.ts';
import type { Caller, Json, Lab, Parameters, Reply } from '../labs/api.ts';
import { inputs, template } from './registering.ts';

const HOUR = 3_600_000;
const CALLS = 4;
const FAILED_LOGINS = 2;

type Api = Lab['server'];

let lab: Lab;
let apis: readonly [Api, Api];
/** Milliseconds, of both apis. */
let now = 0;

beforeAll(async () => {
  lab = await openLab();
  apis = [openApi(), openApi()];
});
afterAll(async () => {
  for (const api of apis) await api.close();
  await lab.close();
});

const clock = (): number => now;

/** Each has its own memory and counts, as a process has. */
function openApi(): Api {
  const { db, masterKey, orchestration } = lab;
  const limit = (kind: CallKind, allowed: number) => createCallLimit({ db, kind, allowed, windowMs: HOUR });
  const dependencies = apiDependencies({
    db,
    masterKey,
    orchestration,
    calls: limit('calls', CALLS),
    logins: limit('logins', FAILED_LOGINS),
    sessions: createSessionMemory(clock),
    answers: createSharedAnswers(clock),
  });
  return buildServer(dependencies);
}

interface Answered {
  readonly status: number;
  readonly body: Json;
  readonly cookie: string;
}

async function post(api: Api, form: Record<string, string>, cookie = ''): Promise<Answered> {
  const response = await api.inject({
    method: 'POST',
    url: '/client/api',
    headers: { 'content-type': 'application/x-www-form-urlencoded', cookie },
    payload: new URLSearchParams(form).toString(),
  });
  const cookies = [response.headers['set-cookie'] ?? []].flat().map((one) => one.split(';')[0]);
  return { status: response.statusCode, body: response.json(), cookie: cookies.join('; ') };
}

async function logIn(api: Api, username: string) {
  await lab.newUser(username, 'user');
  const { status, body, cookie } = await post(api, { command: 'login', username, password: 'a password' });
  expect(status).toBe(200);
  return { cookie, key: body.loginresponse.sessionkey as string };
}

const call = (
  api: Api,
  who: Caller,
  command: string,
  parameters: Parameters = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> =>
  send(api, { command, response: 'json', ...parameters, apiKey: who.apiKey }, who, { headers });

test('a session of one api holds at the other, and only with its session key', async () => {
  const { cookie, key } = await logIn(apis[0], 'ann');
  const list = { command: 'listZones', sessionkey: key };
  expect((await post(apis[1], list, cookie)).status).toBe(200);
  // A page of another site can make the browser send the cookies, but does not know the key.
  expect((await post(apis[1], { command: 'listZones' }, cookie)).status).toBe(401);
  expect((await post(apis[1], { ...list, sessionkey: `${key}x` }, cookie)).status).toBe(401);
});

test('a logout at one api ends the session at the other, within two seconds also where an older answer will do', async () => {
  const { cookie, key } = await logIn(apis[0], 'ben');
  const list = { command: 'listZones', sessionkey: key };
  const older = { ...list, maxage: '1' };
  expect((await post(apis[1], older, cookie)).status).toBe(200);
  expect((await post(apis[0], { command: 'logout', sessionkey: key }, cookie)).status).toBe(200);
  expect((await post(apis[1], list, cookie)).status).toBe(401);
  now += 2000;
  expect((await post(apis[1], older, cookie)).status).toBe(401);
});

const guess = async (api: Api, password: string): Promise<number> =>
  (await post(api, { command: 'login', username: 'guessed', password })).status;

test('failed logins count over both apis', async () => {
  await lab.newUser('guessed', 'user');
  expect([await guess(apis[0], 'wrong'), await guess(apis[1], 'wrong as well')]).toEqual([531, 531]);
  const right = 'a password';
  expect([await guess(apis[0], right), await guess(apis[1], right)]).toEqual([429, 429]);
});

test('calls count over both apis', async () => {
  const caller = await lab.newUser('caller', 'user');
  const statuses: number[] = [];
  for (const api of [apis[0], apis[1], apis[0]]) statuses.push((await call(api, caller, 'listZones')).status);
  expect(statuses).toEqual([200, 200, 200]);
  const { inner } = await call(apis[1], caller, 'getApiLimit');
  expect(inner.apilimit).toMatchObject({ apiAllowed: CALLS, apiIssued: CALLS });
  for (const api of apis) expect((await call(api, caller, 'listZones')).status).toBe(429);
});

test('a call that is repeated at the other api is given the same answer, and starts nothing twice', async () => {
  const caller = await lab.newUser('builder', 'user');
  lab.orchestration.asked.length = 0;
  const headers = { 'idempotency-key': randomUUID() };
  const register = async (api: Api): Promise<Json> => {
    const { status, inner } = await call(api, caller, 'registerTemplate', template(lab), headers);
    expect(status).toBe(200);
    return inner;
  };
  const together = await Promise.all(apis.map(register));
  const later = await register(apis[1]);
  expect(together[1]).toEqual(together[0]);
  expect(later).toEqual(together[0]);
  expect(new Set(inputs(lab).map(({ templateId }) => templateId)).size).toBe(1);
});

test('a shared answer of one api is never older than its caller allows, whatever the other did', async () => {
  const zones = async (parameters: Parameters): Promise<number> =>
    (await call(apis[1], lab.admin, 'listZones', parameters)).inner.count as number;
  const before = await zones({ maxage: 3 });
  const made = await call(apis[0], lab.admin, 'createZone', { name: `zone-${randomUUID()}` });
  expect(made.status).toBe(200);
  now += 3001;
  expect(await zones({ maxage: 3 })).toBe(before + 1);
});
