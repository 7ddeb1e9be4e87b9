import type { Answer } from '../../api/fields/response.ts';
import { createSharedAnswers, MAX_AGE_MS } from '../../api/server/shared-answers.ts';
import { createSessionMemory } from '../../api/server/session-memory.ts';
import { closeSession, openSession } from '../../db/accounts/sessions.ts';
import type { SessionSecrets } from '../../db/accounts/sessions.ts';
import { createFairQueue } from '../../model/fair-queue.ts';
import { openLab } from '../labs/api.ts';
import type { Lab } from '../labs/api.ts';
import { until } from '../support/until.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
  await lab.template(lab.admin);
  await lab.template(lab.user);
});
afterAll(() => lab.close());

const fail = () => Promise.reject(new Error('no'));
const asked = { templatefilter: 'self', maxage: 9 };

test('fifty pages that ask the same at once cost the queries of one list, and of their sessions', async () => {
  lab.queries();
  await lab.admin.ok('listTemplates', { templatefilter: 'self' });
  const one = lab.queries();
  const answers = await Promise.all(Array.from({ length: 50 }, () => lab.admin.ok('listTemplates', asked)));
  expect(answers.every((answer) => answer.count === 1)).toBe(true);
  expect(lab.queries()).toBeLessThanOrEqual(50 + one - 1);
});

/** Milliseconds, as the page has it. */
const LIVE = 2000;

test('fifty pages that are open on the overview for ten seconds cost a few queries a second', async () => {
  let now = 0;
  const clock = (): number => now;
  const own = await openLab({ answers: createSharedAnswers(clock), sessions: createSessionMemory(clock) });
  try {
    const sessions = await Promise.all(
      Array.from({ length: 50 }, () => openSession(own.db, own.admin.userId)),
    );
    own.queries();
    const ask = async (command: string, { token, key }: SessionSecrets): Promise<void> => {
      const { statusCode } = await own.server.inject({
        url: `/client/api?command=${command}&response=json&maxage=1&sessionkey=${key}`,
        headers: { cookie: `JSESSIONID=${token}` },
      });
      expect(statusCode).toBe(200);
    };
    for (; now < 10_000; now += LIVE / sessions.length) {
      const page = sessions[Math.round((now % LIVE) / (LIVE / sessions.length))];
      if (page === undefined) throw new Error('there is a page for each moment');
      await ask('getTemplateDeploymentSummary', page);
      await ask('listTemplateDeployments&orderby=activity&page=1&pagesize=8', page);
    }
    // 500 calls cost: one query a second for the list and one for the numbers, one in ten seconds for each session, and one in two seconds for all sessions.
    expect(own.queries() / 10).toBeLessThan(15);
  } finally {
    await own.close();
  }
});

test('an ended session is refused at once by the api that ended it, and for changes by every api', async () => {
  const { token, key } = await openSession(lab.db, lab.admin.userId);
  const ask = async (command: string): Promise<number> =>
    (
      await lab.server.inject({
        method: 'POST',
        url: `/client/api?command=${command}&response=json&sessionkey=${key}`,
        headers: { cookie: `JSESSIONID=${token}` },
      })
    ).statusCode;
  expect(await ask('listZones&maxage=1')).toBe(200);
  // Ends the session as another api process would.
  await closeSession(lab.db, token, 1800);
  expect(await ask('listZones&maxage=1')).toBe(200);
  expect(await ask('listZones')).toBe(401);
  expect(await ask('createZone&name=x&maxage=1')).toBe(401);
  expect(await ask('logout')).toBe(401);
});

test('an answer is shared within an account only', async () => {
  const [admins, users] = await Promise.all([
    lab.admin.ok('listTemplates', asked),
    lab.user.ok('listTemplates', asked),
  ]);
  expect(admins.template[0].id).not.toBe(users.template[0].id);
  expect((await lab.user.call('listHosts', { maxage: 9 })).status).toBe(401);
});

test('without maxage every answer is new', async () => {
  const { count } = await lab.admin.ok('listTemplates', asked);
  await lab.template(lab.admin);
  expect((await lab.admin.ok('listTemplates', asked)).count).toBe(count);
  expect((await lab.admin.ok('listTemplates', { templatefilter: 'self' })).count).toBe(count + 1);
});

test.each(['10', '-1', 'x'])('maxage=%s is refused', async (maxage) => {
  const { status, inner } = await lab.admin.call('listZones', { maxage });
  expect([status, inner.errortext]).toEqual([
    431,
    `Parameter maxage is '${maxage}'; give seconds from 0 to 9.`,
  ]);
});

const about = (key: string, maxAgeMs = 1000, account = 'alice') => ({ key, maxAgeMs, account });
const big = (bytes: number) => (): Promise<Answer> => Promise.resolve({ text: 'x'.repeat(bytes) });

