import { createCallLimit } from '../../api/server/call-limit.ts';
import type { CallLimit } from '../../api/server/call-limit.ts';
import { buildServer } from '../../api/server/server.ts';
import type { ServerDependencies } from '../../api/server/server.ts';
import { apiDependencies } from '../support/api-dependencies.ts';
import { checkDocumented } from '../support/check-documented.ts';
import { openLab, send } from '../labs/api.ts';
import type { Caller, Json, Lab, Reply } from '../labs/api.ts';
import { casesOfForm, isFullRun } from '../support/programs.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

interface Answered {
  readonly status: number;
  readonly body: Json;
  readonly cookies: readonly string[];
}

async function post(
  form: Record<string, string>,
  cookie?: string,
  headers: Readonly<Record<string, string>> = {},
  { server, remoteAddress }: { readonly server: Lab['server']; readonly remoteAddress?: string } = lab,
): Promise<Answered> {
  const response = await server.inject({
    method: 'POST',
    ...(remoteAddress === undefined ? {} : { remoteAddress }),
    url: '/client/api',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...headers,
      ...(cookie === undefined ? {} : { cookie }),
    },
    payload: new URLSearchParams(form).toString(),
  });
  return {
    status: response.statusCode,
    body: response.json(),
    cookies: [response.headers['set-cookie'] ?? []].flat(),
  };
}

async function logIn(
  username = 'alice',
): Promise<{ readonly key: string; readonly cookie: string; readonly answered: Answered }> {
  const answered = await post({ command: 'login', username, password: 'a password', domain: '/' });
  const cookie = answered.cookies.map((one) => one.split(';')[0]).join('; ');
  return { key: answered.body.loginresponse?.sessionkey as string, cookie, answered };
}

describe('login', () => {
  test('answers as CloudStack does, with a cookie that no script can read', async () => {
    const { answered, key } = await logIn();
    expect(answered.status).toBe(200);
    expect(answered.body.loginresponse).toEqual({
      username: 'alice',
      userid: lab.user.userUuid,
      account: 'alice',
      domainid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      type: '0',
      timeout: 1800,
      sessionkey: expect.stringMatching(/^[\w-]{40,}$/),
    });
    expect(answered.cookies).toEqual([
      expect.stringMatching(/^JSESSIONID=[\w-]{40,}; Path=\/; SameSite=Strict; HttpOnly$/),
      `sessionkey=${key}; Path=/; SameSite=Strict`,
    ]);
    expect((await logIn('root')).answered.body.loginresponse.type).toBe('1');
  });

  test('answers the same for a wrong name and for a wrong password', async () => {
    const wrong = await post({ command: 'login', username: 'alice', password: 'b' });
    const nobody = await post({ command: 'login', username: 'nobody', password: 'b' });
    expect(wrong.status).toBe(531);
    expect(wrong.body).toEqual(nobody.body);
    expect(wrong.cookies).toEqual([]);
    expect(wrong.body.loginresponse.errortext).toMatch(/name or the password is wrong/);
  });

  test('is refused by GET, and for another domain', async () => {
    const got = await lab.server.inject({
      method: 'GET',
      url: '/client/api?command=login&username=alice&password=x',
    });
    expect(got.statusCode).toBe(405);
    expect(got.json()).toHaveProperty('loginresponse.errorcode', 405);
    const other = await post({ command: 'login', username: 'alice', password: 'x', domain: '/other' });
    expect(other.status).toBe(431);
  });

  test('is refused for a while after many failures, even with the right password', async () => {
    await lab.newUser('guessed', 'user');
    const attempts = [];
    for (let count = 0; count < 11; count += 1) {
      attempts.push((await post({ command: 'login', username: 'Guessed', password: 'b' })).status);
    }
    expect(attempts).toEqual([...Array.from({ length: 10 }, () => 531), 429]);
    expect((await logIn('guessed')).answered.status).toBe(429);
    expect((await logIn('alice')).answered.status).toBe(200);
  });

  if (isFullRun)
    test('delays no signed call in a flood of logins, and is refused when too many wait', async () => {
      const begun = Array.from({ length: 40 }, (_, at) =>
        post({ command: 'login', username: `nobody-${at}`, password: 'b' }),
      );
      let left = begun.length;
      for (const one of begun) void one.then(({ status }) => (left -= status === 531 ? 1 : 0));
      for (let calls = 0; calls < 5; calls += 1) await lab.user.ok('listZones');
      expect(left).toBeGreaterThan(30);
      const answered = await Promise.all(begun);
      expect(new Set(answered.map(({ status }) => status))).toEqual(new Set([531, 429]));
      const refused = answered.find(({ status }) => status === 429);
      expect(refused?.body.loginresponse.errortext).toMatch(/Too many such calls .* try again/);
      expect((await logIn('alice')).answered.status).toBe(200);
    });

  const pages = [
    [{ 'sec-fetch-site': 'cross-site' }, 531],
    [{ 'sec-fetch-site': 'same-origin', origin: 'https://elsewhere.example' }, 200],
    [{ origin: 'https://evil.example', host: 'bypass.example.org' }, 531],
    [{ origin: 'http://bypass.example.org:8080', host: 'bypass.example.org:8080' }, 200],
    [{ 'sec-fetch-site': 'same-site' }, 531],
    [{ 'sec-fetch-site': 'none' }, 200],
    [{ origin: 'null', host: 'bypass.example.org' }, 531],
    [{}, 200],
  ] as const;
  test.each(casesOfForm(pages, 4))('from a page of another site is refused: %j', async (headers, status) => {
    const form = { command: 'login', username: 'alice', password: 'a password' };
    expect((await post(form, undefined, headers)).status).toBe(status);
  });

  test('stores nothing in the database by which one could open a session', async () => {
    const { key, cookie } = await logIn();
    const dump = JSON.stringify(await lab.db.selectFrom('session').selectAll().execute());
    expect(dump).not.toContain(key);
    expect(dump).not.toContain(/JSESSIONID=([^;]+)/.exec(cookie)?.[1]);
  });
});

