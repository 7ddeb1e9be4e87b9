import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Refusal, startApi } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import { fleet, hosts, pools, SOURCE, template, zone } from './fleet.ts';
import { bypass } from './terminal.ts';
import type { Ran, RunOptions } from './terminal.ts';

const ubuntu = template('ubuntu');
const twins = [template('twin'), template('twin')] as const;

let api: ApiServer;
beforeEach(async () => {
  api = await startApi(
    fleet({ templates: [ubuntu, ...twins], progress: () => 1, courses: { shared: 'fails' } }),
  );
});
afterEach(() => api.close());

const run = (line: string, options?: RunOptions): Promise<Ran> => bypass(api, line.split(' '), options);
const json = async (line: string): Promise<unknown> => JSON.parse((await run(`${line} --json`)).stdout);

describe('bypass template', () => {
  test('register sends what CloudStack asks for, in the only zone', async () => {
    const line = `template register --name d --url ${SOURCE} --format raw --checksum {MD5}00 --public --key k`;
    const { code, stdout, stderr } = await run(line);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining('bypass deploy start d') as string,
    });
    expect(stdout).toMatch(/^Registered d \([0-9a-f-]{36}\) in zone zone-1: RAW, 2\.0 GiB\n$/);
    expect(api.called('registerTemplate')[0]).toMatchObject({
      name: 'd',
      displaytext: 'd',
      url: SOURCE,
      format: 'RAW',
      hypervisor: 'KVM',
      directdownload: 'true',
      zoneid: zone.id,
      checksum: '{MD5}00',
      ispublic: 'true',
      customid: 'k',
    });
  });

  test.each([
    ['https://a.example.org/disk.raw.xz', '', 'RAW'],
    ['https://a.example.org/disk.img', '', 'QCOW2'],
    ['https://a.example.org/disk.raw', ' --format QCOW2', 'QCOW2'],
    ['https://a.example.org/x.qcow2?file=disk.raw', '', 'QCOW2'],
  ])('register of %s%s is of format %s', async (url, more, format) => {
    await run(`template register --name new --url ${url}${more}`);
    expect(api.called('registerTemplate')[0]).toMatchObject({ format });
  });

  test('headers are sent as details, also from a file; other texts are refused before anything is sent', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bypass-headers-'));
    await writeFile(join(folder, 'headers'), 'Authorization: Bearer x\n\nX-B: 2\n');
    const register = ['template', 'register', '--name', 'd', '--url', SOURCE];
    await bypass(api, [...register, '--header', 'X-A:  1', '--header', `@${join(folder, 'headers')}`]);
    await rm(folder, { recursive: true });
    expect(api.called('registerTemplate')[0]).toMatchObject({
      'details[0].HTTP_HEADER': 'X-A:1',
      'details[1].HTTP_HEADER': 'Authorization:Bearer x',
      'details[2].HTTP_HEADER': 'X-B:2',
    });
    for (const bad of ['nothing', 'Range: bytes=0-1', 'A b: c', '@/nonexistent']) {
      const { code, stderr } = await bypass(api, [...register, '--header', bad]);
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: expect.stringMatching(/^bypass: .+\n$/) as string,
      });
    }
    expect(api.called('registerTemplate')).toHaveLength(1);
  });

  test('a refused registration gives one line and exit code 1', async () => {
    api.answer({
      registerTemplate: () => {
        throw new Refusal(530, 'no URL can be reached:\n http://a: not found');
      },
    });
    expect(await run(`template register --name d --url ${SOURCE}`)).toEqual({
      code: 1,
      stdout: '',
      stderr: 'bypass: no URL can be reached: http://a: not found\n',
    });
  });

  test('with several zones, one must be chosen by name, or all', async () => {
    api.answer({ listZones: () => ({ zone: [zone, { id: 'z2', name: 'other' }] }) });
    const register = `template register --name d --url ${SOURCE}`;
    expect(await run(register)).toMatchObject({
      code: 2,
      stderr: 'bypass: there are 2 zones, so choose one with --zone (there are: zone-1, other)\n',
    });
    await run(`${register} --zone other`);
    await run(`${register} --zone all`);
    expect(api.called('registerTemplate').map(({ zoneid }) => zoneid)).toEqual(['z2', '-1']);
  });

  test('list shows a template of several zones once, and as JSON the whole answer of the api', async () => {
    const rows = [ubuntu, { ...ubuntu, zoneid: 'z2', zonename: 'zone-2' }];
    api.answer({ listTemplates: () => ({ template: rows }) });
    const lines = (await run('template list')).stdout.split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/^ubuntu .* yes +zone-1,zone-2 +admin/);
    expect(await json('template list')).toEqual(rows);
  });

  test('an empty list says how to begin, and is an empty JSON list', async () => {
    api.answer({ listTemplates: () => ({ template: [] }) });
    expect(await run('template list')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('bypass template register') as string,
    });
    expect(await json('template list')).toEqual([]);
  });

  test('a user sees what they may use', async () => {
    api.answer({
      listTemplates: ({ templatefilter }) => {
        if (templatefilter === 'all') throw new Refusal(531, 'The filter all is for administrators only.');
        return { template: [ubuntu] };
      },
    });
    expect(await json('template list')).toEqual([ubuntu]);
  });

  test('show shows mirrors and pools', async () => {
    const mirror = [
      { url: 'http://dead/x', priority: 1, reachable: false, reason: 'connection refused' },
      { url: SOURCE, priority: 2, reachable: true },
    ];
    api.answer({ listTemplates: () => ({ template: [{ ...ubuntu, mirror }] }) });
    await run('deploy start ubuntu');
    const { stdout } = await run('template show ubuntu');
    expect(stdout).toMatch(/Mirrors +1\. http:\/\/dead\/x \(connection refused\)\n +2\. https/);
    expect(stdout).toMatch(/Pools +local-1: ready\n +local-2: ready\n +shared: failed \(Checksum/);
  });

  test('an ambiguous name is refused with the ids; an id is used as it is', async () => {
    const { code, stderr } = await run('template show twin');
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `bypass: more than one template is called 'twin', so give an id: ${twins[0].id} or ${twins[1].id}\n`,
    });
    expect(await json(`template show ${twins[1].id.toUpperCase()}`)).toMatchObject({ id: twins[1].id });
    expect(await run('template show nix')).toMatchObject({
      code: 1,
      stderr: "bypass: there is no template 'nix'\n",
    });
  });

  test('delete starts a job; with --wait it reports how the job ended', async () => {
    api.answer({
      deleteTemplate: () => ({ jobid: 'j' }),
      queryAsyncJobResult: () => ({ jobid: 'j', jobstatus: 1, jobresult: { success: true } }),
    });
    expect((await run('template delete ubuntu')).stdout).toBe(
      'Deleting template ubuntu and its copies: job j\n',
    );
    expect((await run('template delete ubuntu --wait')).stdout).toBe(
      'Deleted template ubuntu and its copies\n',
    );
    api.answer({
      queryAsyncJobResult: () => ({
        jobid: 'j',
        jobstatus: 2,
        jobresult: { errorcode: 530, errortext: 'host gone' },
      }),
    });
    expect(await run('template delete ubuntu --wait')).toMatchObject({
      code: 1,
      stderr: 'bypass: host gone\n',
    });
  });
});

