/** In the full form: Debian's cloud-init reads the first boot data that a host makes. Its packages are downloaded, not installed. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeSeed } from '../../hypervisor/seed.ts';
import type { Seed } from '../../hypervisor/seed.ts';
import { PROJECT_ROOT } from '../../platform/installation.ts';
import { DEBIAN_PACKAGE_PROGRAMS, unpackWithDependencies } from '../support/debian-packages.ts';
import { findProgram, isFullRun } from '../support/programs.ts';

/** As test/hypervisor/cloud_init_reads.py writes it. */
interface Read {
  readonly instanceId: string;
  readonly hostName: string;
  readonly publicKeys: readonly string[];
  readonly userData: string;
  readonly config: unknown;
  readonly filled: string;
  /** Way of configuring a network → path → text. */
  readonly network: Readonly<Record<string, Readonly<Record<string, string>>>> | null;
}

const SCRIPT = join(PROJECT_ROOT, 'test', 'hypervisor', 'cloud_init_reads.py');
const PYTHON = '/usr/bin/python3';
/** A network namespace with cards of the guest, by names that a guest gives them. $1 and $2: their addresses. */
const GUEST = `mount -t sysfs sys /sys
ip link add ens3 address "$1" type veth peer name ens4 address "$2"
shift 2
exec "$@"`;
const MACS = ['02:00:00:00:00:01', '02:00:00:00:00:02'] as const;
const [FIRST, SECOND] = MACS.map((mac) => ({ nicId: randomUUID(), mac, network: 'lan' })) as [
  Seed['nics'][0],
  Seed['nics'][0],
];

const programs = [
  ...DEBIAN_PACKAGE_PROGRAMS,
  'xorriso',
  'blkid',
  'unshare',
  'ip',
  PYTHON.slice('/usr/bin/'.length),
];
const canRun =
  isFullRun && process.getuid?.() === 0 && programs.every((name) => findProgram(name) !== undefined);

