import { connect } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { COMMANDS, PUBLIC_COMMANDS } from '../../api/server/registry.ts';
import { openLab, send, sendRaw, sign } from '../labs/api.ts';
import type { Json, Lab } from '../labs/api.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

const REFUSED = 'unable to verify user credentials and/or request signature';

describe('a call', () => {
  const unauthorized = {
    listzonesresponse: {
      uuidList: [],
      errorcode: 401,
      cserrorcode: 9999,
      errortext: REFUSED,
      errorkind: 'NotAuthenticated',
      advice: 'log in, or sign the call with the keys of a user',
    },
  };

  test('is refused without a signature, with a wrong one, and with an unknown key', async () => {
    const { apiKey, secretKey } = lab.admin;
    const command = ['command', 'listZones'] as const;
    for (const parameters of [
      [command],
      [command, ['apiKey', apiKey]],
      [command, ['apiKey', apiKey], ['signature', 'AAAA']],
      [command, ['apiKey', apiKey], ['signature', sign([command, ['apiKey', apiKey]], 'another')]],
      [command, ['apiKey', 'x'], ['signature', sign([command, ['apiKey', 'x']], secretKey)]],
      [command, ['apiKey', 'x\0'], ['signature', sign([command, ['apiKey', 'x\0']], secretKey)]],
    ] as const) {
      const reply = await sendRaw(lab.server, parameters);
      expect(reply.status).toBe(401);
      expect(reply.body).toEqual(unauthorized);
    }
  });

  test('is refused once it has expired', async () => {
    lab.setTime(new Date('2026-03-01T12:00:00Z'));
    try {
      const late = { signatureVersion: 3, expires: '2026-03-01T11:59:59+0000' };
      expect((await lab.admin.call('listZones', late)).body).toEqual(unauthorized);
      const early = { signatureVersion: 3, expires: '2026-03-01T12:10:00+0000' };
      expect((await lab.admin.call('listZones', early)).status).toBe(200);
    } finally {
      lab.setTime(new Date());
    }
  });

  test('is refused once its user or account was removed', async () => {
    const carol = await lab.newUser('carol', 'user');
    await lab.db.updateTable('user').set({ removed: new Date() }).where('id', '=', carol.userId).execute();
    expect((await carol.call('listZones')).status).toBe(401);
    const dave = await lab.newUser('dave', 'user');
    await lab.db
      .updateTable('account')
      .set({ removed: new Date() })
      .where('id', '=', dave.accountId)
      .execute();
    expect((await dave.call('listZones')).status).toBe(401);
  });

  test('works by GET and by POST, with names in any case', async () => {
    expect((await lab.user.call('listZones', {}, { post: true })).inner.count).toBe(1);
    const { apiKey } = lab.user;
    const reply = await send(
      lab.server,
      { COMMAND: 'listZones', apikey: apiKey, PAGE: 1, pageSize: 5 },
      lab.user,
    );
    expect(reply.body['listzonesresponse'].count).toBe(1);
  });
});

