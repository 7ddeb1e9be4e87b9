import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApi } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import { fleet, hosts, template, zone } from './fleet.ts';
import { lan, machine, machines, small, START } from './machines.ts';
import type { MachinesOptions } from './machines.ts';
import { bypass } from './terminal.ts';
import type { Ran, RunOptions } from './terminal.ts';

const ubuntu = template('ubuntu');
const rescue = { ...template('rescue'), format: 'ISO' };
const web1 = machine('web1');
const DEPLOY = 'vm deploy web2 --template ubuntu --offering small';

let api: ApiServer;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-vms-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => api.close());

/** An api with these machines. Default: web1, which runs. */
async function start(options: MachinesOptions = {}): Promise<void> {
  api = await startApi({
    ...fleet({ templates: [ubuntu], progress: () => 1 }),
    listIsos: ({ name }) => ({ iso: [rescue].filter((one) => !name || one.name === name) }),
    ...machines({ machines: [web1], ...options }),
  });
}
const run = (line: string, options?: RunOptions): Promise<Ran> =>
  bypass(api, line.replaceAll('@', `${folder}/`).split(' '), options);

describe('bypass vm deploy', () => {
  test('finds everything that has a name, and says which job goes on', async () => {
    await start();
    await writeFile(join(folder, 'user-data'), '#cloud-config\n');
    const line = `${DEPLOY} --network lan --key me --host kvm-1 --user-data @user-data --root-disk-size 20`;
    const { code, stdout, stderr } = await run(
      `${line} --uefi secure --group web --display-name W --no-start`,
    );
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^Deploying web2: job [0-9a-f-]{36}\n$/) as string,
      stderr: 'See how far it is: bypass vm show web2\n',
    });
    expect(api.called('deployVirtualMachine')[0]).toMatchObject({
      name: 'web2',
      zoneid: zone.id,
      templateid: ubuntu.id,
      serviceofferingid: small.id,
      networkids: lan.id,
      keypairs: 'me',
      hostid: hosts[0]?.id,
      userdata: Buffer.from('#cloud-config\n').toString('base64'),
      rootdisksize: '20',
      boottype: 'UEFI',
      bootmode: 'SECURE',
      group: 'web',
      displayname: 'W',
      startvm: 'false',
    });
  });

  test('the only offering and the zone of the template are taken when none is given', async () => {
    await start();
    expect((await run('vm deploy web2 --template ubuntu')).code).toBe(0);
    const [sent] = api.called('deployVirtualMachine');
    expect(sent).toMatchObject({ serviceofferingid: small.id, zoneid: zone.id, startvm: 'true' });
    for (const absent of ['networkids', 'hostid', 'userdata', 'rootdisksize'])
      expect(sent).not.toHaveProperty(absent);
  });

  test('from an ISO, the machine gets an empty disk of the size that is given', async () => {
    await start();
    expect(await run('vm deploy web2 --iso rescue')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--root-disk-size') as string,
    });
    await run('vm deploy web2 --iso rescue --root-disk-size 8');
    expect(api.called('deployVirtualMachine')).toMatchObject([{ templateid: rescue.id, rootdisksize: '8' }]);
  });

  test.each([
    ['vm deploy web2', 'give the --template or the --iso'],
    ['vm deploy web2 --template ubuntu --iso rescue', 'not both'],
    ['vm deploy web2 --template ubuntu --user-data @absent', 'cannot be read \\(ENOENT\\)'],
    ['vm deploy web2 --template ubuntu --root-disk-size 1.5', "whole number of GiB, not '1.5'"],
    ['vm deploy web2 --template ubuntu --memory much', "such as 512M or 2G, not 'much'"],
    ['vm deploy web2 --template ubuntu --uefi maybe', 'legacy, secure'],
  ])('`%s` is refused before anything is sent', async (line, reason) => {
    await start();
    expect(await run(line)).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(reason) as string });
    expect(api.called('deployVirtualMachine')).toEqual([]);
  });

  test('unknown names are refused, with the names that there are', async () => {
    await start();
    expect((await run(DEPLOY.replace('small', 'huge'))).stderr).toBe(
      "bypass: there is no service offering 'huge' (there is: Small Instance)\n",
    );
    expect((await run(`${DEPLOY} --network wan`)).stderr).toMatch(
      /there is no network 'wan'; did you mean 'lan'\?/,
    );
  });

  test('--wait follows it from the first byte of the image until it runs', async () => {
    await start();
    const { code, stdout, stderr } = await run(`${DEPLOY} --wait`);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'web2: Running on kvm-1 at 10.0.0.5, after 12 s\n' });
    expect(stderr.split('\n').map((line) => line.replace(/ from .*/, ''))).toEqual([
      'web2: choosing a host and a pool on kvm-1',
      'web2: downloading its image on kvm-1',
      'web2: downloading its image on kvm-1, 45%',
      'web2: making its disk on kvm-1, 91%',
      'web2: booting on kvm-1, 99%',
      '',
    ]);
  });

  test('on a terminal, --wait shows one bar', async () => {
    await start();
    const { stderr, stdout } = await run(`${DEPLOY} --wait`, { columns: 80 });
    expect(stderr).toMatch(/web2 {2}█+░+ +22% +0\.5\/2\.0 GiB +105 MiB\/s/);
    expect(stderr).toMatch(/web2 {2}█+░+ +91%[^░]*making its disk on kvm-1/);
    expect(stdout).toBe('web2: Running on kvm-1 at 10.0.0.5, after 12 s\n');
  });

  test('a wait says why it waits and when it goes on', async () => {
    const waitreason = 'no host has room: 2 CPUs are needed';
    await start({ course: [{ phase: 'place', waitreason, nexttry: '2026-11-24T08:00:05+0000' }, {}] });
    expect((await run(`${DEPLOY} --wait`)).stderr).toMatch(
      /^web2: no host has room: 2 CPUs are needed; next try \d\d:00:05 \(kvm-1\)\n/,
    );
  });

  test('a failure gives the reason of the api, and how to try again', async () => {
    await start({ failure: 'the source answers 404' });
    expect(await run(`${DEPLOY} --wait`)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /\nbypass: web2: the source answers 404; try again with: bypass vm start web2\n$/,
      ) as string,
    });
  });

  test('Ctrl-C stops waiting, cancels nothing, and says so', async () => {
    await start({ course: [...START.slice(0, 2), ...Array.from({ length: 1000 }, () => START[2] ?? {})] });
    const { code, stdout, stderr } = await run(`${DEPLOY} --wait`, {
      onStart: (interrupt, { stderr: screen }) =>
        void screen.on('written', (text: string) => text.startsWith('web2:') && setImmediate(interrupt)),
    });
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(stderr).toMatch(
      /\nStopped waiting; nothing was cancelled\. It goes on: bypass vm show web2; .*: bypass vm stop web2\n$/,
    );
  });
});

