import { startApi } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import { fleet, pools, SOURCE, template } from './fleet.ts';
import type { FleetOptions } from './fleet.ts';
import { bypass } from './terminal.ts';
import type { Ran, RunOptions } from './terminal.ts';

const ubuntu = template('ubuntu');
const opened: ApiServer[] = [];
afterEach(() => Promise.all(opened.splice(0).map((api) => api.close())));

/** Each poll of a deployment finds it a tenth further. */
const inTenths = (): FleetOptions['progress'] => {
  let looks = 0;
  return () => (looks += 0.02) - 0.02;
};

async function start(options: Partial<FleetOptions> = {}): Promise<ApiServer> {
  const api = await startApi(fleet({ templates: [ubuntu], progress: inTenths(), ...options }));
  opened.push(api);
  return api;
}

const run = (api: ApiServer, line: string, options?: RunOptions): Promise<Ran> =>
  bypass(api, line.split(' '), options);

test('--wait shows progress on stderr and ends with a line per pool', async () => {
  const api = await start();
  const { code, stdout, stderr } = await run(api, 'deploy start ubuntu --wait');
  expect(code).toBe(0);
  expect(stdout.split('\n')).toEqual([
    'local-1: ready, 2.0 GiB in 20 s (102 MiB/s) by kvm-1',
    'local-2: ready, 2.0 GiB in 20 s (102 MiB/s) by kvm-1',
    'shared: ready, 2.0 GiB in 20 s (102 MiB/s) by kvm-1',
    '',
  ]);
  expect(stderr).toMatch(/local-2: downloading on kvm-2 from .*qcow2, \d+%, .*MiB\/s, /);
});

test('register --deploy --wait registers, deploys and waits for the end', async () => {
  const api = await start({ templates: [] });
  const line = `template register --name new --url ${SOURCE} --deploy --wait`;
  const { code, stdout } = await run(api, line);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Registered new .*\nlocal-1: ready, .*\nlocal-2: ready, .*\nshared: ready, .*\n$/);
});

test('when one deployment fails the exit code is 1, its line says why and what to do, and the others are reported too', async () => {
  const api = await start({ courses: { shared: 'fails' } });
  const { code, stdout, stderr } = await run(api, 'deploy start ubuntu --wait');
  expect(code).toBe(1);
  expect(stdout).toMatch(
    /local-1: ready, [^]*\nshared: failed: ChecksumMismatch: .*; try again with: bypass deploy retry ubuntu --pool shared\n$/,
  );
  expect(stderr).not.toContain('bypass:');
});

test('as JSON the outcome is one document, and a failure is reported on stderr', async () => {
  const api = await start({ courses: { shared: 'fails' } });
  const { code, stdout, stderr } = await run(api, 'deploy start ubuntu --wait --json');
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    template: { id: ubuntu.id, name: 'ubuntu' },
    jobids: [expect.any(String)],
    deployments: [{ state: 'Ready' }, { state: 'Ready' }, { state: 'Failed', storagename: 'shared' }],
  });
  expect(stderr).toMatch(/\nbypass: ChecksumMismatch: .*\n$/);
});

test('a copy that was there already is reported as such, and only the requested pool is shown', async () => {
  const api = await start({ progress: () => 1 });
  await run(api, 'deploy start ubuntu');
  const there = await run(api, 'deploy start ubuntu --pool local-1 --wait');
  expect(there).toMatchObject({ code: 0, stdout: expect.stringMatching(/^local-1: ready, .*\n$/) as string });
});

test('Ctrl-C stops waiting, cancels nothing, and says so', async () => {
  const api = await start({ courses: { shared: 'waits' }, progress: () => 0.5 });
  const { code, stdout, stderr } = await run(api, 'deploy start ubuntu --wait', {
    onStart: (interrupt, { stderr: screen }) => {
      screen.on('written', (text: string) => text.startsWith('shared:') && setImmediate(interrupt));
    },
  });
  expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
  expect(stderr).toMatch(/shared: pool has no room: 2\.0 GiB are needed.*; next try/);
  expect(stderr).toMatch(
    /\nStopped waiting; nothing was cancelled\. .*bypass deploy show ubuntu.*bypass rollout cancel/,
  );
  expect(api.called('cancelTemplateDeployment')).toEqual([]);
});

test('on a terminal the outcome takes the place of the bars', async () => {
  const api = await start();
  const { code, stdout, stderr } = await run(api, 'deploy start ubuntu --pool local-1 --wait', {
    columns: 80,
  });
  expect(code).toBe(0);
  expect(stderr).toMatch(/█+░+ +\d+%/);
  expect(stdout).toBe('local-1: ready, 2.0 GiB in 20 s (102 MiB/s) by kvm-1\n');
});