describe('roles', () => {
  const forUsers = new Set([
    'checkTemplateSource',
    'listAccounts',
    'listAsyncJobs',
    'createInstanceGroup',
    'createSSHKeyPair',
    'deleteInstanceGroup',
    'deleteSSHKeyPair',
    'deleteUserData',
    'listAffinityGroups',
    'listInstanceGroups',
    'listSecurityGroups',
    'listSSHKeyPairs',
    'listUserData',
    'registerSSHKeyPair',
    'registerUserData',
    'updateInstanceGroup',
    'createNetwork',
    'deleteNetwork',
    'listNetworkOfferings',
    'listNetworks',
    'listPublicIpAddresses',
    'restartNetwork',
    'updateNetwork',
    'listDiskOfferings',
    'listServiceOfferings',
    'listDomains',
    'listHypervisors',
    'listOsCategories',
    'listUsers',
    'registerUserKeys',
    'updateUser',
    'createTags',
    'deleteTags',
    'extractIso',
    'extractTemplate',
    'listIsoPermissions',
    'listResourceLimits',
    'listTags',
    'listTemplatePermissions',
    'updateIso',
    'updateIsoPermissions',
    'updateTemplate',
    'updateTemplatePermissions',
    'listCapabilities',
    'getApiLimit',
    'getUserKeys',
    'getTemplateDeploymentSummary',
    'getTemplateRegistration',
    'deleteIso',
    'deleteTemplate',
    'listApis',
    'listEvents',
    'listIsos',
    'listOsTypes',
    'listTemplateDeployments',
    'listTemplates',
    'listZones',
    'queryAsyncJobResult',
    'registerIso',
    'registerTemplate',
    'attachIso',
    'changeServiceForVirtualMachine',
    'detachIso',
    'getVirtualMachineConsoleLog',
    'getVirtualMachineUserData',
    'listNics',
    'listVolumes',
    'recoverVirtualMachine',
    'resetSSHKeyForVirtualMachine',
    'resetUserDataForVirtualMachine',
    'restoreVirtualMachine',
    'scaleVirtualMachine',
    'updateVMAffinityGroup',
    'updateVirtualMachine',
    'deployVirtualMachine',
    'destroyVirtualMachine',
    'expungeVirtualMachine',
    'listVirtualMachines',
    'listVirtualMachinesMetrics',
    'rebootVirtualMachine',
    'startVirtualMachine',
    'stopVirtualMachine',
  ]);

  test.each(COMMANDS.map(({ name }) => name))('%s', async (name) => {
    const wrapper = `${name.toLowerCase()}response`;
    const nobody = await sendRaw(lab.server, [['command', name]]);
    expect([nobody.status, Object.keys(nobody.body)]).toEqual([401, [wrapper]]);

    const user = await lab.user.call(name);
    if (forUsers.has(name)) expect(user.status).not.toBe(401);
    else {
      expect(user.status).toBe(401);
      expect(user.body[wrapper].errortext).toBe(
        `The given command '${name}' either does not exist, is not available for user.`,
      );
    }
    expect((await lab.admin.call(name)).status).not.toBe(401);
  });

  test('listApis shows each caller the commands that the role allows', async () => {
    const names = async (who: typeof lab.admin): Promise<readonly string[]> =>
      (await who.ok('listApis')).api.map(({ name }: Json) => name as string).toSorted();
    expect(await names(lab.admin)).toEqual(
      [...COMMANDS, ...PUBLIC_COMMANDS].map(({ name }) => name).toSorted(),
    );
    expect(await names(lab.user)).toEqual([...forUsers, 'login', 'logout'].toSorted());
  });
});

describe('listApis', () => {
  test('has the names, types and flags that cmk asserts, with the right types', async () => {
    const { count, api } = await lab.admin.ok('listApis', { listall: true });
    expect(count).toBe(COMMANDS.length + PUBLIC_COMMANDS.length);
    for (const command of api) {
      expect(command).toMatchObject({
        name: expect.any(String),
        description: expect.any(String),
        since: expect.any(String),
        isasync: expect.any(Boolean),
        params: expect.any(Array),
        response: expect.any(Array),
      });
      expect(command.response.length).toBeGreaterThan(0);
      for (const parameter of command.params) {
        expect(parameter).toMatchObject({
          name: expect.stringMatching(/^[a-z0-9]+$/),
          type: expect.stringMatching(/^(string|uuid|boolean|integer|list|map|date)$/),
          required: expect.any(Boolean),
          length: expect.any(Number),
          description: expect.stringMatching(/./),
          related: expect.any(String),
        });
      }
      for (const field of command.response) {
        expect(field).toMatchObject({ name: expect.stringMatching(/./), type: expect.stringMatching(/./) });
      }
    }
  });

  test('is plain ASCII, which clients of Python 2 print', async () => {
    expect(JSON.stringify(await lab.admin.ok('listApis'))).toMatch(/^[\x20-\x7e]*$/);
  });

  test('marks only commands that answer a job as asynchronous, and finds one command by name', async () => {
    const { api } = await lab.admin.ok('listApis');
    const asynchronous = api.filter(({ isasync }: Json) => isasync).map(({ name }: Json) => name);
    expect(asynchronous.toSorted()).toEqual([
      'attachIso',
      'cancelHostMaintenance',
      'cancelStorageMaintenance',
      'cleanupStoragePool',
      'createTags',
      'deleteAccount',
      'deleteIso',
      'deleteNetwork',
      'deleteTags',
      'deleteTemplate',
      'deployVirtualMachine',
      'destroyVirtualMachine',
      'detachIso',
      'disableAccount',
      'disableUser',
      'enableStorageMaintenance',
      'expungeVirtualMachine',
      'extractIso',
      'extractTemplate',
      'prepareHostForMaintenance',
      'rebootVirtualMachine',
      'removeStoragePoolFiles',
      'resetSSHKeyForVirtualMachine',
      'resetUserDataForVirtualMachine',
      'restartNetwork',
      'restoreVirtualMachine',
      'scaleVirtualMachine',
      'startVirtualMachine',
      'stopVirtualMachine',
      'updateNetwork',
      'updateVMAffinityGroup',
    ]);
    const { api: one } = await lab.admin.ok('listApis', { name: 'REGISTERTEMPLATE' });
    expect(one).toHaveLength(1);
    const required = one[0].params.filter(({ required: is }: Json) => is).map(({ name }: Json) => name);
    expect(required.toSorted()).toEqual(['format', 'hypervisor', 'name', 'url']);
    expect(await lab.admin.ok('listApis', { name: 'nothing' })).toEqual({});
  });
});