describe('bypass iso', () => {
  const iso = { ...template('debian'), format: 'ISO' };

  test('register has no format, and says whether it boots', async () => {
    api.answer({ registerIso: () => ({ iso: [iso] }) });
    expect((await run(`iso register --name debian --url ${SOURCE}.iso --no-bootable`)).code).toBe(0);
    const [sent] = api.called('registerIso');
    expect(sent).toMatchObject({ bootable: 'false', directdownload: 'true' });
    expect(sent).not.toHaveProperty('format');
  });

  test('an ISO is deployed as a template is, by its name', async () => {
    api.answer({ listIsos: () => ({ iso: [iso] }), prepareTemplate: () => ({ jobid: 'j' }) });
    expect((await run('deploy start debian')).stdout).toBe('Deploying debian: job j\n');
    expect(api.called('prepareTemplate')[0]).toMatchObject({ templateid: iso.id, zoneid: zone.id });
  });
});

describe('bypass deploy', () => {
  test('start without a pool deploys to every zone of the template, with a pool to that pool', async () => {
    api.answer({
      listTemplates: () => ({ template: [ubuntu, { ...ubuntu, zoneid: 'z2', zonename: 'zone-2' }] }),
      prepareTemplate: ({ zoneid }) => ({ jobid: `job-${zoneid}` }),
    });
    expect(await json('deploy start ubuntu')).toEqual({
      template: { id: ubuntu.id, name: 'ubuntu' },
      jobids: [`job-${zone.id}`, 'job-z2'],
      deployments: [],
    });
    await run('deploy start ubuntu --pool shared');
    expect(api.called('prepareTemplate')[2]).toMatchObject({ zoneid: zone.id, storageid: pools[2].id });
  });

  test('show lists every attempt in order', async () => {
    await run('deploy start ubuntu --pool local-1');
    const { stdout } = await run('deploy show ubuntu');
    expect(stdout).toMatch(/State +Ready/);
    expect(stdout).toMatch(
      /✗ .*kvm-1 {2}0 B.*\n.*dead\.example.*\n.*Unreachable: connection refused\n.*✓ .*2\.0 GiB/,
    );
    expect(await json('deploy show ubuntu')).toEqual([
      expect.objectContaining({ state: 'Ready', attemptcount: 2 }),
    ]);
    expect(await run('deploy show ubuntu --pool shared')).toMatchObject({
      code: 1,
      stderr: "bypass: ubuntu is neither on pool 'shared' nor on its way there (its pools: local-1)\n",
    });
  });

  test('retry starts failed deployments and no others', async () => {
    await run('deploy start ubuntu');
    const { stdout } = await run('deploy retry ubuntu --wait');
    expect(stdout).toMatch(/^shared: ready, /);
    expect(api.called('prepareTemplate').at(-1)).toMatchObject({ storageid: pools[2].id });
    expect((await run('deploy retry ubuntu')).stdout).toContain('nothing to retry');
    expect(api.called('prepareTemplate')).toHaveLength(2);
  });

  test('cancel names the pool, and removes the bytes when asked', async () => {
    await run('deploy start ubuntu');
    expect((await run('deploy cancel ubuntu')).code).toBe(2);
    expect((await run('deploy cancel ubuntu --pool shared --cleanup')).stdout).toBe('Cancelled on shared\n');
    expect(api.called('cancelTemplateDeployment')).toEqual([
      expect.objectContaining({ templateid: ubuntu.id, storageid: pools[2].id, cleanup: 'true' }),
    ]);
  });

  test('start takes several pools, with commas or repeated', async () => {
    await run('deploy start ubuntu --pool local-1,shared --pool local-2');
    const [sent, ...others] = api.called('prepareTemplate');
    expect(others).toEqual([]);
    expect(sent).toMatchObject({
      zoneid: zone.id,
      storageids: [pools[0].id, pools[2].id, pools[1].id].join(','),
    });
    expect(sent).not.toHaveProperty('storageid');
  });

  test('list fits 80 columns', async () => {
    await run('deploy start ubuntu');
    const { stdout } = await run('deploy list', { columns: 80 });
    expect(stdout).toMatch(/ubuntu +shared +Failed .*Checksum.*…/);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});

describe('bypass config', () => {
  test('settings of a zone, or of all, are listed, set and reset', async () => {
    const setting = {
      name: 'direct.download.url.allow.cidr',
      value: '10.0.0.0/8',
      description: 'address blocks',
    };
    api.answer({
      listConfigurations: () => ({ count: 1, configuration: [setting] }),
      updateConfiguration: ({ value }) => ({ configuration: { ...setting, value } }),
      resetConfiguration: () => ({ configuration: { ...setting, value: '' } }),
    });
    expect((await run('config list --zone zone-1')).stdout).toMatch(
      /direct\.download\.url\.allow\.cidr +10\.0\.0\.0\/8/,
    );
    expect(api.called('listConfigurations')[0]).toMatchObject({ zoneid: zone.id });
    expect((await run(`config set ${setting.name} 10.1.0.0/16`)).stdout).toBe(
      `${setting.name} is 10.1.0.0/16\n`,
    );
    expect(api.called('updateConfiguration')[0]).toMatchObject({ name: setting.name, value: '10.1.0.0/16' });
    expect((await run(`config reset ${setting.name} --zone zone-1`)).stdout).toBe(
      `${setting.name} is empty\n`,
    );
    expect(api.called('resetConfiguration')[0]).toMatchObject({ name: setting.name, zoneid: zone.id });
    expect(await json('config list')).toHaveLength(1);
  });
});

describe('zones, clusters, hosts and pools', () => {
  test('zones and clusters are created and listed', async () => {
    api.answer({
      createZone: ({ name }) => ({ zone: { id: 'z', name } }),
      addCluster: ({ clustername, zoneid }) => ({
        count: 1,
        cluster: [{ id: 'c', name: clustername, zoneid }],
      }),
    });
    expect((await run('zone create ams')).stdout).toBe('Made zone ams (z)\n');
    expect((await run('zone list')).stdout).toContain('zone-1');
    expect((await run('cluster add rack-9')).stdout).toBe('Added cluster rack-9 (c) to zone zone-1\n');
    expect((await run('cluster list')).stdout).toContain('rack-1');
    expect(await json('cluster list --zone zone-1')).toHaveLength(1);
  });

  test('a disabled host is listed with its key and how to admit it', async () => {
    api.answer({ updateHost: () => ({ host: hosts[1] }), deleteHost: () => ({ success: true }) });
    const { stdout, stderr } = await run('host list');
    expect(stdout).toMatch(/kvm-1 .* Up +Enabled/);
    expect(stderr).toBe('kvm-2 waits for approval if its key is SHA256:q9Zk: bypass host approve kvm-2\n');
    expect((await run('host approve kvm-2')).stdout).toBe('Host kvm-2 is admitted\n');
    expect(api.called('updateHost')[0]).toMatchObject({ id: hosts[1]?.id, allocationstate: 'Enable' });
    expect((await run('host remove kvm-2 --force')).stdout).toBe('Host kvm-2 is forgotten\n');
    expect(api.called('deleteHost')[0]).toMatchObject({ id: hosts[1]?.id, forced: 'true' });
  });

  test('hosts are limited, and show their limits', async () => {
    api.answer({ updateHost: ({ ratelimit }) => ({ host: { ...hosts[0], ratelimit: Number(ratelimit) } }) });
    expect((await run('host limit kvm-1 --rate 50M')).stdout).toContain('kvm-1: set to 50.0 MiB/s; in force');
    expect(api.called('updateHost')[0]).toMatchObject({ id: hosts[0]?.id, ratelimit: '52428800' });
    await run('host limit kvm-1');
    expect(api.called('updateHost')).toHaveLength(1);
    expect(await run('host limit kvm-1 --downloads many')).toMatchObject({ code: 2 });
  });

  test('host invite prints the token alone on stdout', async () => {
    const hostinvite = { id: 'i', token: 'tok', expires: '2026-11-25T07:00:00+0000' };
    api.answer({ createHostInvite: () => ({ hostinvite }) });
    expect((await run('host invite --zone zone-1 --expires 2')).stdout).toBe('tok\n');
    expect(api.called('createHostInvite')[0]).toMatchObject({ zoneid: zone.id, expireshours: '2' });
    expect(await json('host invite')).toEqual(hostinvite);
    expect(await run('host invite --expires soon')).toMatchObject({ code: 2 });
  });

  test('pools are listed with their free space', async () => {
    expect((await run('pool list')).stdout).toMatch(/local-1 .* Filesystem +HOST +Up +60\.0 GiB +100 GiB/);
    expect(await json('pool list')).toHaveLength(3);
  });
});

describe('bypass event, job and api', () => {
  test('event list shows the newest events, as many as requested', async () => {
    const event = {
      id: 'e',
      type: 'TEMPLATE.CREATE',
      level: 'ERROR',
      description: 'no',
      created: '2026-11-24T07:00:00+0000',
    };
    api.answer({ listEvents: () => ({ event: [event] }) });
    expect((await run('event list --limit 7 --level error')).stdout).toMatch(/ERROR +TEMPLATE\.CREATE +no\n/);
    expect(api.called('listEvents')[0]).toMatchObject({ pagesize: '7', level: 'ERROR' });
    expect((await run('event list --limit 501')).code).toBe(2);
  });

  test('job show shows the outcome of a job', async () => {
    const { jobids } = (await json('deploy start ubuntu')) as { jobids: string[] };
    const { code, stdout } = await run(`job show ${jobids[0]}`);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Status +failed\nCommand +prepareTemplate\n[^]*Error +Checksum/);
    expect((await run(`job show ${jobids[0]} --wait`)).code).toBe(1);
  });

  test('job show of a finished job names the copies and their pools, and no attempts', async () => {
    const there = { id: 'd', templatename: 'ubuntu', storagename: 'local-1', state: 'Ready', size: 4096 };
    const job = { jobid: 'j', cmd: 'prepareTemplate', jobstatus: 1, created: '2026-11-24T07:00:00+0000' };
    api.answer({
      queryAsyncJobResult: () => ({ ...job, jobresult: { success: true, templatedeployment: [there] } }),
    });
    expect((await run('job show j')).stdout).toMatch(/\nlocal-1: ready, 4\.0 KiB\n$/);
  });

  test('api calls any command, and prints its answer', async () => {
    const { stdout } = await run('api listZones a=b=c');
    expect(JSON.parse(stdout)).toEqual({ zone: [zone] });
    expect(api.called('listZones')[0]).toMatchObject({ a: 'b=c' });
    expect(await run('api listZones name')).toMatchObject({
      code: 2,
      stderr: "bypass: parameters are written name=value, not 'name'\n",
    });
  });
});

describe('the command line', () => {
  test('help and version are commands too', async () => {
    expect((await run('help')).stdout).toBe((await run('--help')).stdout);
    expect((await run('help template')).stdout).toBe((await run('template --help')).stdout);
    expect(await run('version')).toMatchObject({ code: 0, stderr: '' });
  });

  test.each([
    ['template show ubunut', "there is no template 'ubunut'; did you mean 'ubuntu'?"],
    ['template show Ubuntu', "there is no template 'Ubuntu'; did you mean 'ubuntu'?"],
    ['deploy start ubuntu --pool locla-1', "there is no storage pool 'locla-1'; did you mean 'local-1'?"],
    ['deploy start ubuntu --pool x', "there is no storage pool 'x' (there are: local-1, local-2, shared)"],
  ])('bypass %s fails with: %s', async (line, message) => {
    expect(await run(line)).toMatchObject({ code: 1, stderr: `bypass: ${message}\n` });
  });

  test.each([
    ['completion tcsh', /Allowed choices are bash, zsh, fish; --help tells more/],
    ['template lst', /unknown command 'lst'.*Did you mean list/],
    ['template show', /missing required argument 'template'/],
    ['template register --name x', /required option '--url <url>'/],
    ['template list --nix', /unknown option '--nix'/],
    ['template register --name x --url y --format vmdk', /--format takes QCOW2 or RAW, not 'vmdk'/],
  ])('%s is refused with one line and exit code 2', async (line, message) => {
    const { code, stdout, stderr } = await run(line);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^bypass: [^\n]+\n$/);
    expect(stderr).toMatch(message);
  });

  test('every command has help with an example', async () => {
    const nouns = ['template', 'iso', 'deploy', 'host', 'pool', 'zone', 'cluster', 'event', 'job'];
    for (const noun of [...nouns, 'config', 'certificate', 'account', 'user']) {
      const { stdout, code } = await run(`${noun} --help`);
      expect(code).toBe(0);
      const verbs = [...stdout.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name]) => name ?? '');
      expect(verbs.length).toBeGreaterThan(0);
      for (const name of verbs) {
        expect((await run(`${noun} ${name} --help`)).stdout).toMatch(
          new RegExp(`Example:\\n {2}\\$ bypass ${noun} ${name}`),
        );
      }
    }
    for (const alone of ['api', 'configure', 'completion'])
      expect((await run(`${alone} --help`)).stdout).toMatch(
        new RegExp(`Example:\\n {2}\\$ .*bypass ${alone}`),
      );
    expect((await run('--help')).stdout).toMatch(/Exit codes:[^]*BYPASS_URL[^]*Example:/);
  });

  test('without an api the line says how to name one, and the exit code is 3', async () => {
    expect(await bypass(undefined, ['zone', 'list'])).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^bypass: [^\n]*npm start[^\n]*BYPASS_URL[^\n]*\n$/) as string,
    });
    await api.close();
    const { code, stderr } = await run('zone list');
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining(api.url) as string });
    api = await startApi();
  });
});