describe('a session', () => {
  test('calls with the rights of its user', async () => {
    const { key, cookie } = await logIn();
    const listed = await post({ command: 'listZones', sessionkey: key }, cookie);
    expect(listed.body.listzonesresponse.count).toBe(1);
    const refused = await post({ command: 'listHosts', sessionkey: key }, cookie);
    expect(refused.status).toBe(401);
  });

  test('needs both the cookie and the key: another site has only the cookie', async () => {
    const { key, cookie } = await logIn();
    const another = await logIn();
    for (const [form, given] of [
      [{}, cookie],
      [{ sessionkey: 'x' }, cookie],
      [{ sessionkey: another.key }, cookie],
      [{ sessionkey: key }, undefined],
      [{ sessionkey: key }, another.cookie],
      [{ sessionkey: key }, 'JSESSIONID=a%00b'],
    ] as const) {
      const { status, body } = await post({ command: 'listZones', ...form }, given);
      expect([status, body.listzonesresponse.errorcode]).toEqual([401, 401]);
    }
  });

  test('ends by logout', async () => {
    const { key, cookie } = await logIn();
    expect((await post({ command: 'logout', sessionkey: 'x' }, cookie)).status).toBe(401);
    const { status, body, cookies } = await post({ command: 'logout', sessionkey: key }, cookie);
    expect([status, body]).toEqual([200, { logoutresponse: { description: 'success' } }]);
    expect(cookies.every((one) => one.includes('Max-Age=0'))).toBe(true);
    expect((await post({ command: 'listZones', sessionkey: key }, cookie)).status).toBe(401);
  });

  test('ends when it is not used, and lasts while it is', async () => {
    const [used, left] = [await logIn(), await logIn()];
    const ids = await lab.db.selectFrom('session').select('id').orderBy('id', 'desc').limit(2).execute();
    const leave = (id: number | undefined, minutes: number): Promise<unknown> =>
      lab.db
        .updateTable('session')
        .set({ last_used: new Date(Date.now() - minutes * 60_000) })
        .where('id', '=', id ?? -1)
        .execute();
    await leave(ids[0]?.id, 31);
    await leave(ids[1]?.id, 29);
    expect((await post({ command: 'listZones', sessionkey: used.key }, used.cookie)).status).toBe(200);
    expect((await post({ command: 'listZones', sessionkey: left.key }, left.cookie)).status).toBe(401);
    const noted = await lab.db
      .selectFrom('session')
      .select('last_used')
      .where('id', '=', ids[1]?.id ?? -1)
      .executeTakeFirstOrThrow();
    expect(Date.now() - noted.last_used.getTime()).toBeLessThan(29 * 60_000);
  });

  test('ends at once with a new password, even for calls that accept older answers', async () => {
    const dora = await lab.newUser('dora', 'user');
    const { key, cookie } = await logIn('dora');
    const list = { command: 'listZones', sessionkey: key, maxage: '9' };
    expect((await post(list, cookie)).status).toBe(200);
    const change = { id: dora.userUuid, password: 'another password', currentpassword: 'a password' };
    await dora.ok('updateUser', change);
    expect((await post(list, cookie)).status).toBe(401);
  });

  if (isFullRun)
    test('does not help to guess the password of its user', async () => {
      const emil = await lab.newUser('emil', 'user');
      const guess = async (currentpassword: string): Promise<number> =>
        (await emil.call('updateUser', { id: emil.userUuid, password: 'another one', currentpassword }))
          .status;
      const guesses = [];
      for (let count = 0; count < 11; count += 1) guesses.push(await guess(`guess ${count}`));
      expect(guesses).toEqual([...Array.from({ length: 10 }, () => 431), 429]);
      expect(await guess('a password')).toBe(429);
    });

  test('ends with its user', async () => {
    const carol = await lab.newUser('carol', 'user');
    const { key, cookie } = await logIn('carol');
    await lab.db.updateTable('user').set({ removed: new Date() }).where('id', '=', carol.userId).execute();
    expect((await post({ command: 'listZones', sessionkey: key }, cookie)).status).toBe(401);
  });
});