test('an answer is at most as old as the caller allows, and a failure is not shared with later callers', async () => {
  let now = 0;
  let made = 0;
  const answers = createSharedAnswers(() => now);
  const make = () => Promise.resolve({ made: (made += 1) });
  expect(await answers.get(about('a'), make)).toEqual({ made: 1 });
  now = 1000;
  expect(await answers.get(about('a'), make)).toEqual({ made: 1 });
  expect(await answers.get(about('a', 999), make)).toEqual({ made: 2 });
  await expect(answers.get(about('b'), fail)).rejects.toThrow('no');
  expect(await answers.get(about('b'), make)).toEqual({ made: 3 });
});

test('answers are dropped by age, even if nobody asks again', async () => {
  jest.useFakeTimers();
  try {
    let now = 0;
    const answers = createSharedAnswers(() => now);
    await answers.get(about('a'), big(1000));
    expect(answers.bytes()).toBeGreaterThan(1000);
    now = MAX_AGE_MS + 1;
    jest.advanceTimersByTime(MAX_AGE_MS + 1);
    expect(answers.bytes()).toBe(0);
    expect(jest.getTimerCount()).toBe(0);
  } finally {
    jest.useRealTimers();
  }
});

test('the kept answers are limited in bytes, per account and in total', async () => {
  const answers = createSharedAnswers(() => 0, { total: 100_000, perAccount: 50_000 });
  for (let key = 0; key < 100; key += 1) await answers.get(about(`alice ${key}`), big(10_000));
  expect(answers.bytes()).toBeLessThanOrEqual(50_000);
  await answers.get(about('bob', 1000, 'bob'), big(10_000));
  for (let key = 0; key < 100; key += 1) await answers.get(about(`more ${key}`), big(1000));
  const again = jest.fn(big(1));
  await answers.get(about('bob', 1000, 'bob'), again);
  expect(again).not.toHaveBeenCalled();
  for (let at = 0; at < 20; at += 1) await answers.get(about(`${at}`, 1000, `user ${at}`), big(10_000));
  expect(answers.bytes()).toBeLessThanOrEqual(100_000);
  await answers.get(about('huge', 1000, 'carol'), big(60_000));
  expect(answers.bytes()).toBeLessThanOrEqual(100_000);
});

test('only declared parameters distinguish questions', async () => {
  const answers = createSharedAnswers();
  const own = await openLab({ answers });
  try {
    await own.user.ok('listZones', { maxage: 9, available: true });
    const bytes = answers.bytes();
    own.queries();
    const same = [{ salt: 1 }, { SALT: 2 }, { 'salt[0].x': 3 }, { 'salt.available': true }];
    for (const one of same) await own.user.ok('listZones', { available: true, maxage: 9, ...one });
    expect(answers.bytes()).toBe(bytes);
    await own.user.ok('listZones', { available: false, maxage: 9 });
    expect(answers.bytes()).toBeGreaterThan(bytes);
  } finally {
    await own.close();
  }
});

test('the calls under way of one user are limited, and other users do not wait for them', async () => {
  const turns = createFairQueue({ slotsPerOwner: 2, maxWaitingPerOwner: 1 });
  let entered = 0;
  const counted: typeof turns = {
    ...turns,
    enter(...given) {
      entered += 1;
      return turns.enter(...given);
    },
  };
  const own = await openLab({ turns: counted });
  try {
    const ends = [await turns.enter(own.user.userUuid), await turns.enter(own.user.userUuid)];
    const waiting = own.user.call('listZones');
    await until('the call waits', () => entered === 1);
    await own.other.ok('listZones');
    expect(await own.user.call('listZones')).toMatchObject({ status: 429 });
    for (const end of ends) end();
    expect((await waiting).status).toBe(200);
    await own.user.ok('listZones');
  } finally {
    await own.close();
  }
});

test('sessions that another api process ended are noticed within two seconds, by one query for all', async () => {
  let now = 0;
  const memory = createSessionMemory(() => now);
  const secrets = ['a', 'b'].map((token) => ({ token, key: 'key' }));
  for (const one of secrets) await memory.lookUp(one, () => Promise.resolve(lab.user));
  const questions: (readonly string[])[] = [];
  const recall = (one: SessionSecrets | undefined) =>
    memory.recall(one as SessionSecrets, (tokens) => {
      questions.push(tokens);
      return Promise.resolve(new Set(['a']));
    });
  expect([await recall(secrets[0]), await recall(secrets[1])]).toEqual([lab.user, lab.user]);
  now = 2000;
  expect([await recall(secrets[1]), await recall(secrets[0])]).toEqual([undefined, lab.user]);
  expect(questions).toEqual([['a', 'b']]);
});

test('a session that ends during its look-up is not remembered', async () => {
  const memory = createSessionMemory();
  const secrets = { token: 'a', key: 'key' };
  await memory.lookUp(secrets, () => {
    memory.forgetUsers([lab.user.userUuid]);
    return Promise.resolve(lab.user);
  });
  expect(await memory.recall(secrets, () => Promise.resolve(new Set(['a'])))).toBeUndefined();
});
