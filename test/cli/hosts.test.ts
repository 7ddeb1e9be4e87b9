import { startApi } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import { fleet, hosts, pools } from './fleet.ts';
import { bypass } from './terminal.ts';
import type { Ran } from './terminal.ts';

let api: ApiServer;
beforeEach(async () => {
  api = await startApi(fleet({ progress: () => 1 }));
});
afterEach(() => api.close());

const run = (line: string): Promise<Ran> => bypass(api, line.split(' '));

test('a host is shown with what it has for virtual machines', async () => {
  const [kvm1, kvm2] = hosts;
  const able = {
    ...kvm1,
    libvirtversion: '9.0.0',
    hypervisorversion: '7.2.22',
    accelerator: 'tcg',
    bootmodes: ['LEGACY', 'SECURE'],
    hostnetwork: [
      { name: 'lan', type: 'bridge', vlan: true },
      { name: 'nat', type: 'libvirt', vlan: false, problem: 'libvirt has no network default' },
    ],
    cpunumber: 8,
    cpuspeed: 2100,
    cpuallocatedpercentage: '37.50%',
    memorytotal: 16 * 2 ** 30,
    memoryallocatedpercentage: '12.50%',
    virtualmachinecount: 3,
  };
  const unable = { ...kvm2, vmproblem: 'virsh is not installed', virtualmachinecount: 0 };
  api.answer({ listHosts: () => ({ host: [able, unable] }) });
  const { stdout } = await run('host show kvm-1');
  expect(stdout).toMatch(/Hypervisor +tcg, QEMU 7\.2\.22, libvirt 9\.0\.0\n/);
  expect(stdout).toMatch(/Networks +lan \(bridge, VLAN\), nat \(libvirt has no network default\)\n/);
  expect(stdout).toMatch(/UEFI +LEGACY, SECURE\n/);
  expect(stdout).toMatch(/Processors +8 of 2100 MHz, 37\.50% allocated\n/);
  expect(stdout).toMatch(/Memory +16\.0 GiB, 12\.50% allocated\n/);
  expect((await run('host show kvm-2')).stdout).toMatch(/Hypervisor +virsh is not installed\n/);
  expect((await run('host list')).stdout).toMatch(/kvm-1 .* 3\n.*kvm-2 .* none\n/s);
});

/** What the command says of pools on which no file is listed. */
const said = async (line: string, storagepool: readonly object[]): Promise<string> => {
  api.answer({ listStoragePools: () => ({ storagepool }), listStoragePoolFiles: () => ({}) });
  const { code, stderr } = await run(line);
  expect(code).toBe(0);
  return stderr;
};

test('pool files says whether a cleanup found nothing, or none has run yet and how to run one', async () => {
  const cleaned = pools.map((pool) => ({ ...pool, lastcleanup: '2026-11-24T07:00:00+0000' }));
  expect(await said('pool files', cleaned)).toBe(
    'The last cleanup found no file that Bypass does not need\n',
  );
  expect(await said('pool files shared', pools)).toBe(
    'No cleanup of pool shared has run yet: bypass pool cleanup shared runs one\n',
  );
  expect(await said('pool files', [...cleaned.slice(0, 1), ...pools.slice(1)])).toBe(
    'No cleanup of 2 pools has run yet: bypass pool cleanup --zone <zone> runs one\n',
  );
});

test('pool cleanup says how many more there are than it lists', async () => {
  const jobresult = {
    storagepoolcleanup: [{ storagename: 'shared', name: 'old.part', action: 'Removed' }],
    storagepoolcleanupmore: 1234,
  };
  api.answer({
    cleanupStoragePool: () => ({ jobid: 'j1' }),
    queryAsyncJobResult: () => ({ jobid: 'j1', jobstatus: 1, jobresult }),
  });
  expect((await run('pool cleanup shared')).stderr).toContain('There are 1234 more, which are not listed');
});

test('host drain begins maintenance, and names the virtual machines that still run', async () => {
  const running = { host: { virtualmachine: [{ name: 'web1' }, { name: 'web2' }] } };
  api.answer({
    prepareHostForMaintenance: () => ({ jobid: 'j1' }),
    queryAsyncJobResult: () => ({ jobid: 'j1', jobstatus: 1, jobresult: running }),
  });
  expect(await run('host drain kvm-1')).toMatchObject({
    code: 0,
    stdout: 'Maintenance of host kvm-1 began\n',
    stderr: '2 virtual machines still on it: web1, web2\n',
  });
  expect(api.called('prepareHostForMaintenance')[0]).toMatchObject({ id: hosts[0]?.id });
});

/** Deployments that the host runs, look by look. */
const running = (...counts: readonly number[]) => {
  const left = [...counts];
  return () => ({
    templatedeployment: Array.from({ length: left.shift() ?? 0 }, (_, n) => ({ id: `d${n}` })),
  });
};

describe('host drain waits until the host downloads nothing', () => {
  const begun = { prepareHostForMaintenance: () => ({}) };
  test('as long as it is told to', async () => {
    api.answer({ ...begun, listTemplateDeployments: running(2, 1, 0) });
    const { code, stderr } = await run('host drain kvm-1 --wait 10');
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining('Host kvm-1 downloads nothing any more\n') as string,
    ]);
    expect(api.called('listTemplateDeployments')[0]).toMatchObject({ hostid: hosts[0]?.id });
    expect(api.called('prepareHostForMaintenance')).toHaveLength(1);
  });

  test('and hands over what runs where it is told to', async () => {
    api.answer({ ...begun, listTemplateDeployments: running(2, 2, 0) });
    const { code, stderr } = await run('host drain kvm-1 --hand-over');
    expect([code, stderr]).toEqual([0, expect.stringContaining('2 downloads handed over\n') as string]);
    expect(api.called('prepareHostForMaintenance').slice(1)).toMatchObject([{ handover: 'true' }]);
  });
});
