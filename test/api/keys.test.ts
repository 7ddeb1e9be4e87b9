/** SSH key pairs, registered user data and instance groups of accounts. */
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { openLab } from '../labs/api.ts';
import { eventTypesOf, namesOf, refusal } from '../support/calls.ts';
import type { Json, Lab, Parameters } from '../labs/api.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

const field = (content: Buffer | string): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(content));
  return Buffer.concat([length, Buffer.from(content)]);
};
/** A public key of Ed25519 with these 32 equal bytes. */
const blobOf = (byte: number): Buffer => Buffer.concat([field('ssh-ed25519'), field(Buffer.alloc(32, byte))]);
const ed25519 = (byte: number): string => `ssh-ed25519 ${blobOf(byte).toString('base64')}`;

/** The accounts of the listed pairs that have this name. */
const accounts = async (who: Lab['admin'], parameters: Parameters): Promise<readonly string[]> =>
  ((await who.ok('listSSHKeyPairs', { name: 'shared-name', ...parameters })).sshkeypair ?? []).map(
    ({ account }: Json) => account as string,
  );

describe('SSH key pairs', () => {
  test('a public key is registered without its comment, and listed with the usual fingerprint', async () => {
    const fingerprint = createHash('md5')
      .update(blobOf(1))
      .digest('hex')
      .replace(/..(?=.)/g, '$&:');
    const { keypair } = await lab.user.ok('registerSSHKeyPair', {
      name: 'laptop',
      publickey: `${ed25519(1)} alice@laptop\n`,
    });
    expect(keypair).toEqual({
      id: expect.any(String),
      name: 'laptop',
      fingerprint,
      account: 'alice',
      domain: 'ROOT',
      domainid: expect.any(String),
      domainpath: 'ROOT',
    });
    for (const filter of [{ name: 'laptop' }, { fingerprint }, { id: keypair.id }, { keyword: 'LAP' }])
      expect((await lab.user.ok('listSSHKeyPairs', filter)).sshkeypair).toEqual([keypair]);
    expect(await lab.user.ok('listSSHKeyPairs', { name: 'lap' })).toEqual({});
    const row = await lab.db
      .selectFrom('ssh_keypair')
      .where('uuid', '=', keypair.id)
      .selectAll()
      .executeTakeFirst();
    expect(row?.public_key).toBe(ed25519(1));
    expect(await eventTypesOf(lab, keypair.id)).toEqual(['REGISTER.SSH.KEYPAIR']);
  });

  test('a pair is made whose private key fits, is answered once, and is kept nowhere', async () => {
    const { keypair } = await lab.user.ok('createSSHKeyPair', { name: 'made' });
    expect(keypair.privatekey).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/);
    const { public_key: kept } = await lab.db
      .selectFrom('ssh_keypair')
      .where('uuid', '=', keypair.id)
      .select('public_key')
      .executeTakeFirstOrThrow();
    const { n = '', e = '' } = createPublicKey(createPrivateKey(keypair.privatekey)).export({
      format: 'jwk',
    });
    const blob = Buffer.concat([
      field('ssh-rsa'),
      field(Buffer.from(e, 'base64url')),
      // The modulus has its first bit set: a zero byte says that it is positive.
      field(Buffer.concat([Buffer.alloc(1), Buffer.from(n, 'base64url')])),
    ]);
    expect(kept).toBe(`ssh-rsa ${blob.toString('base64')}`);
    const { sshkeypair } = await lab.user.ok('listSSHKeyPairs', { name: 'made' });
    expect(sshkeypair[0]).not.toHaveProperty('privatekey');
    expect(sshkeypair[0].fingerprint).toBe(keypair.fingerprint);
  });

  test("names and keys are taken once in an account, in CloudStack's words", async () => {
    await lab.user.ok('registerSSHKeyPair', { name: 'one', publickey: ed25519(2) });
    const register = (parameters: Parameters) => refusal(lab.user, 'registerSSHKeyPair', parameters);
    expect(await register({ name: 'one', publickey: ed25519(3) })).toEqual([
      431,
      "A key pair with name 'one' already exists for this account.",
    ]);
    expect(await register({ name: 'two', publickey: `${ed25519(2)} again` })).toEqual([
      431,
      `A key pair with key '${ed25519(2)}' already exists for this account.`,
    ]);
    expect(await refusal(lab.user, 'createSSHKeyPair', { name: 'one' })).toEqual([
      431,
      "A key pair with name 'one' already exists.",
    ]);
    expect((await lab.other.call('registerSSHKeyPair', { name: 'one', publickey: ed25519(2) })).status).toBe(
      200,
    );
  });

  const encoded = blobOf(4).toString('base64');
  test.each([
    ['no key', 'hello'],
    ['another type than in the key', `ssh-rsa ${encoded}`],
    ['an unknown type', `ssh-foo ${encoded}`],
    ['a key that is cut off', `ssh-ed25519 ${blobOf(4).subarray(0, -1).toString('base64')}`],
    [
      'a key with more behind it',
      `ssh-ed25519 ${Buffer.concat([blobOf(4), Buffer.alloc(4)]).toString('base64')}`,
    ],
    ['two lines', `${ed25519(4)}\ncommand="id" ${ed25519(5)}`],
    ['options before the key', `command="id" ${ed25519(4)}`],
    ['a private key', '-----BEGIN RSA PRIVATE KEY-----\nMII=\n-----END RSA PRIVATE KEY-----'],
    ['the name of a property', '__proto__ AAAA'],
    ['too long a text', `${ed25519(4)} ${'x'.repeat(9000)}`],
  ])('no public key: %s', async (_what, publickey) => {
    const { status, inner } = await lab.user.call(
      'registerSSHKeyPair',
      { name: 'no', publickey },
      { post: true },
    );
    expect([status, inner.errortext, inner.parameter]).toEqual([431, 'Public key is invalid', 'publickey']);
  });

  test('the whole line may come as base64', async () => {
    const publickey = Buffer.from(`${ed25519(6)} me`).toString('base64');
    await lab.user.ok('registerSSHKeyPair', { name: 'packed', publickey });
    const row = await lab.db
      .selectFrom('ssh_keypair')
      .where('name', '=', 'packed')
      .selectAll()
      .executeTakeFirst();
    expect(row?.public_key).toBe(ed25519(6));
  });

  test('accounts are apart; administrators name the account, or ask for all', async () => {
    for (const [who, byte] of [
      [lab.user, 7],
      [lab.other, 8],
      [lab.admin, 9],
    ] as const)
      await who.ok('registerSSHKeyPair', { name: 'shared-name', publickey: ed25519(byte) });
    expect(await accounts(lab.other, { listall: true })).toEqual(['bob']);
    expect(await accounts(lab.admin, {})).toEqual(['root']);
    expect(await accounts(lab.admin, { account: 'alice' })).toEqual(['alice']);
    expect(await accounts(lab.admin, { listall: true })).toEqual(['alice', 'bob', 'root']);
    expect((await lab.other.call('listSSHKeyPairs', { account: 'alice' })).status).toBe(531);
    const { sshkeypair } = await lab.user.ok('listSSHKeyPairs', { name: 'shared-name' });
    const foreign = await refusal(lab.other, 'listSSHKeyPairs', { id: sshkeypair[0].id });
    expect(foreign).toEqual([431, expect.stringContaining('There is no SSH key pair with the id')]);
    await lab.admin.ok('deleteSSHKeyPair', { name: 'shared-name', account: 'alice' });
    expect(await accounts(lab.admin, { listall: true })).toEqual(['bob', 'root']);
  });

  test('a pair is removed by its name; of one that the account lacks, clients find the words that they look for', async () => {
    const { keypair } = await lab.user.ok('registerSSHKeyPair', { name: 'gone', publickey: ed25519(10) });
    const removed = await lab.user.ok('deleteSSHKeyPair', { name: 'gone' });
    expect(removed).toEqual({ success: true, displaytext: "SSH key pair 'gone' was removed" });
    expect(await refusal(lab.user, 'deleteSSHKeyPair', { name: 'gone' })).toEqual([
      431,
      "A key pair with name 'gone' does not exist for account alice in specified domain id",
    ]);
    expect(await eventTypesOf(lab, keypair.id)).toEqual(['DELETE.SSH.KEYPAIR', 'REGISTER.SSH.KEYPAIR']);
  });
});

