import { createSharedAnswers } from '../../api/shared-answers.ts';
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