test('a wait survives a restart of the api', async () => {
  let stopped: Promise<void> | undefined;
  const first = await startApi();
  const port = Number(new URL(first.url).port);
  const handlers = fleet({ templates: [ubuntu], progress: inTenths() });
  first.answer(handlers);
  const keys = { url: first.url, apiKey: first.apiKey, secretKey: first.secretKey };
  const { code, stdout, stderr } = await bypass(keys, ['deploy', 'start', 'ubuntu', '--wait'], {
    onStart: (_interrupt, { stderr: screen }) => {
      screen.on('written', (text: string) => {
        stopped ??= first.close();
        if (text.startsWith('The api does not answer')) {
          void startApi(handlers, port, keys).then((api) => opened.push(api));
        }
      });
    },
  });
  await stopped;
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('trying again') as string });
  expect(stdout).toMatch(/^local-1: ready/);
});

describe('a registration that takes longer than the api waits', () => {
  const pending = { ...ubuntu, isready: false, size: undefined };

  test.each(['', ' --wait'])('is followed until it is ready (register%s)', async (wait) => {
    const api = await start();
    let looks = 0;
    api.answer({
      registerTemplate: () => ({ template: [pending] }),
      listTemplates: () => ({ template: [(looks += 1) < 3 ? pending : ubuntu] }),
    });
    const { code, stdout } = await run(api, `template register --name ubuntu --url ${SOURCE}${wait}`);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Registered ubuntu .*: QCOW2, 2\.0 GiB\n$/);
  });

  test('reports why it failed', async () => {
    const api = await start({ templates: [] });
    const event = { id: 'e', level: 'ERROR', resourceid: ubuntu.id, description: 'http://x: not found' };
    api.answer({ registerTemplate: () => ({ template: [pending] }), listEvents: () => ({ event: [event] }) });
    const line = `template register --name ubuntu --url ${SOURCE} --deploy --wait`;
    expect(await run(api, line)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/\nbypass: http:\/\/x: not found\n$/) as string,
    });
    expect(api.called('prepareTemplate')).toEqual([]);
  });
});

test('a pool that the job leaves out is not reported, although it failed before', async () => {
  const api = await start({ progress: () => 1 });
  const old = { lastupdated: '2020-01-01T00:00:00+0000', templateid: ubuntu.id, templatename: 'ubuntu' };
  const failed = {
    ...old,
    id: 'old',
    zoneid: ubuntu.zoneid,
    storageid: pools[2].id,
    storagename: 'shared',
    state: 'Failed',
  };
  const jobid = 'j';
  const job = { jobid, jobstatus: 1, created: '2026-11-24T07:00:00+0000', jobresult: { success: true } };
  api.answer({
    prepareTemplate: () => ({ jobid }),
    queryAsyncJobResult: () => job,
    listTemplateDeployments: () => ({
      templatedeployment: [
        failed,
        { ...failed, id: 'new', storagename: 'local-1', state: 'Ready', size: 1024, attempts: [] },
      ],
    }),
  });
  const { code, stdout } = await run(api, 'deploy start ubuntu --wait');
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'local-1: ready, 1.0 KiB, was there already\n' });
});

test('of two jobs, one that fails does not hide the outcome of the other', async () => {
  const other = { ...ubuntu, zoneid: 'z2', zonename: 'zone-2' };
  const copy = { templateid: ubuntu.id, templatename: 'ubuntu', lastupdated: '2026-11-24T07:00:09+0000' };
  const there = { state: 'Ready', size: 1024, attempts: [] };
  const ready = { ...copy, ...there, id: 'a', zoneid: ubuntu.zoneid, storagename: 'pool2' };
  const failed = { ...copy, id: 'b', zoneid: 'z2', storagename: 'pool10', state: 'Failed', error: 'no' };
  const created = '2026-11-24T07:00:00+0000';
  const api = await start();
  api.answer({
    listTemplates: () => ({ template: [ubuntu, other] }),
    prepareTemplate: ({ zoneid }) => ({ jobid: zoneid }),
    queryAsyncJobResult: ({ jobid }) =>
      jobid === 'z2'
        ? { jobid, created, jobstatus: 2, jobresult: { errorcode: 530, errortext: 'no' } }
        : { jobid, created, jobstatus: 1, jobresult: { success: true, templatedeployment: [ready] } },
    listTemplateRollouts: () => ({}),
    listTemplateDeployments: ({ rolloutid }) => ({
      templatedeployment: rolloutid === 'z2' ? [failed] : [ready],
    }),
  });
  expect(await run(api, 'deploy start ubuntu --wait')).toMatchObject({
    code: 1,
    stdout:
      'pool2: ready, 1.0 KiB, was there already\n' +
      'pool10: failed: no; try again with: bypass deploy retry ubuntu --pool pool10\n',
  });
});