const by = (caller: string) => ({ 'x-forwarded-for': caller, 'x-forwarded-proto': 'https' });

/** A further server of the same installation. */
function openServer(changes: Partial<ServerDependencies>): { readonly server: Lab['server'] } {
  const { db, masterKey, orchestration } = lab;
  return { server: buildServer(apiDependencies({ db, masterKey, orchestration, ...changes })) };
}

describe('behind a proxy', () => {
  const proxy = '10.0.0.5';
  const form = { command: 'login', username: 'alice', password: 'a password' };

  test('that is trusted, callers are distinguished by their addresses, and cookies are for TLS', async () => {
    const { server } = openServer({ trustedProxies: ['10.0.0.0/24'] });
    const wrong = { ...form, password: 'wrong' };
    for (let count = 0; count < 10; count += 1) {
      await post(wrong, undefined, by('192.0.2.1'), { server, remoteAddress: proxy });
    }
    const locked = await post(form, undefined, by('192.0.2.1'), { server, remoteAddress: proxy });
    expect(locked.status).toBe(429);
    const other = await post(form, undefined, by('192.0.2.2'), { server, remoteAddress: proxy });
    expect(other.status).toBe(200);
    expect(other.cookies.every((cookie) => cookie.endsWith('; Secure'))).toBe(true);
    // Forwarded addresses count only from the trusted proxy, and only the part that the proxy itself added.
    const claimed = { server, remoteAddress: '192.0.2.1' };
    expect((await post(form, undefined, by('192.0.2.3'), claimed)).status).toBe(429);
    const before = by('192.0.2.9, 192.0.2.1');
    expect((await post(form, undefined, before, { server, remoteAddress: proxy })).status).toBe(429);
  });

  test('cookies are for TLS where the public address is, and only there without a proxy that says so', async () => {
    const secure = openServer({ isPublicByTls: true });
    const { cookies } = await post(form, undefined, {}, secure);
    expect(cookies.every((cookie) => cookie.endsWith('; Secure'))).toBe(true);
    const plain = openServer({});
    const untrusted = await post(form, undefined, by('192.0.2.1'), { ...plain, remoteAddress: proxy });
    expect(untrusted.cookies.some((cookie) => cookie.includes('Secure'))).toBe(false);
  });
});

