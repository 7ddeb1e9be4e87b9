import { createCallLimit } from '../../api/call-limit.ts';
import { openLab } from './lab.ts';
import type { Json, Lab } from './lab.ts';

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

async function post(form: Record<string, string>, cookie?: string): Promise<Answered> {
  const response = await lab.server.inject({
    method: 'POST',
    url: '/client/api',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
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

  test('says the same of a wrong name and of a wrong password', async () => {
    const wrong = await post({ command: 'login', username: 'alice', password: 'b' });
    const nobody = await post({ command: 'login', username: 'nobody', password: 'b' });
    expect(wrong.status).toBe(531);
    expect(wrong.body).toEqual(nobody.body);
    expect(wrong.cookies).toEqual([]);
    expect(wrong.body.loginresponse.errortext).toMatch(/name or the password is wrong/);
  });

  test('is not taken by GET, nor for another domain', async () => {
    const got = await lab.server.inject({
      method: 'GET',
      url: '/client/api?command=login&username=alice&password=x',
    });
    expect(got.statusCode).toBe(405);
    expect(got.json()).toHaveProperty('loginresponse.errorcode', 405);
    const other = await post({ command: 'login', username: 'alice', password: 'x', domain: '/other' });
    expect(other.status).toBe(431);
  });

  test('after many failures is refused for a while, with the right password too', async () => {
    await lab.newUser('guessed', 'user');
    const attempts = [];
    for (let count = 0; count < 11; count += 1) {
      attempts.push((await post({ command: 'login', username: 'Guessed', password: 'b' })).status);
    }
    expect(attempts).toEqual([...Array.from({ length: 10 }, () => 531), 429]);
    expect((await logIn('guessed')).answered.status).toBe(429);
    expect((await logIn('alice')).answered.status).toBe(200);
  });

  test('nothing in the database opens a session', async () => {
    const { key, cookie } = await logIn();
    const dump = JSON.stringify(await lab.db.selectFrom('session').selectAll().execute());
    expect(dump).not.toContain(key);
    expect(dump).not.toContain(/JSESSIONID=([^;]+)/.exec(cookie)?.[1]);
  });
});

describe('a session', () => {
  test('calls as its user does', async () => {
    const { key, cookie } = await logIn();
    const listed = await post({ command: 'listZones', sessionkey: key }, cookie);
    expect(listed.body.listzonesresponse.count).toBe(1);
    const refused = await post({ command: 'listHosts', sessionkey: key }, cookie);
    expect(refused.status).toBe(401);
  });

  test('needs both, the cookie and the key: another site has the one only', async () => {
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

  test('ends when nobody uses it, and does not when somebody does', async () => {
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

  test('ends with its user', async () => {
    const carol = await lab.newUser('carol', 'user');
    const { key, cookie } = await logIn('carol');
    await lab.db.updateTable('user').set({ removed: new Date() }).where('id', '=', carol.userId).execute();
    expect((await post({ command: 'listZones', sessionkey: key }, cookie)).status).toBe(401);
  });
});

describe('the limit of calls', () => {
  test('counts in windows, and says how long to wait', () => {
    let now = 0;
    const limit = createCallLimit(2, 1000, () => now);
    expect([limit.take('a'), limit.take('a'), limit.take('a'), limit.take('b')]).toEqual([0, 0, 1000, 0]);
    now = 400;
    expect(limit.take('a')).toBe(600);
    expect(limit.state('a')).toEqual({ issued: 2, expireAfter: 600 });
    limit.giveBack('a');
    expect([limit.take('a'), limit.take('a')]).toEqual([0, 600]);
    now = 1000;
    expect(limit.take('a')).toBe(0);
  });

  test('0 is no limit, and a crowd of callers is forgotten', () => {
    let now = 0;
    const none = createCallLimit(0, 1000, () => now);
    expect(Array.from({ length: 100 }, () => none.take('a')).every((wait) => wait === 0)).toBe(true);
    const limit = createCallLimit(1, 10, () => now);
    for (let caller = 0; caller < 30_000; caller += 1) {
      now += 1;
      expect(limit.take(String(caller))).toBe(0);
    }
  });

  test('is answered 429, in the words that clients know', async () => {
    const limited = await openLab({ calls: createCallLimit(3, 3_600_000) });
    try {
      expect(await limited.user.ok('getApiLimit')).toEqual({
        apilimit: {
          account: 'alice',
          accountid: limited.user.accountUuid,
          apiAllowed: 3,
          apiIssued: 1,
          expireAfter: expect.any(Number),
        },
      });
      await limited.user.ok('listZones');
      await limited.user.ok('listZones');
      const { status, inner, headers } = await limited.user.call('listZones');
      expect(status).toBe(429);
      expect(inner).toMatchObject({ errorcode: 429, cserrorcode: 9999, uuidList: [] });
      expect(inner.errortext).toMatch(
        /^The given user has reached his\/her account api limit, please retry after \d+ ms\.$/,
      );
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      await limited.other.ok('listZones');
    } finally {
      await limited.close();
    }
  });
});
