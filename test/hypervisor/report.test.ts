import { randomUUID } from 'node:crypto';
import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { promisify } from 'node:util';
import { tryGuest, whyNotKvm } from '../../hypervisor/accelerator.ts';
import type { NetworkSetting } from '../../hypervisor/hypervisor.ts';
import { createReporter } from '../../hypervisor/report.ts';
import type { ReporterOptions } from '../../hypervisor/report.ts';
import { createVirsh } from '../../hypervisor/virsh.ts';
import type { VirshOptions } from '../../hypervisor/virsh.ts';
import { needingLibvirt, openLibvirtLab } from '../labs/libvirt.ts';
import type { LibvirtLab } from '../labs/libvirt.ts';
import { isFullRun, needing } from '../support/programs.ts';

const run = promisify(execFile);
const never = new AbortController().signal;

const reporter = (changes: Partial<ReporterOptions> & Pick<ReporterOptions, 'virsh'>) =>
  createReporter({
    hostId: randomUUID(),
    accelerator: 'tcg',
    networks: [],
    onTcg: () => undefined,
    signal: never,
    ...changes,
  });

const ofMachine = { cpus: expect.any(Number), memory: expect.any(Number), cpuSpeed: expect.any(Number) };

const silent = async (options: VirshOptions): Promise<string | undefined> => {
  const networks = [{ name: 'guest', kind: 'user' }] as const;
  const report = await reporter({ virsh: createVirsh(options), networks }).report([]);
  expect(report).toEqual({ ...ofMachine, problem: expect.any(String), firmware: [], networks: [] });
  expect(report.cpus).toBeGreaterThan(0);
  return report.problem;
};

test('a host without virsh reports its machine, and what to install', async () => {
  expect(await silent({ uri: 'qemu:///system', program: 'no-such-virsh' })).toMatch(
    /no-such-virsh is not installed .*install .*libvirt-clients/,
  );
});

test.each([
  ['KVM that boots quickly is taken', { ms: 900 }, { ms: 100 }, undefined],
  ['KVM that is a bit slower is taken', { ms: 2500 }, { ms: 1300 }, undefined],
  ['KVM is taken where no emulated guest boots', { ms: 4500 }, { problem: 'no', ms: 100 }, undefined],
  ['KVM that hangs is not taken', { problem: 'it hangs', ms: 8000 }, { ms: 100 }, 'it hangs'],
  [
    'KVM that is many times slower is not taken',
    { ms: 4510 },
    { ms: 610 },
    'a guest took 4.5 s to boot on KVM, an emulated one 0.6 s',
  ],
])('%s', async (_, kvm, emulated, reason) => {
  expect(await whyNotKvm(kvm, () => Promise.resolve(emulated))).toBe(reason);
});

needing('virsh')('a host whose libvirtd does not run', () => {
  test('reports its machine, where it looked for libvirt, and what would help', async () => {
    expect(await silent({ uri: 'qemu+unix:///system?socket=/nonexistent/sock' })).toMatch(
      /at qemu\+unix.*: install libvirt-daemon-system, or start libvirtd$/,
    );
  });
});