(canRun ? describe : describe.skip)('cloud-init reads first boot data', () => {
  let folder: string;
  const modules = (): string => join(folder, 'debian', 'usr/lib/python3/dist-packages');
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bypass-cloud-init-'));
    unpackWithDependencies('cloud-init', join(folder, 'debian'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const disc = async (seed: Partial<Seed>): Promise<string> => {
    const path = join(folder, `${randomUUID()}.iso`);
    const whole = { seed: { instanceId: 'i-1', hostName: 'web1', publicKeys: [] }, nics: [FIRST], ...seed };
    await writeSeed(path, folder, whole);
    return path;
  };
  const read = async (seed: Partial<Seed>, template = '## template: jinja\n'): Promise<Read> => {
    const iso = await disc(seed);
    const files = join(iso.replace('.iso', ''), 'seed', 'nocloud');
    const written = iso.replace('.iso', '-written');
    await mkdir(files, { recursive: true });
    await mkdir(written);
    const extract = ['-no_rc', '-osirrox', 'on', '-indev', iso, '-extract', '/', files];
    execFileSync('xorriso', extract, { stdio: 'ignore' });
    const command = [PYTHON, '-B', SCRIPT, files, written];
    const guest = ['--net', '--mount', 'sh', '-c', GUEST, 'sh', ...MACS, ...command];
    const answer = execFileSync('unshare', guest, {
      input: JSON.stringify({ template }),
      env: { ...process.env, PYTHONPATH: modules() },
      encoding: 'utf8',
    });
    return JSON.parse(answer) as Read;
  };

  test('from a disc that it finds by type and label', async () => {
    const found = execFileSync('blkid', ['-p', '-o', 'export', await disc({})], { encoding: 'utf8' });
    expect(found.split('\n')).toEqual(expect.arrayContaining(['TYPE=iso9660', 'LABEL=cidata']));
  });

  test('id, host name, keys and user data as they were given, and fills in the values of variables', async () => {
    const publicKeys = ['ssh-ed25519 AAAAC3Nz ann@example.com', 'ssh-rsa AAAAB3Nz "quoted"'];
    const userData = '#cloud-config\nruncmd:\n  - [echo, "Grüße"]\n';
    const got = await read(
      {
        seed: { instanceId: 'i-7', hostName: 'web7', publicKeys },
        secrets: {
          vncPassword: 'hunter22',
          userData: Buffer.from(userData).toString('base64'),
          userDataDetails: { site: 'a"\n}: b', 'a-b': '{{ 1 }}' },
        },
      },
      '## template: jinja\n#cloud-config\n{{ ds.meta_data.site }}|{{ ds.meta_data.a_b }}|{{ v1.local_hostname }}',
    );
    expect(got).toEqual({
      instanceId: 'i-7',
      hostName: 'web7',
      publicKeys,
      userData: Buffer.from(userData).toString('latin1'),
      config: { runcmd: [['echo', 'Grüße']] },
      filled: '#cloud-config\na"\n}: b|{{ 1 }}|web7',
      network: null,
    });
  });

  test('user data that are no text byte for byte, and none where there are none', async () => {
    const bytes = Buffer.from([0x1f, 0x8b, 0x00, 0xff, 0x0a, 0x0d]);
    const secrets = { vncPassword: 'hunter22', userData: bytes.toString('base64') };
    expect((await read({ secrets })).userData).toBe(bytes.toString('latin1'));
    expect((await read({})).userData).toBe('');
  });

  test('addresses for the network cards that have these MACs, for each way of configuring a network', async () => {
    const addressed = {
      address: '10.1.0.5',
      netmask: '255.255.254.0',
      gateway: '10.1.0.1',
      address6: 'fd00::5',
    };
    const { network } = await read({ nics: [FIRST, { ...SECOND, ...addressed }] });
    expect(network?.['eni']?.['etc/network/interfaces']).toBe(
      [
        'auto lo',
        'iface lo inet loopback',
        'auto ens3',
        'iface ens3 inet dhcp',
        'auto ens4',
        'iface ens4 inet static',
        '    address 10.1.0.5/23',
        '    gateway 10.1.0.1',
        'iface ens4 inet6 static',
        '    address fd00::5/64',
      ].join('\n'),
    );
    const script = 'etc/sysconfig/network-scripts/ifcfg';
    const sysconfig = network?.['sysconfig'] ?? {};
    expect(sysconfig[`${script}-ens3`]).toMatch(
      /^BOOTPROTO=dhcp\nDEVICE=ens3\n[^]*HWADDR=02:00:00:00:00:01$/m,
    );
    for (const line of [
      'IPADDR=10.1.0.5',
      'NETMASK=255.255.254.0',
      'GATEWAY=10.1.0.1',
      'IPV6ADDR=fd00::5/64',
    ])
      expect(sysconfig[`${script}-ens4`]?.split('\n')).toContain(line);
    const connection = 'etc/NetworkManager/system-connections/cloud-init-ens4.nmconnection';
    expect(network?.['network-manager']?.[connection]).toMatch(
      /mac-address=02:00:00:00:00:02\n[^]*address1=10\.1\.0\.5\/23\ngateway=10\.1\.0\.1\n[^]*address1=fd00::5\/64/,
    );
    const netplan = network?.['netplan']?.['etc/netplan/50-cloud-init.yaml'];
    expect(netplan).toMatch(/addresses:\n +- 10\.1\.0\.5\/23\n +- fd00::5\/64\n +gateway4: 10\.1\.0\.1\n/);
    expect(netplan).toMatch(/macaddress: 02:00:00:00:00:01/);
  });

  test('addresses of one version alone: the other one comes by DHCP, or there is none', async () => {
    const { network } = await read({
      nics: [
        { ...FIRST, address6: 'fd00::5/48' },
        { ...SECOND, address: '10.1.0.5', netmask: '255.255.255.255' },
      ],
    });
    const text = network?.['eni']?.['etc/network/interfaces'];
    expect(text).toMatch(/iface ens3 inet dhcp[^]*iface ens3 inet6 static\n {4}address fd00::5\/48/);
    expect(text).toMatch(/iface ens4 inet static\n {4}address 10\.1\.0\.5\/32$/m);
    expect(text).not.toMatch(/iface ens4 inet6/);
  });
});
