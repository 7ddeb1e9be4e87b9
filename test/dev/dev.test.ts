import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { basename, dirname, join } from 'node:path';
import type { Deployment, Host, Template, Zone } from '../../model/api-answers.ts';
import { UPKEEP_WORKFLOW_ID } from '../../model/names.ts';
import { FIRST_LINE } from '../../dev/demo-disk.ts';
import { FOLDER_MARK } from '../../dev/leftovers.ts';
import { listProcesses } from '../../dev/processes.ts';
import { PROJECT_ROOT } from '../../platform/installation.ts';
import { needingLibvirt, openLibvirtLab } from '../labs/libvirt.ts';
import { ensureBuilt } from '../support/ensure-built.ts';
import { startImageServer } from '../support/image-server.ts';
import type { ImageServer } from '../support/image-server.ts';
import { rawDisk, sha256 } from '../support/images.ts';
import { freshDatabase } from '../support/postgres.ts';
import { isFullRun } from '../support/programs.ts';
import { dataDirOf, spawnStart, stackFolder, startStack } from '../support/stack.ts';
import type { Stack } from '../support/stack.ts';
import { testTemporal } from '../support/temporal.ts';
import { until } from '../support/until.ts';

jest.setTimeout(300_000);

const MIB = 1_048_576;
let folder: string;
let origin: ImageServer;
let stack: Stack | undefined;

/**
 * All tests share one data folder: each start continues with the state that the previous one left. The first tests share a
 * start, too.
 */
beforeAll(async () => {
  await ensureBuilt();
  folder = await stackFolder();
  origin = await startImageServer();
});
/** Ends what a test has left running. */
async function end(): Promise<void> {
  await stack?.endAll();
  stack = undefined;
}
afterAll(async () => {
  await end();
  await origin.close();
  await rm(folder, { recursive: true });
});