needingLibvirt()('a host with libvirt', () => {
  let lab: LibvirtLab;
  beforeAll(async () => {
    lab = await openLibvirtLab();
  });
  afterAll(() => lab.close());

  test('reports versions, processors, memory, and the firmware that is installed', async () => {
    const report = await reporter({ virsh: lab.virsh }).report([]);
    const hasFirmware = await access('/usr/share/OVMF').then(
      () => true,
      () => false,
    );
    expect(report).toEqual({
      ...ofMachine,
      libvirt: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      qemu: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      accelerator: 'tcg',
      firmware: hasFirmware ? ['LEGACY', 'SECURE'] : [],
      networks: [],
    });
    expect(report.cpuSpeed).toBeGreaterThan(0);
  });

  test('reports why a network cannot be used now', async () => {
    const bridge = `bp${randomUUID().slice(0, 8)}`;
    await run('ip', ['link', 'add', bridge, 'type', 'bridge']);
    await lab.virsh.run(['net-define', '/dev/stdin'], { xml: '<network><name>down</name></network>' });
    try {
      const networks: readonly NetworkSetting[] = [
        { name: 'guest', kind: 'user' },
        { name: 'lan', kind: 'bridge', target: bridge },
        { name: 'gone', kind: 'bridge', target: 'no-such-br' },
        { name: 'plain', kind: 'bridge', target: 'lo' },
        { name: 'nat', kind: 'libvirt', target: 'down' },
        { name: 'none', kind: 'libvirt', target: 'no-such-network' },
      ];
      const report = await reporter({ virsh: lab.virsh, networks }).report([]);
      expect(report.networks).toEqual([
        { name: 'guest', kind: 'user', vlan: false },
        { name: 'lan', kind: 'bridge', vlan: false },
        {
          name: 'gone',
          kind: 'bridge',
          vlan: false,
          problem: 'there is no bridge no-such-br on this host',
        },
        { name: 'plain', kind: 'bridge', vlan: false, problem: 'there is no bridge lo on this host' },
        {
          name: 'nat',
          kind: 'libvirt',
          vlan: false,
          problem: "libvirt's network down is not active: virsh net-start down",
        },
        { name: 'none', kind: 'libvirt', vlan: false, problem: 'libvirt has no network no-such-network' },
      ]);
      expect(report.problem).toBeUndefined();
    } finally {
      await run('ip', ['link', 'delete', bridge]);
    }
  });

  test('reports which programs and packages its machines lack', async () => {
    const report = await reporter({ virsh: lab.virsh }).report([
      { name: 'qemu-img', purpose: 'check images' },
      { name: 'virsh', purpose: 'run virtual machines', version: '9.0.0' },
      { name: 'zstd', purpose: 'unpack .zst images' },
    ]);
    expect(report.problem).toBe('qemu-img is not installed: install qemu-utils');
    expect(report.libvirt).toBeDefined();
  });

  test('distinguishes a guest that boots from one that hangs, and leaves neither behind', async () => {
    const hostId = randomUUID();
    expect(await tryGuest(lab.virsh, { hostId, type: 'qemu' })).not.toHaveProperty('problem');
    // Without patience every guest hangs: how soon one resets depends on the machine.
    const hanging = tryGuest(lab.virsh, { hostId, type: 'qemu', patienceMs: 0 });
    expect((await hanging).problem).toBe('a guest did not boot in 0 s');
    expect(await lab.virsh.run(['list', '--all', '--name'])).not.toContain(hostId);
  });

  if (isFullRun)
    test('removes the guest of a trial that was killed in its middle', async () => {
      const hostId = randomUUID();
      const name = `bypass-probe-${hostId}`;
      const forever = `<domain type='qemu'><name>${name}</name><memory unit='MiB'>16</memory><os>
      <type arch='x86_64' machine='q35'>hvm</type></os><on_reboot>restart</on_reboot></domain>`;
      await lab.virsh.run(['create', '/dev/stdin'], { xml: forever });
      expect(await tryGuest(lab.virsh, { hostId, type: 'qemu' })).not.toHaveProperty('problem');
      expect(await lab.virsh.run(['list', '--all', '--name'])).not.toContain(hostId);
    });

  test('does not wait for the trial of KVM before it reports, tries once, and says why it took TCG', async () => {
    const reasons: string[] = [];
    const auto = reporter({
      virsh: lab.virsh,
      accelerator: 'auto',
      onTcg: (reason) => void reasons.push(reason),
      patienceMs: 500,
    });
    expect(await auto.report([])).not.toHaveProperty('accelerator');
    const taken = await auto.accelerator();
    expect(await auto.report([])).toMatchObject({ accelerator: taken });
    expect(await auto.accelerator()).toBe(taken);
    expect(reasons).toHaveLength(taken === 'tcg' ? 1 : 0);
  });

  if (isFullRun)
    test('tries KVM again after libvirt was away', async () => {
      const auto = reporter({ virsh: lab.virsh, accelerator: 'auto', patienceMs: 500 });
      await lab.killLibvirtd();
      await expect(auto.accelerator()).rejects.toMatchObject({ kind: 'HypervisorSilent' });
      expect((await auto.report([])).problem).toMatch(/libvirt does not answer/);
      await lab.startLibvirtd();
      expect(['kvm', 'tcg']).toContain(await auto.accelerator());
      expect(await auto.report([])).not.toHaveProperty('problem');
    });
});
