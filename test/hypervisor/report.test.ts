import { randomUUID } from 'node:crypto';
import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { promisify } from 'node:util';
import { compareAccelerators, tryGuest } from '../../hypervisor/accelerator.ts';
import type { AcceleratorChoice, Tried, TryOne } from '../../hypervisor/accelerator.ts';
import { chooseAccelerator } from '../../hypervisor/accelerator-choice.ts';
import type { NetworkSetting } from '../../hypervisor/hypervisor.ts';
import { createReporter } from '../../hypervisor/report.ts';
import type { ReporterOptions } from '../../hypervisor/report.ts';
import { createVirsh } from '../../hypervisor/virsh.ts';
import type { VirshOptions } from '../../hypervisor/virsh.ts';
import { deferred } from '../support/deferred.ts';
import { needingLibvirt, openLibvirtLab } from '../labs/libvirt.ts';
import type { LibvirtLab } from '../labs/libvirt.ts';
import { isFullRun, needing } from '../support/programs.ts';
import { until } from '../support/until.ts';

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

const booted = (ms: number): Tried => ({ ms });
const hung = (ms: number): Tried => ({
  problem: `a guest did not boot in ${ms / 1000} s on KVM`,
  hangs: true,
  ms,
});

/** Trials that come out so, each kind in its order; the last one of a kind is how all later ones come out. */
function trials(kvm: readonly Tried[], emulated: readonly Tried[]) {
  const tried: (readonly [string, number | undefined])[] = [];
  const tryOne: TryOne = (type, patienceMs) => {
    const results = type === 'kvm' ? kvm : emulated;
    const before = tried.filter(([one]) => one === type).length;
    tried.push([type, patienceMs]);
    const result = results[before] ?? results.at(-1);
    return result === undefined ? Promise.reject(new Error(`${type} is tried`)) : Promise.resolve(result);
  };
  return { tried, tryOne };
}

test.each<[string, readonly Tried[], readonly Tried[], AcceleratorChoice]>([
  [
    'KVM that boots quickly is taken at once',
    [booted(900)],
    [],
    { accelerator: 'kvm', reason: 'a guest took 0.9 s to boot on KVM', isDoubtful: false },
  ],
  [
    'KVM that libvirt does not start is not taken',
    [{ problem: 'there is no /dev/kvm', ms: 100 }],
    [],
    { accelerator: 'tcg', reason: 'there is no /dev/kvm', isDoubtful: false },
  ],
  [
    'KVM that hangs is not taken',
    [hung(8000), hung(2000)],
    [booted(300)],
    {
      accelerator: 'tcg',
      reason: 'a guest did not boot in 8 s on KVM, an emulated one 0.3 s',
      isDoubtful: false,
    },
  ],
  [
    'KVM that is many times slower is not taken',
    [booted(4510), hung(2000)],
    [booted(610)],
    {
      accelerator: 'tcg',
      reason: 'a guest took 4.5 s to boot on KVM, an emulated one 0.6 s',
      isDoubtful: false,
    },
  ],
  [
    'KVM that is many times slower is not taken either when the host has so much to do that an emulated guest is slow as well',
    [booted(5100), booted(4800), booted(4500)],
    [booted(3400), booted(2600), booted(900)],
    {
      accelerator: 'tcg',
      reason: 'a guest took 4.5 s to boot on KVM, an emulated one 0.9 s',
      isDoubtful: false,
    },
  ],
  [
    'KVM that was slow only since the host had much to do is taken',
    [hung(8000), booted(1200)],
    [booted(2500)],
    {
      accelerator: 'kvm',
      reason: 'a guest took 1.2 s to boot on KVM, an emulated one 2.5 s',
      isDoubtful: false,
    },
  ],
  [
    'KVM that is a bit slower is taken for the moment',
    [booted(2500)],
    [booted(1300)],
    {
      accelerator: 'kvm',
      reason: 'a guest took 2.5 s to boot on KVM, an emulated one 1.3 s',
      isDoubtful: true,
    },
  ],
  [
    'where no guest boots they are emulated for the moment',
    [hung(8000)],
    [{ ...hung(8000), problem: 'no' }],
    {
      accelerator: 'tcg',
      reason: 'a guest did not boot in 8 s on KVM, and no emulated one booted',
      isDoubtful: true,
    },
  ],
])('%s', async (_, kvm, emulated, choice) => {
  expect(await compareAccelerators(trials(kvm, emulated).tryOne)).toEqual(choice);
});

test('kinds are tried in turns, and KVM no longer than it could still be better', async () => {
  const { tried, tryOne } = trials([booted(5000)], [booted(2600), booted(2550), booted(1500)]);
  await compareAccelerators(tryOne);
  expect(tried).toEqual([
    ['kvm', undefined],
    ['qemu', undefined],
    ['kvm', 5200],
    ['qemu', undefined],
    ['kvm', 5100],
    ['qemu', undefined],
    ['kvm', 3000],
  ]);
});

test('after a doubtful choice later looks try again, until one is clear', async () => {
  const reasons: string[] = [];
  const { tried, tryOne } = trials([booted(4500)], [booted(2500), booted(2500), booted(2500), booted(300)]);
  const chooser = chooseAccelerator({
    setting: 'auto',
    tryOne,
    onTcg: (reason) => void reasons.push(reason),
  });
  expect(chooser.known()).toEqual({});
  expect(await chooser.accelerator()).toBe('kvm');
  expect(reasons).toEqual([]);
  chooser.look();
  await until('guests are emulated', async () => (await chooser.accelerator()) === 'tcg');
  const reason = 'a guest took 4.5 s to boot on KVM, an emulated one 0.3 s';
  expect(chooser.known()).toEqual({ accelerator: 'tcg', acceleratorReason: reason });
  expect(reasons).toEqual([reason]);
  const count = tried.length;
  chooser.look();
  expect(await chooser.accelerator()).toBe('tcg');
  expect(tried).toHaveLength(count);
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

  test('does not wait for the trial of KVM before it reports, and says why it took TCG', async () => {
    const reasons: string[] = [];
    const gate = deferred<Tried>();
    const auto = reporter({
      virsh: lab.virsh,
      accelerator: 'auto',
      onTcg: (reason) => void reasons.push(reason),
      tryOne: () => gate.promise,
    });
    expect(await auto.report([])).not.toHaveProperty('accelerator');
    gate.resolve({ ms: 1, problem: 'there is no KVM' });
    expect(await auto.accelerator()).toBe('tcg');
    expect(await auto.report([])).toMatchObject({ accelerator: 'tcg', acceleratorReason: 'there is no KVM' });
    expect(reasons).toEqual(['there is no KVM']);
  });

  if (isFullRun)
    test('tries KVM again after libvirt was away', async () => {
      const auto = reporter({ virsh: lab.virsh, accelerator: 'auto' });
      await lab.killLibvirtd();
      await expect(auto.accelerator()).rejects.toMatchObject({ kind: 'HypervisorSilent' });
      expect((await auto.report([])).problem).toMatch(/libvirt does not answer/);
      await lab.startLibvirtd();
      expect(['kvm', 'tcg']).toContain(await auto.accelerator());
      expect(await auto.report([])).not.toHaveProperty('problem');
    });
});
