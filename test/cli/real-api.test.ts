/** Client commands against the real api on a real database: the calls of the one and the answers of the other must fit. */
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import type { AddressInfo } from 'node:net';
import { openCopy } from '../../db/copies/copies.ts';
import { copyWorkflowId } from '../../model/names.ts';
import { addHost, deploy, openLab, poolReport } from '../labs/api.ts';
import type { Caller, Copy, Lab, TestHost } from '../labs/api.ts';
import { until } from '../support/until.ts';
import { bypass } from './terminal.ts';
import type { Ran, RunOptions } from './terminal.ts';

const pool = poolReport('local');
const dead = poolReport('other');

let lab: Lab;
let host: TestHost;
let url: string;
beforeAll(async () => {
  lab = await openLab();
  host = await addHost(lab, { name: 'kvm-1', pools: [pool] });
  await addHost(lab, { name: 'kvm-2', pools: [dead], state: 'Disabled' });
  await lab.server.listen({ port: 0, host: '127.0.0.1' });
  url = `http://127.0.0.1:${(lab.server.server.address() as AddressInfo).port}`;
});
afterEach(() => lab.orchestration.forget());
afterAll(() => lab.close());

const as = (who: Caller, line: string, options?: RunOptions): Promise<Ran> =>
  bypass({ url, apiKey: who.apiKey, secretKey: who.secretKey }, line.split(' '), options);
const run = (line: string, options?: RunOptions): Promise<Ran> => as(lab.admin, line, options);

async function register(name: string, who: Caller = lab.admin): Promise<Ran> {
  const source = `http://images.example.org/${name}.qcow2`;
  return as(who, `template register --name ${name} --url ${source} --header X-Token:abc --zone zone1`);
}

/** The first copy of the first roll-out that was asked for. */
async function rolledOut(): Promise<Copy | undefined> {
  const [rollout] = lab.orchestration.of('requestRollout');
  return rollout === undefined
    ? undefined
    : lab.db
        .selectFrom('async_job_copy')
        .innerJoin('async_job', 'async_job.id', 'async_job_copy.job_id')
        .where('async_job.uuid', '=', rollout.jobId as string)
        .select(['template_uuid as templateId', 'pool_uuid as poolId'])
        .executeTakeFirst();
}

/** Plays the workflows of a roll-out to one pool. */
async function playDeployment(): Promise<void> {
  const copy = await until('a roll-out', rolledOut);
  const begin = Math.floor(Date.now() / 1000);
  const at = (second: number): string => new Date((begin + second) * 1000).toISOString();
  const tries = [
    {
      source: 'http://a.example.org/x',
      startedAt: at(0),
      endedAt: at(1),
      bytes: 0,
      failure: { kind: 'NotFound', message: 'answers 404' } as const,
    },
    { source: 'http://b.example.org/x', startedAt: at(1), endedAt: at(5), bytes: 1_000_000 },
  ];
  await deploy(lab, copy, { host, pool, tries });
}

test('zones and clusters are created and listed, and hosts are admitted', async () => {
  expect((await run('zone create amsterdam')).stdout).toMatch(/^Made zone amsterdam \(/);
  expect((await run('cluster add rack-1 --zone amsterdam')).stdout).toMatch(
    /^Added cluster rack-1 .* zone amsterdam\n$/,
  );
  expect((await run('cluster list')).stdout).toMatch(/cluster1 .* zone1 +KVM\nrack-1 .* amsterdam +KVM\n/);
  const { stdout, stderr } = await run('host list');
  expect(stdout).toMatch(/kvm-1 .* Up +Enabled +zone1 +cluster1[^]*kvm-2 .* Disabled/);
  expect(stderr).toMatch(/^kvm-2 waits for approval if its key is .+: bypass host approve kvm-2\n$/);
  expect((await run('host approve kvm-2')).stdout).toBe('Host kvm-2 is admitted\n');
  expect(await run('host remove kvm-2')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is Up') as string,
  });
  expect((await run('host remove kvm-2 --force')).code).toBe(0);
  expect((await run('pool list')).stdout).toMatch(
    /local .* Filesystem +HOST +Up +381 MiB +954 MiB +zone1 +cluster1 +\/pools\/local/,
  );
  expect((await run('host invite --zone zone1 --expires 1')).stdout).toMatch(/^\S{60,}\n$/);
});

