import { createSharedAnswers } from '../../api/shared-answers.ts';
import { createSessionMemory } from '../../api/session-memory.ts';
import { closeSession, openSession } from '../../db/sessions.ts';
import type { SessionSecrets } from '../../db/sessions.ts';
import { openLab } from './lab.ts';
import type { Lab } from './lab.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
  await lab.template(lab.admin);
  await lab.template(lab.user);
});
afterAll(() => lab.close());

const fail = () => Promise.reject(new Error('no'));
const asked = { templatefilter: 'self', maxage: 9 };

test('fifty pages that ask the same at once cost the queries of one list, and of who asks', async () => {
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
    // 500 calls: one look a second at the list and one at the numbers, and one in ten seconds at each session.
    expect(own.queries() / 10).toBeLessThan(15);
  } finally {
    await own.close();
  }
});

test('a session that is over is let in nowhere by the api that ended it, and to no change anywhere', async () => {
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
  // As another api process does it.
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

test('without maxage nobody is answered from before', async () => {
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

test('an answer is as old as the caller allows, a failure is nobody else’s, and memory has an end', async () => {
  let now = 0;
  let made = 0;
  const answers = createSharedAnswers(() => now);
  const make = () => Promise.resolve({ made: (made += 1) });
  expect(await answers.get('a', 1000, make)).toEqual({ made: 1 });
  now = 1000;
  expect(await answers.get('a', 1000, make)).toEqual({ made: 1 });
  expect(await answers.get('a', 999, make)).toEqual({ made: 2 });
  await expect(answers.get('b', 1000, fail)).rejects.toThrow('no');
  expect(await answers.get('b', 1000, make)).toEqual({ made: 3 });
  for (let key = 0; key < 600; key += 1) await answers.get(`key ${key}`, 1000, make);
  const before = made;
  await answers.get('a', 1000, make);
  expect(made).toBe(before + 1);
});
