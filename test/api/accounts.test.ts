import { openLab, send } from './lab.ts';
import type { Json, Lab } from './lab.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

const logIn = async (username: string, password: string) => {
  const response = await lab.server.inject({
    method: 'POST',
    url: '/client/api',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams({ command: 'login', username, password }).toString(),
  });
  const cookie = [response.headers['set-cookie'] ?? []]
    .flat()
    .map((one) => one.split(';')[0])
    .join('; ');
  return {
    status: response.statusCode,
    cookie,
    key: response.json().loginresponse.sessionkey as string,
  };
};

test('an account is made, logs in, gets keys, calls with them, and is removed', async () => {
  const { account } = await lab.admin.ok('createAccount', { username: 'dora', password: 'a long one' });
  expect(account).toMatchObject({
    name: 'dora',
    accounttype: 0,
    rolename: 'User',
    state: 'enabled',
    templatelimit: 'Unlimited',
    templatetotal: 0,
    user: [{ username: 'dora', account: 'dora' }],
  });
  const [{ id: userId }] = account.user;
  const session = await logIn('dora', 'a long one');
  expect(session.status).toBe(200);

  const { userkeys } = await lab.admin.ok('registerUserKeys', { id: userId });
  const call = (command: string, keys = userkeys) =>
    send(lab.server, { command, apiKey: keys.apikey }, { secretKey: keys.secretkey });
  expect((await call('listZones')).status).toBe(200);
  expect((await call('listHosts')).status).toBe(401);
  const { user } = await lab.admin.ok('getUser', { userapikey: userkeys.apikey });
  expect(user).toMatchObject({ id: userId, username: 'dora' });
  const listed = JSON.stringify(await lab.admin.ok('listUsers'));
  for (const key of [userkeys.apikey, userkeys.secretkey]) expect(listed).not.toContain(key);

  const renewed = (await lab.admin.ok('registerUserKeys', { id: userId })).userkeys;
  expect((await call('listZones')).status).toBe(401);
  expect((await call('listZones', renewed)).status).toBe(200);

  const { jobid } = await lab.admin.ok('deleteAccount', { id: account.id });
  expect((await lab.admin.ok('queryAsyncJobResult', { jobid })).jobresult).toEqual({ success: true });
  expect((await call('listZones', renewed)).status).toBe(401);
  expect((await logIn('dora', 'a long one')).status).toBe(531);
});

test('who changes a password ends the sessions that were opened with the old one', async () => {
  const eve = await lab.newUser('eve', 'user');
  const { cookie, key } = await logIn('eve', 'a password');
  const wrong = await eve.call('updateUser', {
    id: eve.userUuid,
    password: 'another one',
    currentpassword: 'x',
  });
  expect(wrong.status).toBe(431);
  const right = { id: eve.userUuid, password: 'another one', currentpassword: 'a password' };
  expect((await eve.ok('updateUser', right)).user.username).toBe('eve');
  const response = await lab.server.inject({
    method: 'GET',
    url: `/client/api?command=listZones&sessionkey=${key}`,
    headers: { cookie },
  });
  expect(response.statusCode).toBe(401);
  expect((await logIn('eve', 'another one')).status).toBe(200);
  await lab.admin.ok('updateUser', { id: eve.userUuid, password: 'by the admin' });
  expect((await logIn('eve', 'by the admin')).status).toBe(200);
});

test.each([
  ['createAccount', { username: 'alice', password: 'long enough' }, /alice.* already/],
  ['createAccount', { username: 'x', password: 'short' }, /password is too short/],
  ['createAccount', { username: 'x', password: 'long enough', account: 'y' }, /must be the same/],
  ['getUser', { userapikey: 'x' }, /key of no user/],
  ['deleteAccount', { id: 'x' }, /Invalid parameter id/],
] as const)('%s %j is refused', async (command, parameters, sentence) => {
  const { status, inner } = await lab.admin.call(command, parameters);
  expect(status).toBe(431);
  expect(inner.errortext).toMatch(sentence);
});

test('an account with templates, and one’s own, cannot be removed', async () => {
  await lab.template(lab.user);
  expect((await lab.admin.call('deleteAccount', { id: lab.user.accountUuid })).inner.errortext).toMatch(
    /1 templates/,
  );
  expect((await lab.admin.call('deleteAccount', { id: lab.admin.accountUuid })).inner.errortext).toMatch(
    /your own/,
  );
});

test('users see their own account, their own users, and nobody else’s', async () => {
  const all = await lab.admin.ok('listAccounts', { listall: true });
  expect(all.count).toBeGreaterThan(2);
  const [root] = (await lab.admin.ok('listAccounts', { accounttype: 1 })).account;
  expect(root).toMatchObject({ accounttype: 1, rolename: 'Admin' });
  const own = await lab.user.ok('listAccounts', { listall: true });
  expect(own.account.map(({ name }: Json) => name)).toEqual(['alice']);
  expect(await lab.user.ok('listAccounts', { id: lab.other.accountUuid })).toEqual({});
  expect((await lab.user.ok('listUsers')).user.map(({ username }: Json) => username)).toEqual(['alice']);
  expect((await lab.user.call('registerUserKeys', { id: lab.other.userUuid })).status).toBe(431);
  expect(
    (await lab.user.call('updateUser', { id: lab.other.userUuid, password: 'long enough' })).status,
  ).toBe(431);
});

test('there is one domain, one hypervisor, and a category for each family of systems', async () => {
  const { domain } = await lab.user.ok('listDomains', { listall: true });
  expect(domain).toEqual([expect.objectContaining({ name: 'ROOT', level: 0, haschild: false })]);
  expect(await lab.user.ok('listDomains', { name: 'other' })).toEqual({});
  expect((await lab.user.ok('listHypervisors')).hypervisor).toEqual([{ name: 'KVM' }]);
  const { count, oscategory } = await lab.user.ok('listOsCategories');
  expect(oscategory).toHaveLength(count);
  const { ostype } = await lab.user.ok('listOsTypes', { description: 'Debian GNU/Linux 12' });
  const debian = oscategory.find(({ name }: Json) => name === 'Debian');
  expect(ostype[0].oscategoryid).toBe(debian.id);
  expect((await lab.user.ok('listOsCategories', { id: debian.id })).oscategory).toEqual([debian]);
});

test('jobs are listed, the newest first; users see those of their account', async () => {
  const { templateId: id } = await lab.template(lab.user);
  const { jobid } = await lab.user.ok('extractTemplate', { id, mode: 'HTTP_DOWNLOAD' });
  const { asyncjobs, count } = await lab.user.ok('listAsyncJobs', { listall: true });
  expect(asyncjobs).toHaveLength(count);
  expect(asyncjobs[0]).toMatchObject({ jobid, cmd: 'extractTemplate', jobstatus: 1 });
  expect((await lab.user.ok('listAsyncJobs', { keyword: 'extract' })).asyncjobs[0].jobid).toBe(jobid);
  expect(await lab.other.ok('listAsyncJobs')).toEqual({});
  expect(await lab.user.ok('listAsyncJobs', { jobstatus: 0 })).toEqual({});
});