/** Pids of all processes that work for the folder. */
async function left(): Promise<readonly number[]> {
  const root = await realpath(dataDirOf(folder));
  return (await listProcesses())
    .filter((one) => one.variable(FOLDER_MARK) === root || one.workingFolder?.startsWith(root))
    .map(({ id }) => id.pid);
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const zoneNames = async ({ api }: Stack): Promise<readonly string[]> =>
  (await api.list<Zone>('listZones', 'zone')).map(({ name }) => name).toSorted();

const npm: readonly [string, ...string[]] = ['npm', 'start', '--'];

test('the ready file appears when everything answers, and says how to reach it', async () => {
  const profileFile = join(folder, 'config', 'bypass', 'config.json');
  const another = { url: 'http://127.0.0.1:1/client/api', apiKey: 'another', secretKey: 'another' };
  await mkdir(dirname(profileFile), { recursive: true });
  await writeFile(profileFile, JSON.stringify({ current: 'dev', profiles: { dev: another } }));
  stack = await startStack({ folder, hosts: 2 });
  const ready = JSON.parse(await readFile(stack.readyFile, 'utf8')) as Record<string, unknown>;
  const adminFile = join(await realpath(dataDirOf(folder)), 'admin.json');
  for (const line of [
    `page         ${String(ready['pageUrl'])}`,
    `user         admin, whose password is "adminPassword" in ${adminFile}`,
    "The CLI's current profile was dev: `npx bypass configure --use dev` goes back to it.",
    'every user of this machine can steer it',
    '  machines     ',
  ])
    expect(stack.output()).toContain(line);
  expect(stack.output()).not.toMatch(/is not set|holds no program/);
  expect(Object.keys(ready).toSorted()).toEqual([
    'adminPassword',
    'adminUser',
    'apiKey',
    'apiUrl',
    'apiUrls',
    'pageUrl',
    'pids',
    'pools',
    'secretKey',
    'temporalAddress',
    'temporalUiUrl',
  ]);
  expect((await stat(stack.readyFile)).mode & 0o777).toBe(0o600);
  expect(stack.apiUrl).toMatch(/\/client\/api$/);
  const first = stack.pids;
  expect(stack.pids).toEqual({
    control: expect.any(Number),
    controls: [first.control],
    api: expect.any(Number),
    apis: [first.api],
    hosts: [expect.any(Number), expect.any(Number)],
    temporal: expect.any(Number),
    temporals: [first.temporal],
    // One api needs none.
    balancer: 0,
    postgres: expect.any(Number),
  });
  expect(stack.apiUrls).toEqual([stack.apiUrl]);
  const hosts = await stack.api.list<Host>('listHosts', 'host');
  expect(hosts.map((host) => `${host.name} ${host.state} ${host.resourcestate}`).toSorted()).toEqual([
    'host1 Up Enabled',
    'host2 Up Enabled',
  ]);
  expect(stack.pools.map(({ name }) => name)).toEqual(['pool1', 'pool2', 'shared']);
  expect(await exists(join(stack.pools[2]?.path ?? '', '.bypass-pool'))).toBe(true);
  expect((await fetch(stack.temporalUiUrl)).status).toBe(200);

  const { current, profiles } = JSON.parse(await readFile(profileFile, 'utf8')) as {
    current: string;
    profiles: Record<string, unknown>;
  };
  expect([current, profiles['dev']]).toEqual(['dev-2', another]);
  expect(profiles[current]).toEqual({
    url: stack.apiUrl,
    apiKey: stack.apiKey,
    secretKey: stack.secretKey,
  });
  await stack.api.call('createZone', { name: 'kept' });

  // A second start on the same folder, with the same ready file.
  const second = spawnStart(folder);
  expect(await second.ended).toBe(1);
  expect(second.output()).toMatch(/Bypass runs on .* already \(process \d+\)/);
  expect(await exists(stack.readyFile)).toBe(true);
  expect(await zoneNames(stack)).toEqual(['kept', 'zone1']);

  // A process that dies is replaced, and the ready file names the new one.
  const { api } = stack.pids;
  process.kill(api, 'SIGKILL');
  const pidNow = async (): Promise<number> =>
    (JSON.parse(await readFile(stack?.readyFile ?? '', 'utf8')) as Stack).pids.api;
  await until('the api runs again', async () => ![0, api].includes(await pidNow()));
  await until('it answers', () => zoneNames(stack as Stack).catch(() => undefined));
  expect(stack.output()).toContain('api was ended by SIGKILL');
});

/** The start that the test before has left running. */
function running(): Stack {
  if (stack === undefined) throw new Error('the start before has failed');
  return stack;
}

if (isFullRun)
  test('SIGTERM stops everything in order, and the next start goes on from there', async () => {
    expect(await running().stop('SIGTERM')).toBe(0);
    expect(await left()).toEqual([]);
    expect(await exists(running().readyFile)).toBe(false);
    stack = await startStack({ folder, hosts: 2 });
    expect(await zoneNames(stack)).toEqual(['kept', 'zone1']);
  });

if (isFullRun)
  test('after kill -9 the next start ends the processes left behind, and downloads go on', async () => {
    stack = running();
    const before = { ...stack.pids };
    const body = rawDisk(8 * MIB);
    origin.serve('/slow', { body, pauseMs: 100, pieceBytes: 65_536 });
    const zoneid = (await stack.api.list<Zone>('listZones', 'zone')).find(({ name }) => name === 'zone1')?.id;
    const registration = {
      name: 'slow',
      displaytext: 'slow',
      format: 'RAW',
      hypervisor: 'KVM',
      customid: 'once',
    };
    const register = async (): Promise<string> => {
      const url = origin.url('/slow');
      const parameters = { ...registration, url, zoneid, directdownload: true };
      const answer = await (stack as Stack).api.call<{ template: { id: string }[] }>(
        'registerTemplate',
        parameters,
      );
      return answer.template[0]?.id ?? '';
    };
    const templateid = await register();
    const storageid = stack.pools[0]?.id;
    await stack.api.call('prepareTemplate', { templateid, zoneid, storageid });
    await until('bytes flow', () => origin.seen('/slow').bytes > MIB);
    await stack.stop('SIGKILL');
    expect((await left()).length).toBeGreaterThan(4);
    expect(await exists(stack.readyFile)).toBe(true);

    stack = await startStack({ folder, hosts: 2, command: npm });
    expect(stack.output()).toMatch(/Ended \d+ processes that an earlier start left behind/);
    const now = new Set(Object.values(stack.pids).flat());
    expect(
      Object.values(before)
        .flat()
        .filter((pid) => pid > 0 && now.has(pid)),
    ).toEqual([]);
    expect(await stack.api.list<Host>('listHosts', 'host')).toHaveLength(2);
    expect(await zoneNames(stack)).toEqual(['kept', 'zone1']);

    // The deployment that was under way completes, and a second registration finds the template of the first.
    origin.serve('/slow', { body });
    const { api } = stack;
    const deployment = await until('the image is on its pool', async () => {
      const all = await api.list<Deployment>('listTemplateDeployments', 'templatedeployment', {
        templateid,
      });
      return all.find(({ state }) => state === 'Ready');
    });
    expect(deployment.sha256).toBe(sha256(body));
    expect(await register()).toBe(templateid);
    const templates = await api.list<Template>('listTemplates', 'template', { templatefilter: 'all' });
    expect(templates.map(({ name }) => name)).toEqual(['slow']);

    // npm itself ends at once; the program that it ran stops in order.
    await stack.stop('SIGTERM');
    await until('nothing is left', async () => (await left()).length === 0);
    expect(await exists(stack.readyFile)).toBe(false);
  });

/** URLs may not lead to Bypass's own ports, although `npm start` allows loopback. */
async function refusesItsParts(
  { api, apiUrl, temporalUiUrl }: Stack,
  servers: readonly string[],
): Promise<void> {
  const [zone] = await api.list<Zone>('listZones', 'zone');
  const others = [apiUrl, temporalUiUrl].filter((url) => URL.canParse(url)).map((url) => new URL(url).host);
  const all = [...others, ...servers];
  for (const [at, host] of all.entries()) {
    const url = `http://${host.replace('127.0.0.1', at % 2 === 0 ? 'localhost' : '127.0.0.1')}/disk.raw`;
    const parameters = { name: 'own', displaytext: 'own', format: 'RAW', hypervisor: 'KVM', url };
    const asked = api.call('registerTemplate', { ...parameters, zoneid: zone?.id, directdownload: true });
    await expect(asked).rejects.toThrow('rule "own part": it leads to a part of Bypass itself');
  }
  const events = await api.list<{ description: string }>('listEvents', 'event', {
    type: 'TEMPLATE.URL.DENY',
  });
  expect(events.filter(({ description }) => description.includes('(rule own part)'))).toHaveLength(
    all.length,
  );
}

// Each starts all of Bypass once more.
if (isFullRun) {
  test('Ctrl-C, which reaches the whole process group, stops everything in order', async () => {
    await end();
    // The shared pool of several hosts stays when one host is left.
    await mkdir(join(dataDirOf(folder), 'shared'), { recursive: true });
    stack = await startStack({ folder, hosts: 1, command: npm });
    expect(stack.pools.map(({ name }) => name)).toEqual(['pool1', 'shared']);
    process.kill(-(stack.process.pid as number), 'SIGINT');
    await until('nothing is left', async () => (await left()).length === 0);
    await until('the ready file is gone', async () => !(await exists((stack as Stack).readyFile)));
    expect(stack.output()).toContain('Bypass has stopped');
  });

  test('a signal during the start stops everything', async () => {
    await end();
    const started = spawnStart(folder);
    await until('PostgreSQL is up', () => started.output().includes('PostgreSQL answers'));
    expect(await started.stop('SIGTERM')).toBe(0);
    expect(await left()).toEqual([]);
  });

  test('a start uses the servers that its settings name, and runs none of its own', async () => {
    await end();
    const [database, temporal] = await Promise.all([freshDatabase(), testTemporal()]);
    const own = await stackFolder();
    try {
      stack = await startStack({
        folder: own,
        env: {
          BYPASS_DATABASE_URL: database.url,
          TEMPORAL_ADDRESS: temporal.address,
          TEMPORAL_NAMESPACE: temporal.namespace,
        },
      });
      expect(stack.pids).toMatchObject({ postgres: 0, temporal: 0 });
      expect(stack.temporalAddress).toBe(temporal.address);
      const upkeep = await temporal.client.workflow.getHandle(UPKEEP_WORKFLOW_ID).describe();
      expect(upkeep.status.name).toBe('RUNNING');
      await refusesItsParts(stack, [new URL(database.url).host, temporal.address]);
      const names = await database.db.selectFrom('host').select('name').execute();
      expect(names).toEqual([{ name: 'host1' }]);
      expect((await readdir(stack.dataDir)).includes('postgres')).toBe(false);
    } finally {
      await stack?.endAll();
      await Promise.all([database.close(), temporal.close(), rm(own, { recursive: true })]);
    }
  });
}

test('a start refuses a port that is taken, in a sentence, before it starts anything', async () => {
  await end();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const started = spawnStart(folder, { env: { BYPASS_POSTGRES_PORT: String(port) } });
  expect(await started.ended).toBe(1);
  expect(started.output()).toContain(`Port ${port}, meant for PostgreSQL, is taken by another program`);
  server.close();
  await once(server, 'close');
  expect(await left()).toEqual([]);
});

/** Runs the demo. @returns its result, and what it printed beside it */
async function runDemo(libvirtUri: string) {
  const child = spawn(process.execPath, [join(PROJECT_ROOT, 'bin', 'bypass.js'), 'demo', '--json'], {
    env: {
      ...process.env,
      TMPDIR: folder,
      XDG_CONFIG_HOME: join(folder, 'untouched'),
      BYPASS_LIBVIRT_URI: libvirtUri,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (piece: Buffer) => (out += piece.toString()));
  child.stderr.on('data', (piece: Buffer) => (err += piece.toString()));
  const [code] = (await once(child, 'close')) as [number];
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
  return { err, result: JSON.parse(out.trim().split('\n').at(-1) ?? '') as Record<string, unknown> };
}

const RESULT = [
  'templateId',
  'poolId',
  'hostId',
  'path',
  'bytes',
  'sha256',
  'seconds',
  'registrationWorkflowId',
  'deploymentWorkflowId',
  'templateStoreRef',
  'templateSpoolRef',
];

/** What every demo leaves, and that it changed no profile of the user, and left no process. */
async function expectDeployed({ err, result }: Awaited<ReturnType<typeof runDemo>>): Promise<void> {
  expect((await stat(String(result['path']))).size).toBe(result['bytes']);
  expect(result['templateStoreRef']).toMatchObject({
    store_id: null,
    download_state: 'BYPASSED',
    state: 'Ready',
  });
  expect(result['templateSpoolRef']).toMatchObject({
    download_state: 'DOWNLOADED',
    state: 'Ready',
    local_path: result['path'],
    sha256: result['sha256'],
  });
  expect(err).toMatch(/^pool1: downloading on host1 from /m);
  expect(await exists(join(folder, 'untouched'))).toBe(false);
  const roots = (await readdir(folder)).filter((name) => name.startsWith('bypass-demo-'));
  const marks = await Promise.all(roots.map((name) => realpath(join(folder, name))));
  expect(marks).not.toEqual([]);
  const processes = await listProcesses();
  expect(processes.filter((one) => marks.includes(one.variable(FOLDER_MARK) ?? ''))).toEqual([]);
}

test('the demo deploys an image onto a pool, and prints the result as one line of JSON', async () => {
  const ran = await runDemo('qemu+unix:///system?socket=/nonexistent/libvirt-sock');
  expect(Object.keys(ran.result)).toEqual(RESULT);
  await expectDeployed(ran);
  expect(ran.err).toMatch(/^The disk is not booted as a virtual machine: .*(?:install|libvirtd)/m);
});

if (isFullRun)
  needingLibvirt()('where libvirt runs', () => {
    test('the demo boots its disk as a virtual machine, shows what it writes, and leaves none behind', async () => {
      const lab = await openLibvirtLab();
      try {
        await chmod(folder, 0o711);
        const ran = await runDemo(lab.uri);
        const { err, result } = ran;
        expect(Object.keys(result)).toEqual([...RESULT, 'console']);
        await expectDeployed(ran);
        expect(result['console']).toBe(FIRST_LINE);
        expect(err).toContain(`On its serial console, after`);
        expect(await readdir(dirname(String(result['path'])))).toEqual([
          '.bypass-parts',
          '.bypass-pool',
          basename(String(result['path'])),
        ]);
        expect((await lab.virsh.run(['list', '--all', '--name'])).trim()).toBe('');
      } finally {
        await lab.close();
      }
    });
  });