test('a template is registered, shown and listed; its header reaches the api sealed', async () => {
  expect((await register('ubuntu')).stdout).toMatch(
    /^Registered ubuntu \(.*\) in zone zone1: QCOW2, 20\.0 GiB\n$/,
  );
  expect(lab.orchestration.of('register')[0]).toMatchObject({ name: 'ubuntu' });
  expect(await lab.db.selectFrom('vm_template').select('sealed').executeTakeFirst()).toEqual({
    sealed: expect.any(String) as string,
  });
  const { stdout } = await run('template show ubuntu');
  expect(stdout).toMatch(/Mirrors +1\. http:\S+ubuntu\.qcow2\n +2\. http:\S+\.dead \(answered 404\)\n/);
  await run('template tag ubuntu env=prod os=debian');
  expect((await run('template show ubuntu')).stdout).toMatch(/\nTags +env=prod, os=debian\n/);
  expect((await run('template list')).stdout).toMatch(
    /^NAME .*\nubuntu .* QCOW2 +20\.0 GiB +yes +zone1 +root/,
  );
  expect((await run(`iso register --name d --url http://a/d.iso --zone zone1`)).code).toBe(0);
  expect((await run('iso list')).stdout).toMatch(/\nd +[0-9a-f-]{36} /);
});

test('an id of an ISO finds no template, and an unknown id is refused as such', async () => {
  const { templateId } = await lab.template(lab.user, { name: 'by-id', format: 'ISO' });
  const shown = await as(lab.user, `iso show ${templateId}`);
  expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining('by-id')]);
  const nobodys = '00000000-0000-4000-8000-000000000000';
  for (const line of [`template show ${nobodys}`, `template show ${templateId}`, `deploy start ${nobodys}`]) {
    const { code, stderr } = await as(lab.user, line);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/there is no template( or ISO)? '/)]);
  }
});

test('a refusal shows the sentence of the api', async () => {
  const { code, stderr } = await run('template register --name x --url ftp://x/y --zone zone1');
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringMatching(/^bypass: .*url.*http[^\n]*\n$/) as string,
  });
});

test('a deployment is followed to its end, and its attempts are shown', async () => {
  await register('followed');
  const [{ code, stdout }] = await Promise.all([run('deploy start followed --wait'), playDeployment()]);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^local: ready, 977 KiB in 5 s \(195 KiB\/s\) by kvm-1\n$/) as string,
  });
  const shown = (await run('deploy show followed --pool local')).stdout;
  expect(shown).toMatch(
    /✗ .* kvm-1 {2}0 B in 1 s\n +http:\/\/a.*\n +NotFound: answers 404\n +✓ .*977 KiB in 4 s/,
  );
  const { stdout: event } = await run('event list --limit 5');
  expect(event).toMatch(/TEMPLATE\.PREPARE +root +Template 'followed' is to be deployed to local/);
});

test('running deployments are listed with their progress from Temporal, and can be cancelled', async () => {
  await register('slow');
  const { stdout: started } = await run('deploy start slow --json');
  expect(JSON.parse(started)).toMatchObject({ template: { name: 'slow' }, jobids: [expect.any(String)] });
  const copy = (await rolledOut()) as Copy;
  const workflowId = copyWorkflowId(copy.templateId, copy.poolId);
  await openCopy(lab.db, copy, workflowId, PROTOCOLS);
  const source = 'http://b.example.org/x';
  const progress = {
    v: 1,
    phase: 'downloading',
    bytes: 500_000,
    total: 1_000_000,
    rate: 100_000,
    source,
  } as const;
  const live = { workflowId, runId: 'r', type: 'deployment', hostId: host.hostId, attempt: 1 };
  lab.orchestration.copies = new Map([[workflowId, { ...live, progress }]]);
  expect((await run('deploy show slow')).stdout).toMatch(
    /Now +downloading on kvm-1 from http:\/\/b.*\nDone +50%, 488\/977 KiB at 97\.7 KiB\/s, 5 s left\n/,
  );
  const wait = { v: 1, reason: 'no room: 1 GiB is needed', until: '2026-11-24T08:00:00.000Z' } as const;
  lab.orchestration.copies = new Map([[workflowId, { ...live, wait }]]);
  expect((await run('deploy list --pool local --template slow')).stdout).toMatch(
    /Creating .*no room: 1 GiB is needed; next try/,
  );
  expect((await run('deploy cancel slow --pool local')).stdout).toMatch(
    /'slow' on pool 'local' is being stopped\n$/,
  );
  expect(lab.orchestration.of('requestStop')[0]).toEqual(copy);
});

test('a user sees and registers their own, by the same commands', async () => {
  expect((await register('mine', lab.user)).code).toBe(0);
  expect((await as(lab.user, 'template list')).stdout).toMatch(/^NAME .*\nmine /);
  expect((await as(lab.user, 'template show mine')).stdout).toMatch(/^Name +mine\n/);
  expect(await as(lab.user, 'host list')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("There is no command 'listHosts', or not for you") as string,
  });
  expect((await as({ ...lab.user, secretKey: 'wrong' }, 'zone list')).stderr).toMatch(
    /does not accept the keys/,
  );
});

test('every command of the api can be called by hand', async () => {
  const { stdout } = await run('api listApis name=listZones');
  expect(JSON.parse(stdout)).toMatchObject({ api: [{ name: 'listZones' }] });
});