describe('bypass vm', () => {
  test('list shows state, address, host and what is under way; an empty list says how to begin', async () => {
    const web3 = machine('web3', { ...START[1], nic: [] });
    await start({ machines: [web1, web3] });
    const { stdout } = await run('vm list');
    expect(stdout).toMatch(/^web1 .* Running +10\.0\.0\.5 +ubuntu +Small Instance +kvm-1 +admin/m);
    expect(stdout).toMatch(/^web3 .* Starting +22% .* downloading its image, 105 MiB\/s$/m);
    await run('vm list --state Running --host kvm-1 --template ubuntu --zone zone-1 --keyword web');
    expect(api.called('listVirtualMachines')[1]).toMatchObject({
      state: 'Running',
      hostid: hosts[0]?.id,
      templateid: ubuntu.id,
      zoneid: zone.id,
      keyword: 'web',
      listall: 'true',
    });
    api.answer(machines());
    expect(await run('vm list')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('bypass vm deploy NAME') as string,
    });
    expect((await run('vm list --keyword x')).stderr).toMatch(/^No virtual machine is like that/);
  });

  test('show has its disks and networks, and of a failure the reason and what to do', async () => {
    const failed = machine('bad', { state: 'Error', error: 'no host offers the network' });
    await start({ machines: [web1, failed] });
    const { stdout } = await run('vm show web1');
    expect(stdout).toMatch(/^State +Running$/m);
    expect(stdout).toMatch(/^Offering +Small Instance \(1 CPU, 1024 MiB\)$/m);
    expect(stdout).toMatch(/^Networks +lan {2}02:00:00:00:00:01 {2}10\.0\.0\.5$/m);
    expect(stdout).toMatch(/^Disks +ROOT-1: 2\.0 GiB on local-1$/m);
    const shown = await run(`vm show ${failed.id}`);
    expect(shown.stdout).toMatch(/^Problem +no host offers the network$/m);
    expect(shown.stderr).toBe('Try again: bypass vm start bad\n');
  });

  test.each([
    ['start web1 --host kvm-1', 'startVirtualMachine', { id: web1.id, hostid: hosts[0]?.id }, 'Starting'],
    ['stop web1', 'stopVirtualMachine', { id: web1.id }, 'Stopping'],
    ['stop web1 --force', 'stopVirtualMachine', { id: web1.id, forced: 'true' }, 'Stopping'],
    ['reboot web1', 'rebootVirtualMachine', { id: web1.id }, 'Rebooting'],
    ['destroy web1 --expunge', 'destroyVirtualMachine', { id: web1.id, expunge: 'true' }, 'Destroying'],
    ['expunge web1', 'expungeVirtualMachine', { id: web1.id }, 'Expunging'],
    ['restore web1', 'restoreVirtualMachine', { virtualmachineid: web1.id }, 'Restoring'],
    [
      'restore web1 --template ubuntu --root-disk-size 40',
      'restoreVirtualMachine',
      { virtualmachineid: web1.id, templateid: ubuntu.id, rootdisksize: '40' },
      'Restoring',
    ],
    [
      'attach-iso web1 rescue',
      'attachIso',
      { id: rescue.id, virtualmachineid: web1.id },
      'Attaching rescue to',
    ],
    [
      'detach-iso web1 --force',
      'detachIso',
      { virtualmachineid: web1.id, forced: 'true' },
      'Detaching the ISO of',
    ],
  ])('%s', async (line, command, sent, begins) => {
    await start();
    expect(await run(`vm ${line}`)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(`^${begins} web1: job [0-9a-f-]{36}\\n$`) as string,
    });
    expect(api.called(command)).toMatchObject([sent]);
  });

  test('a machine that is gone after its job is reported as gone', async () => {
    await start();
    const list = machines({ machines: [web1] })['listVirtualMachines'];
    let looks = 0;
    api.answer({
      listVirtualMachines: (given) => ((looks += 1) > 3 ? { virtualmachine: [] } : list?.(given)),
    });
    expect(await run('vm destroy web1 --expunge --wait')).toMatchObject({
      code: 0,
      stdout: 'web1: gone, after 12 s\n',
    });
  });

  test.each(['destroy web1 --expunge', 'expunge web1', 'restore web1'])(
    '%s asks first, and does nothing without a yes',
    async (line) => {
      await start();
      const { code, stderr } = await run(`vm ${line}`, { answer: 'no' });
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringMatching(/^\w.* web1.*\? \[y\/N\] no\nbypass: nothing was done/) as string,
      });
      expect(api.calls.map(({ command }) => command)).toEqual(['listVirtualMachines']);
    },
  );

  test('recover says how to start it', async () => {
    await start();
    api.answer({ recoverVirtualMachine: () => ({ virtualmachine: web1 }) });
    expect(await run('vm recover web1')).toEqual({
      code: 0,
      stdout: 'Recovered web1, which is stopped\n',
      stderr: 'Start it: bypass vm start web1\n',
    });
  });

  test('edit calls what each change needs, the reset of keys as a job', async () => {
    await start({ course: [{}] });
    const jobs = machines({ machines: [web1], course: [{}] });
    api.answer({
      ...jobs,
      updateVirtualMachine: () => ({ virtualmachine: web1 }),
      changeServiceForVirtualMachine: () => ({ virtualmachine: web1 }),
      resetSSHKeyForVirtualMachine: (given) => jobs['startVirtualMachine']?.(given),
    });
    const line = 'vm edit web1 --display-name W --group g --no-protect --cpus 2 --memory 2G --key me';
    expect(await run(line)).toMatchObject({ code: 0, stdout: 'Changed web1\n' });
    expect(api.called('changeServiceForVirtualMachine')[0]).toMatchObject({
      serviceofferingid: small.id,
      'details[0].cpuNumber': '2',
      'details[0].memory': '2048',
    });
    expect(api.called('resetSSHKeyForVirtualMachine')[0]).toMatchObject({ id: web1.id, keypairs: 'me' });
    expect(api.called('updateVirtualMachine')[0]).toMatchObject({
      displayname: 'W',
      group: 'g',
      deleteprotection: 'false',
    });
    expect(await run('vm edit web1')).toMatchObject({ code: 2 });
  });

  test('an unknown machine is refused, with a similar name', async () => {
    await start();
    expect((await run('vm show web2')).stderr).toBe(
      "bypass: there is no virtual machine 'web2'; did you mean 'web1'?\n",
    );
  });
});