describe('user data', () => {
  const text = '#cloud-config\npassword: sesame-7d1f\n';
  const base64 = Buffer.from(text).toString('base64');

  test('it is registered, kept sealed, and answered as base64 with padding', async () => {
    const { userdata } = await lab.user.ok('registerUserData', {
      name: 'web',
      userdata: base64.replace(/=+$/, ''),
      params: 'domain, role',
    });
    expect(userdata).toEqual({
      id: expect.any(String),
      name: 'web',
      userdata: base64,
      params: 'domain,role',
      account: 'alice',
      accountid: lab.user.accountUuid,
      domain: 'ROOT',
      domainid: expect.any(String),
      domainpath: 'ROOT',
    });
    for (const filter of [{ id: userdata.id }, { name: 'web' }, { keyword: 'WE' }])
      expect((await lab.user.ok('listUserData', filter)).userdata).toEqual([userdata]);
    const row = await lab.db.selectFrom('user_data').selectAll().executeTakeFirstOrThrow();
    expect(JSON.stringify(row)).not.toContain(base64.slice(0, 12));
    expect(Buffer.from(row.user_data_sealed.split('.')[3] ?? '', 'base64url').toString()).not.toContain(
      'sesame',
    );
    expect(await eventTypesOf(lab, userdata.id)).toEqual(['REGISTER.USER.DATA']);
  });

  test('base64 of URLs, as Python clients send it, is taken', async () => {
    const bytes = Buffer.from([0xfb, 0xff, 0xfe]);
    const { userdata } = await lab.user.ok('registerUserData', {
      name: 'urlsafe',
      userdata: bytes.toString('base64url'),
    });
    expect(userdata.userdata).toBe(bytes.toString('base64'));
  });

  test.each<readonly [string, string, boolean, string]>([
    ['no base64', 'a*b', false, 'User data is not base64 encoded'],
    ['too much for GET', 'A'.repeat(4096), false, 'User data is too long for an http GET request'],
    [
      'more than is configured',
      'A'.repeat(32_772),
      true,
      'User data has exceeded configurable max length : 32768',
    ],
    ['nothing', '=', false, 'User data is too short'],
    ['blanks', '  ', false, 'User data is too short'],
  ])('it is refused: %s', async (_what, userdata, post, sentence) => {
    const { status, inner } = await lab.user.call('registerUserData', { name: 'no', userdata }, { post });
    expect([status, inner.errortext]).toEqual([431, sentence]);
    expect(await lab.user.ok('listUserData', { name: 'no' })).toEqual({});
  });

  test('a name is taken once in an account, accounts are apart, and what is removed is gone', async () => {
    const { userdata } = await lab.user.ok('registerUserData', { name: 'mine', userdata: base64 });
    expect(await refusal(lab.user, 'registerUserData', { name: 'mine', userdata: base64 })).toEqual([
      431,
      "User data with name 'mine' already exists for this account.",
    ]);
    for (const command of ['listUserData', 'deleteUserData'])
      expect(await refusal(lab.other, command, { id: userdata.id })).toEqual([
        431,
        expect.stringContaining(`There is no user data with the id '${userdata.id}'.`),
      ]);
    expect(await lab.admin.ok('listUserData', { name: 'mine' })).toEqual({});
    expect((await lab.admin.ok('listUserData', { id: userdata.id })).count).toBe(1);
    await lab.user.ok('deleteUserData', { id: userdata.id });
    expect(await refusal(lab.user, 'listUserData', { id: userdata.id })).toEqual([431, expect.any(String)]);
    expect(await eventTypesOf(lab, userdata.id)).toEqual(['DELETE.USER.DATA', 'REGISTER.USER.DATA']);
  });
});