describe('an error', () => {
  test('for a command that does not exist is wrapped in errorresponse', async () => {
    const { status, body } = await lab.admin.call('launchRocket');
    expect(status).toBe(401);
    expect(body).toEqual({
      errorresponse: {
        uuidList: [],
        errorcode: 401,
        cserrorcode: 9999,
        errortext: "The given command 'launchRocket' either does not exist, is not available for user.",
        errorkind: 'NoSuchCommand',
        reason: "There is no command 'launchRocket', or not for you; listApis has those that are.",
        advice: 'listApis has those that are',
      },
    });
  });

  test('for a command of CloudStack that Bypass lacks says so, once the caller is known', async () => {
    for (const who of [lab.admin, lab.user]) {
      const { status, body } = await who.call('createvpc');
      expect([status, body]).toEqual([
        432,
        {
          createvpcresponse: {
            uuidList: [],
            errorcode: 432,
            cserrorcode: 9999,
            errortext: 'Bypass does not do createVPC, a command of CloudStack: listApis has what it does.',
            errorkind: 'NotSupported',
            advice: 'listApis has what it does',
          },
        },
      ]);
    }
    expect((await lab.admin.call('addHost')).inner.errortext).toBe(
      'Bypass does not do addHost, a command of CloudStack: a KVM host joins by itself, with a token that createHostInvite gives.',
    );
    const nobody = await sendRaw(lab.server, [['command', 'addHost']]);
    expect([nobody.status, nobody.body['addhostresponse'].errortext]).toEqual([401, REFUSED]);
  });

  test('says that the command is missing', async () => {
    const { status, body } = await send(lab.server, { apiKey: lab.admin.apiKey }, lab.admin);
    expect([status, body['errorresponse'].errorcode]).toEqual([432, 432]);
  });

  test('names a missing parameter, and its meaning', async () => {
    const { status, inner } = await lab.admin.call('createZone');
    expect(status).toBe(431);
    expect(inner).toEqual({
      uuidList: [],
      errorcode: 431,
      cserrorcode: 9999,
      errortext: 'Unable to execute API command createzone due to missing parameter name: the name',
      errorkind: 'MissingParameter',
      reason: 'Parameter name is missing: the name.',
      parameter: 'name',
      advice: 'give the parameter',
    });
  });

  test('for an unknown id has the words that Terraform looks for', async () => {
    const id = '00000000-0000-4000-8000-000000000000';
    const { status, inner } = await lab.admin.call('listTemplates', { templatefilter: 'all', id });
    expect([status, inner.cserrorcode]).toEqual([431, 9999]);
    expect(inner.errortext).toContain(
      `Invalid parameter id value=${id} due to incorrect long value format, or entity does not exist`,
    );
    expect((await lab.admin.call('queryAsyncJobResult', { jobid: '17' })).inner.errortext).toContain(
      'Invalid parameter jobid value=17 due to incorrect long value format',
    );
    expect(inner.errortext).toMatch(/^There is no template with the id '0{8}-/);
    expect(inner).toMatchObject({
      errorkind: 'NoSuchEntity',
      parameter: 'id',
      reason: `There is no template with the id '${id}'.`,
    });
  });

  test('refuses formats other than JSON, and idempotency keys that are too long', async () => {
    const xml = await lab.admin.call('listZones', { response: 'xml' });
    expect([xml.status, xml.inner.errortext]).toEqual([431, expect.stringContaining('Parameter response')]);
    const headers = { 'idempotency-key': 'k'.repeat(256) };
    expect((await lab.admin.call('listZones', {}, { headers })).status).toBe(431);
  });

  test('refuses a parameter that is given twice', async () => {
    const reply = await sendRaw(lab.server, [
      ['command', 'listZones'],
      ['name', 'a'],
      ['name', 'b'],
    ]);
    expect([reply.status, reply.inner.errorcode]).toEqual([430, 430]);
  });

  test('reveals nothing internal', async () => {
    lab.orchestration.failure = new TypeError('secret detail of the inside');
    const template = await lab.template(lab.user);
    const { status, inner, text } = await lab.user.call('deleteTemplate', { id: template.templateId });
    lab.orchestration.forget();
    expect([status, inner.errorcode, inner.cserrorcode]).toEqual([530, 530, 4250]);
    expect(text).not.toContain('secret detail');
    expect(text).not.toContain('at ');
    expect(inner.errortext).toMatch(
      /^Something went wrong inside Bypass; the log of the api tells it, under request /,
    );
  });
});

describe('the HTTP server', () => {
  test('answers JSON that no cache keeps', async () => {
    const { headers } = await lab.admin.call('listZones');
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    });
    expect(headers).not.toHaveProperty('x-powered-by');
  });

  test('answers health checks', async () => {
    expect((await lab.server.inject('/healthz')).body).toBe('ok\n');
    expect((await lab.server.inject('/readyz')).body).toBe('ready\n');
  });

  test.each([
    ['GET', '/nothing', 404],
    ['PUT', '/client/api', 404],
    ['GET', '/client/api/', 401],
    ['POST', '/client/api', 401],
  ] as const)('%s %s → %i, in the shape of errors', async (method, url, status) => {
    const response = await lab.server.inject({ method, url });
    expect(response.statusCode).toBe(status);
    expect(response.json().errorresponse.errorcode).toBe(status);
  });

  test('refuses a form that is too large, or that is none', async () => {
    const large = await lab.server.inject({
      method: 'POST',
      url: '/client/api',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: `a=${'x'.repeat(3_000_000)}`,
    });
    expect([large.statusCode, large.json().errorresponse.errorcode]).toEqual([413, 413]);
    const form = { method: 'POST', url: '/client/api', payload: { command: 'listZones' } } as const;
    const json = await lab.server.inject(form);
    expect([json.statusCode, json.json().errorresponse.errorcode]).toEqual([415, 415]);
  });

  test('refuses a GET that is too long, and bytes that are no HTTP', async () => {
    await lab.server.listen({ port: 0, host: '127.0.0.1' });
    const url = `${lab.server.listeningOrigin}/client/api?command=listZones&name=${'x'.repeat(200_000)}`;
    const long = await fetch(url);
    const { errorresponse } = (await long.json()) as Json;
    expect([long.status, errorresponse.errorcode]).toEqual([431, 431]);
    expect(errorresponse.errortext).toContain('the form of a POST');
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const answer = textOf(socket);
    socket.write('what is this?\r\n\r\n');
    expect(await answer).toMatch(/^HTTP\/1\.1 400 Bad Request[^]*"errorcode":400/);

    // A client that goes on sending gets one answer, and its bytes do not accumulate.
    const warnings: string[] = [];
    const warned = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', warned);
    const talker = connect(Number(new URL(url).port), '127.0.0.1');
    const answers = textOf(talker).catch(() => '');
    for (let n = 0; n < 40 && talker.writable; n += 1) {
      talker.write(n === 0 ? 'GET /client/api?x=' : 'y'.repeat(65_536));
      await new Promise((resolve) => void setImmediate(resolve));
    }
    expect((await answers).match(/HTTP\/1\.1 431/g)?.length ?? 0).toBeLessThan(2);
    process.off('warning', warned);
    expect(warnings).toEqual([]);
  });
});
