/** What a caller sees of the check of a URL: while a registration waits for it, and without a registration. */
import { randomUUID } from 'node:crypto';
import { templateIdOf } from '../../api/commands/templates/image-parameters.ts';
import { addHost, openLab, SIZE, VIRTUAL_SIZE } from '../labs/api.ts';
import type { Lab, TestHost } from '../labs/api.ts';
import { inputs, refusal, template, URL_GIVEN } from './registering.ts';

let lab: Lab;
let host: TestHost;
beforeAll(async () => {
  lab = await openLab();
  host = await addHost(lab, { name: 'kvm1', pools: [] });
});
afterAll(() => lab.close());
beforeEach(() => lab.orchestration.forget());

const VERDICTS = [
  { url: 'https://a.test/x', reachable: true, size: 5 },
  { url: 'https://b.test/x', reachable: false, size: 0, reason: 'answers 404' },
];
const ask = (customid: string, who = lab.user) => who.ok('getTemplateRegistration', { customid });
const running = (customid: string, who = lab.user): string => {
  const id = templateIdOf(who.accountUuid, customid);
  lab.orchestration.registrations.set(id, { probe: { v: 1, hostId: host.hostId, verdicts: VERDICTS } });
  return id;
};

test('getTemplateRegistration finds the registration by its customid', async () => {
  await lab.user.ok('registerTemplate', template(lab, { customid: 'mine' }));
  expect(inputs(lab)[0].templateId).toBe(templateIdOf(lab.user.accountUuid, 'mine'));
});

test('verdicts appear as soon as they are known; only administrators see which host probes', async () => {
  const id = running('one');
  expect(await ask('one')).toEqual({
    templateregistration: { id, state: 'Processing', mirror: VERDICTS },
  });
  const own = running('one', lab.admin);
  expect(await ask('one', lab.admin)).toEqual({
    templateregistration: { id: own, state: 'Processing', hostname: 'kvm1', mirror: VERDICTS },
  });
});

test('the answer is empty before a host has begun, when no registration runs, and for registrations of others', async () => {
  lab.orchestration.registrations.set(templateIdOf(lab.user.accountUuid, 'early'), {});
  expect(await ask('early')).toMatchObject({ templateregistration: { state: 'Processing', mirror: [] } });
  expect(await ask(randomUUID())).toEqual({});
  running('theirs', lab.other);
  expect(await ask('theirs')).toEqual({});
});

test('getTemplateRegistration without customid is refused', async () => {
  const { status, inner } = await lab.user.call('getTemplateRegistration');
  expect([status, inner.errortext]).toEqual([431, expect.stringContaining('missing parameter customid')]);
});

test('checkTemplateSource probes a URL as a registration would, and registers nothing', async () => {
  const { url, format, zoneid } = template(lab) as Readonly<Record<string, string>>;
  const values = { url: url ?? '', format: format ?? '', zoneid: zoneid ?? '' };
  const { templatesource } = await lab.user.ok('checkTemplateSource', values);
  expect(templatesource).toEqual({
    size: SIZE,
    virtualsize: VIRTUAL_SIZE,
    mirror: [
      {
        url: URL_GIVEN,
        priority: 1,
        reachable: true,
        size: SIZE,
        ranges: true,
        inspection: { verdict: 'accepted', looked: 'head', filesize: SIZE, found: ['qcow2'] },
      },
      {
        url: `${URL_GIVEN}.dead`,
        priority: 2,
        reachable: false,
        reason: 'answered 404',
        size: 0,
        ranges: false,
      },
    ],
  });
  expect((await lab.admin.ok('checkTemplateSource', values)).templatesource.hostname).toBe('host1');
  expect(
    await lab.db.selectFrom('vm_template').where('name', '=', 'source check').selectAll().execute(),
  ).toEqual([]);
  lab.orchestration.forget();
  expect(await refusal(lab, 'checkTemplateSource', { ...values, url: 'file:///etc/passwd' })).toMatch(
    /^Parameter url /,
  );
});