describe('instance groups', () => {
  test('a group is made, renamed, listed and removed; its name is unique in its account', async () => {
    const { instancegroup: made } = await lab.user.ok('createInstanceGroup', { name: 'web' });
    expect(made).toEqual({
      id: expect.any(String),
      name: 'web',
      account: 'alice',
      domain: 'ROOT',
      domainid: expect.any(String),
      domainpath: 'ROOT',
      created: expect.any(String),
    });
    const { id } = made;
    const taken = `a group with name web already exists for account ${lab.user.accountUuid}`;
    expect(await refusal(lab.user, 'createInstanceGroup', { name: 'web' })).toEqual([
      431,
      `Unable to create vm group, ${taken}`,
    ]);
    const { instancegroup: db } = await lab.user.ok('createInstanceGroup', { name: 'db' });
    expect(await refusal(lab.user, 'updateInstanceGroup', { id: db.id, name: 'web' })).toEqual([
      431,
      `Unable to update vm group, ${taken}`,
    ]);
    const { instancegroup: renamed } = await lab.user.ok('updateInstanceGroup', { id, name: 'front' });
    expect(renamed).toEqual({ ...made, name: 'front' });
    expect(
      namesOf((await lab.user.ok('listInstanceGroups', { page: 2, pagesize: 1 })).instancegroup),
    ).toEqual(['db']);
    expect((await lab.user.ok('listInstanceGroups', { keyword: 'RON' })).instancegroup).toEqual([renamed]);
    expect(await lab.other.ok('listInstanceGroups')).toEqual({});
    for (const command of ['listInstanceGroups', 'updateInstanceGroup', 'deleteInstanceGroup'])
      expect(await refusal(lab.other, command, { id })).toEqual([
        431,
        expect.stringContaining(`There is no instance group with the id '${id}'.`),
      ]);
    expect(await lab.user.ok('deleteInstanceGroup', { id })).toMatchObject({ success: true });
    expect(await eventTypesOf(lab, id)).toEqual([
      'INSTANCE.GROUP.DELETE',
      'INSTANCE.GROUP.UPDATE',
      'INSTANCE.GROUP.CREATE',
    ]);
  });

  test.each(['listAffinityGroups', 'listSecurityGroups'])('%s lists nothing', async (command) => {
    expect(await lab.user.ok(command, { listall: true, page: 1, pagesize: 10 })).toEqual({});
    expect(await refusal(lab.user, command, { id: lab.zone.uuid })).toEqual([
      431,
      expect.stringContaining('group with the id'),
    ]);
  });
});

test('an account goes with its keys, user data and groups, but not while it has networks', async () => {
  const carol = await lab.newUser('carol', 'user');
  await carol.ok('registerSSHKeyPair', { name: 'k', publickey: ed25519(20) });
  await carol.ok('registerUserData', { name: 'u', userdata: 'aGVsbG8=' });
  await carol.ok('createInstanceGroup', { name: 'g' });
  const { networkoffering } = await carol.ok('listNetworkOfferings', {
    guestiptype: 'L2',
    specifyvlan: false,
  });
  const { network } = await carol.ok('createNetwork', {
    name: 'n',
    networkofferingid: networkoffering[0].id,
    zoneid: lab.zone.uuid,
  });
  const remove = () => refusal(lab.admin, 'deleteAccount', { id: carol.accountUuid });
  expect(await remove()).toEqual([431, 'Parameter id is an account with 1 networks; delete them first.']);
  await carol.ok('deleteNetwork', { id: network.id });
  expect((await remove())[0]).toBe(200);
  for (const table of ['ssh_keypair', 'user_data', 'instance_group'] as const)
    expect(
      await lab.db.selectFrom(table).where('account_id', '=', carol.accountId).selectAll().execute(),
    ).toEqual([]);
});
