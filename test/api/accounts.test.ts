import { openLab, send } from '../labs/api.ts';
import type { Json, Lab } from '../labs/api.ts';

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

test('an account is created, logs in, gets keys, calls with them, and is removed', async () => {
  const { account } = await lab.admin.ok('createAccount', { username: 'dora', password: 'a long one' });
  expect(account).toMatchObject({
    name: 'dora',
    accounttype: 0,
    rolename: 'User',
    roletype: 'User',
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

test('a changed password ends the sessions that were opened with the old one', async () => {
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
  [
    'createAccount',
    { username: 'x', password: 'long enough', account: 'bob' },
    /an account named 'bob'.* already/,
  ],
  ['createAccount', { username: 'x', password: 'long enough', roleid: 'x' }, /roleid/],
  [
    'createUser',
    { username: 'alice', password: 'long enough', account: 'bob' },
    /a user named 'alice' already/,
  ],
  ['createUser', { username: 'x', password: 'long enough', account: 'nobody' }, /no such account/],
  ['createUser', { username: 'x', password: 'short', account: 'bob' }, /password is too short/],
  ['disableAccount', {}, /id or account must be given/],
  ['getUser', { userapikey: 'x' }, /key of no user/],
  ['deleteAccount', { id: 'x' }, /Invalid parameter id/],
] as const)('%s %j is refused', async (command, parameters, sentence) => {
  const { status, inner } = await lab.admin.call(command, parameters);
  expect(status).toBe(431);
  expect(inner.errortext).toMatch(sentence);
});

test("an account with templates cannot be removed, nor can the caller's own", async () => {
  await lab.template(lab.user);
  expect((await lab.admin.call('deleteAccount', { id: lab.user.accountUuid })).inner.errortext).toMatch(
    /1 templates/,
  );
  expect((await lab.admin.call('deleteAccount', { id: lab.admin.accountUuid })).inner.errortext).toMatch(
    /your own/,
  );
});

test('the name of a removed account can be used again', async () => {
  const { account } = await lab.admin.ok('createAccount', { username: 'twice', password: 'a long one' });
  await lab.admin.ok('deleteAccount', { id: account.id });
  const again = await lab.admin.ok('createAccount', { username: 'twice', password: 'another one' });
  expect(again.account.id).not.toBe(account.id);
  expect((await logIn('twice', 'another one')).status).toBe(200);
});

test('an account has any number of users, each with keys and a password of their own', async () => {
  const { user } = await lab.admin.ok('createUser', {
    username: 'fred',
    password: 'a long one',
    account: 'bob',
    email: 'fred@example.org',
    firstname: 'Fred',
    lastname: 'Example',
    timezone: 'Europe/Berlin',
  });
  expect(user).toMatchObject({
    username: 'fred',
    account: 'bob',
    state: 'enabled',
    email: 'fred@example.org',
    firstname: 'Fred',
    lastname: 'Example',
    timezone: 'Europe/Berlin',
  });
  expect((await lab.admin.ok('listAccounts', { name: 'bob' })).account[0].user).toHaveLength(2);
  expect((await logIn('fred', 'a long one')).status).toBe(200);
  expect((await lab.admin.ok('getUserKeys', { id: user.id })).userkeys).toEqual({});
  const { userkeys } = await lab.other.ok('registerUserKeys', { id: user.id });
  const readKeys = async (maxage?: number) => {
    const call = { command: 'getUserKeys', id: user.id, maxage, apiKey: userkeys.apikey };
    return (await send(lab.server, call, { secretKey: userkeys.secretkey })).inner.userkeys;
  };
  expect(await readKeys()).toEqual(userkeys);
  expect(await readKeys(9)).toEqual(userkeys);
  for (const maxage of [undefined, 9])
    expect((await lab.other.call('getUserKeys', { id: user.id, maxage })).status).toBe(431);
  const changed = await lab.admin.ok('updateUser', {
    id: user.id,
    username: 'frederic',
    email: 'f@example.org',
  });
  expect(changed.user).toMatchObject({ username: 'frederic', email: 'f@example.org', firstname: 'Fred' });
  expect((await lab.other.call('updateUser', { id: user.id, username: 'root2' })).status).toBe(531);
  expect((await lab.admin.call('updateUser', { id: user.id, username: 'alice' })).inner.errortext).toMatch(
    /username is taken/,
  );

  expect(await lab.admin.ok('deleteUser', { id: user.id })).toMatchObject({ success: true });
  const call = { command: 'listZones', apiKey: userkeys.apikey };
  expect((await send(lab.server, call, { secretKey: userkeys.secretkey })).status).toBe(401);
  expect((await logIn('frederic', 'a long one')).status).toBe(531);
  expect((await lab.other.call('listZones')).status).toBe(200);
  const { event } = await lab.admin.ok('listEvents', { resourceid: user.id });
  expect(event.map(({ type }: Json) => type)).toEqual([
    'USER.DELETE',
    'USER.UPDATE',
    'USER.KEYS.READ',
    'USER.KEYS.READ',
    'REGISTER.USER.KEY',
    'USER.KEYS.READ',
    'USER.CREATE',
  ]);
});

test('keys that an earlier release stored as a hash are not shown, with the reason', async () => {
  const old = await lab.newUser('old', 'user');
  await lab.db.updateTable('user').set({ api_key_sealed: null }).where('id', '=', old.userId).execute();
  expect((await old.call('listZones')).status).toBe(200);
  const { status, inner } = await lab.admin.call('getUserKeys', { id: old.userUuid });
  expect([status, inner.errortext]).toEqual([
    431,
    expect.stringContaining('registerUserKeys makes new keys'),
  ]);
});

const sessionCall = async ({ cookie, key }: { cookie: string; key: string }): Promise<number> =>
  (
    await lab.server.inject({
      method: 'GET',
      url: `/client/api?command=listZones&maxage=9&sessionkey=${key}`,
      headers: { cookie },
    })
  ).statusCode;

describe('a disabled or locked user', () => {
  test.each([
    ['disableUser', 'enableUser', 'disabled', 'USER.DISABLE'],
    ['lockUser', 'enableUser', 'locked', 'USER.LOCK'],
    ['disableAccount', 'enableAccount', 'disabled', 'ACCOUNT.DISABLE'],
    ['lockAccount', 'enableAccount', 'locked', 'ACCOUNT.LOCK'],
  ] as const)(
    '%s refuses keys and password, and ends sessions at once; %s gives back',
    async (stop, go, state, type) => {
      const who = await lab.newUser(stop.toLowerCase(), 'user');
      const session = await logIn(who.username, 'a password');
      expect(await sessionCall(session)).toBe(200);
      const ofUser = stop.endsWith('User');
      const id = ofUser ? who.userUuid : who.accountUuid;
      await lab.admin.ok(stop, { id });
      expect(await sessionCall(session)).toBe(401);
      expect((await who.call('listZones')).status).toBe(401);
      expect((await logIn(who.username, 'a password')).status).toBe(531);
      const listed = ofUser
        ? (await lab.admin.ok('listUsers', { state, username: who.username })).user
        : (await lab.admin.ok('listAccounts', { state, name: who.username })).account;
      expect(listed).toMatchObject([{ id, state }]);
      expect((await lab.admin.ok('listEvents', { resourceid: id })).event[0]).toMatchObject({ type });

      await lab.admin.ok(go, { id });
      expect((await who.call('listZones')).status).toBe(200);
      expect(await sessionCall(session)).toBe(401);
      expect((await logIn(who.username, 'a password')).status).toBe(200);
    },
  );

  test('may be an account, named by its name, and disableAccount can lock it', async () => {
    await lab.newUser('gina', 'user');
    const { jobid } = await lab.admin.ok('disableAccount', { account: 'gina', lock: true });
    const { jobresult } = await lab.admin.ok('queryAsyncJobResult', { jobid });
    expect(jobresult.account).toMatchObject({ name: 'gina', state: 'locked' });
    expect((await lab.admin.ok('enableAccount', { account: 'gina' })).account.state).toBe('enabled');
  });

  test('is never the caller', async () => {
    for (const command of ['disableUser', 'lockUser', 'deleteUser'])
      expect((await lab.admin.call(command, { id: lab.admin.userUuid })).inner.errortext).toMatch(
        /your own user/,
      );
    for (const command of ['disableAccount', 'lockAccount'])
      expect((await lab.admin.call(command, { account: 'root' })).inner.errortext).toMatch(
        /your own account/,
      );
  });
});

test('roles are listed, and an account is created with one of them', async () => {
  const { role } = await lab.admin.ok('listRoles');
  expect(role.map(({ name, type }: Json) => [name, type])).toEqual([
    ['Root Admin', 'Admin'],
    ['User', 'User'],
  ]);
  expect((await lab.admin.ok('listRoles', { name: 'User' })).role).toEqual([role[1]]);
  const { account } = await lab.admin.ok('createAccount', {
    username: 'henry',
    account: 'operations',
    password: 'a long one',
    roleid: role[0].id,
  });
  expect(account).toMatchObject({ name: 'operations', accounttype: 1, roleid: role[0].id });
  expect(account.user).toMatchObject([{ username: 'henry', roleid: role[0].id }]);
});

test('users see their own account and its users only', async () => {
  const all = await lab.admin.ok('listAccounts', { listall: true });
  expect(all.count).toBeGreaterThan(2);
  const [root] = (await lab.admin.ok('listAccounts', { accounttype: 1 })).account;
  expect(root).toMatchObject({ accounttype: 1, rolename: 'Root Admin', roletype: 'Admin' });
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

test('jobs are listed newest first; users see those of their account', async () => {
  const { templateId: id } = await lab.template(lab.user);
  const { jobid } = await lab.user.ok('extractTemplate', { id, mode: 'HTTP_DOWNLOAD' });
  const { asyncjobs, count } = await lab.user.ok('listAsyncJobs', { listall: true });
  expect(asyncjobs).toHaveLength(count);
  expect(asyncjobs[0]).toMatchObject({ jobid, cmd: 'extractTemplate', jobstatus: 1 });
  expect((await lab.user.ok('listAsyncJobs', { keyword: 'extract' })).asyncjobs[0].jobid).toBe(jobid);
  expect(await lab.other.ok('listAsyncJobs')).toEqual({});
  expect(await lab.user.ok('listAsyncJobs', { jobstatus: 0 })).toEqual({});
});