const take = async (limit: CallLimit, caller: string, times: number): Promise<readonly number[]> => {
  const waits: number[] = [];
  for (let time = 0; time < times; time += 1) waits.push(await limit.take(caller));
  return waits;
};

describe('the limit of calls', () => {
  const HOUR = 3_600_000;
  const limitOf = (allowed: number): CallLimit =>
    createCallLimit({ db: lab.db, kind: 'calls', allowed, windowMs: HOUR });
  test('counts in windows, and returns how long to wait', async () => {
    const limit = limitOf(2);
    const [first, second, third = 0] = await take(limit, 'a', 3);
    expect([first, second]).toEqual([0, 0]);
    expect(third).toBeGreaterThan(0);
    expect(third).toBeLessThanOrEqual(HOUR);
    expect(await limit.take('b')).toBe(0);
    expect(await limit.state('a')).toEqual({ issued: 2, expireAfter: expect.any(Number) });
    await limit.giveBack('a');
    expect((await take(limit, 'a', 2)).map((wait) => wait > 0)).toEqual([false, true]);
    await lab.db
      .updateTable('call_count')
      .set({ window_ends: new Date(0) })
      .execute();
    expect(await limitOf(2).take('a')).toBe(0);
    expect(await limitOf(2).state('a')).toMatchObject({ issued: 1 });
  });

  test('is off for 0', async () => {
    expect(new Set(await take(limitOf(0), 'c', 20))).toEqual(new Set([0]));
    expect(await limitOf(0).state('c')).toEqual({ issued: 0, expireAfter: HOUR });
  });

  test('is never exceeded by several apis, which count in shares', async () => {
    const allowed = 100;
    const apis = [limitOf(allowed), limitOf(allowed), limitOf(allowed)];
    const waits = await Promise.all(apis.map((api) => take(api, 'd', allowed)));
    const given = waits.flat().filter((wait) => wait === 0).length;
    expect(given).toBe(allowed);
    expect(await limitOf(allowed).state('d')).toMatchObject({ issued: allowed });
  });

  test('asks the database once for many calls', async () => {
    const limit = limitOf(400);
    expect(new Set(await Promise.all(Array.from({ length: 20 }, () => limit.take('e'))))).toEqual(
      new Set([0]),
    );
    const row = lab.db.selectFrom('call_count').orderBy('window_ends', 'desc').select('issued');
    expect((await row.executeTakeFirst())?.issued).toBe(20);
    expect(await limit.state('e')).toMatchObject({ issued: 20 });
  });

  test('answers 429 in the words that clients know', async () => {
    const { server } = openServer({ calls: limitOf(3) });
    const call = async (who: Caller, command: string): Promise<Reply> => {
      const reply = await send(server, { command, response: 'json', apiKey: who.apiKey }, who);
      checkDocumented(command, reply.status, reply.body);
      return reply;
    };
    expect((await call(lab.user, 'getApiLimit')).inner).toEqual({
      apilimit: {
        account: 'alice',
        accountid: lab.user.accountUuid,
        apiAllowed: 3,
        apiIssued: 1,
        expireAfter: expect.any(Number),
      },
    });
    for (let more = 0; more < 2; more += 1) expect((await call(lab.user, 'listZones')).status).toBe(200);
    const { status, inner, headers } = await call(lab.user, 'listZones');
    expect(status).toBe(429);
    expect(inner).toMatchObject({ errorcode: 429, cserrorcode: 9999, uuidList: [] });
    expect(inner.errortext).toMatch(
      /^The given user has reached his\/her account api limit, please retry after \d+ ms\.$/,
    );
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect((await call(lab.other, 'listZones')).status).toBe(200);
  });
});
