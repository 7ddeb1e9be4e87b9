import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PublishSettings } from '../../images/pools/pool.ts';
import {
  hypervisorSettings,
  inspectionLimits,
  parseNetworks,
  parsePools,
  publishSettings,
  readInvite,
  sourceBudgets,
} from '../../workers/host-settings.ts';
import { doorSettings } from '../../workers/door/settings.ts';
import { BUDGETS } from '../../images/fetch/network/budgets.ts';
import { exposedSecrets, readSettings, SettingError } from '../../workers/settings.ts';
import { SETTINGS } from '../../workers/settings-table.ts';

describe('the pools of a host', () => {
  test('are parsed from one text', () => {
    expect(
      parsePools('fast=Filesystem:HOST:/srv/images/, shared=sharedmountpoint:cluster:/mnt/a:b:create'),
    ).toEqual([
      { name: 'fast', type: 'Filesystem', scope: 'HOST', path: '/srv/images', create: false },
      { name: 'shared', type: 'SharedMountPoint', scope: 'CLUSTER', path: '/mnt/a:b', create: true },
    ]);
  });

  test('may be the root of a file system', () => {
    expect(parsePools('all=NetworkFilesystem:ZONE:/')[0]?.path).toBe('/');
  });

  test.each([
    ['', 'at least one'],
    ['/srv/images', 'not of the form NAME=TYPE:SCOPE:PATH'],
    ['a=Filesystem:HOST', 'not of the form'],
    ['a=LVM:HOST:/a', "'LVM' as the type of pool a; it is one of Filesystem, NetworkFilesystem"],
    ['a=RBD:ZONE:/a', "'RBD' as the type of pool a; it is one of Filesystem, NetworkFilesystem"],
    ['a=Filesystem:HOSTS:/a', "'HOSTS' as the scope of pool a; it is one of HOST, CLUSTER, ZONE"],
    ['a=Filesystem:HOST:srv/a', 'the path must begin with /'],
    ['a=Filesystem:CLUSTER:/a', "a Filesystem pool is one host's own"],
    ['a=NetworkFilesystem:HOST:/a', 'the others are shared'],
    ['a=Filesystem:HOST:/a,a=Filesystem:HOST:/b', 'has the name a twice'],
    ['a=Filesystem:HOST:/a,b=Filesystem:HOST:/x/../a/', 'has the path /a twice'],
  ])("are refused from the text '%s'", (text, sentence) => {
    expect(() => parsePools(text)).toThrow(SettingError);
    expect(() => parsePools(text)).toThrow(sentence);
    expect(() => parsePools(text)).toThrow('--pools (or BYPASS_POOLS)');
  });
});

describe('the networks of a host', () => {
  test('are parsed from one text', () => {
    expect(parseNetworks('lan=bridge:br0, nat=libvirt:default,guest=user')).toEqual([
      { name: 'lan', kind: 'bridge', target: 'br0' },
      { name: 'nat', kind: 'libvirt', target: 'default' },
      { name: 'guest', kind: 'user' },
    ]);
  });

  test.each([
    ['br0', 'of the form NAME=bridge:BRIDGE'],
    ['lan=bridge', 'of the form'],
    ['lan=bridge:', 'of the form'],
    ['lan=user:br0', 'of the form'],
    ['lan=ovs:br0', 'of the form'],
    ['lan=bridge:../br0', 'of the form'],
    ['lan=bridge:a-name-that-is-too-long', 'of the form'],
    ['-lan=bridge:br0', 'of the form'],
    ['nat=libvirt:--all', 'of the form'],
    ['a b=user', 'of the form'],
    ['a=user,a=bridge:br0', 'has the name a twice'],
  ])("are refused from the text '%s'", (text, sentence) => {
    expect(() => parseNetworks(text)).toThrow(SettingError);
    expect(() => parseNetworks(text)).toThrow(sentence);
    expect(() => parseNetworks(text)).toThrow('--networks (or BYPASS_NETWORKS)');
  });
});

describe('the hypervisor of a host', () => {
  test("is the system's libvirt, with KVM where it works, and QEMU's own network, unless settings say otherwise", () => {
    expect(hypervisorSettings(readSettings({}, {}))).toEqual({
      uri: 'qemu:///system',
      accelerator: 'auto',
      networks: [{ name: 'guest', kind: 'user' }],
    });
    const given = {
      libvirtUri: 'qemu+unix:///session?socket=/run/x',
      vmAccelerator: 'tcg',
      networks: 'a=user',
    };
    expect(hypervisorSettings(readSettings(given, {}))).toEqual({
      uri: given.libvirtUri,
      accelerator: 'tcg',
      networks: [{ name: 'a', kind: 'user' }],
    });
  });

  test.each([
    [
      { libvirtUri: 'qemu+ssh://kvm-2/system' },
      '--libvirt-uri (or BYPASS_LIBVIRT_URI) must name QEMU on this machine',
    ],
    [{ libvirtUri: '--version' }, 'must name QEMU on this machine'],
    [{ libvirtUri: 'xen:///system' }, 'must name QEMU on this machine'],
    [
      { vmAccelerator: 'KVM' },
      "--vm-accelerator (or BYPASS_VM_ACCELERATOR) must be one of auto, kvm, tcg, not 'KVM'",
    ],
  ])('is refused from %j', (given, sentence) => {
    expect(() => hypervisorSettings(readSettings(given, {}))).toThrow(SettingError);
    expect(() => hypervisorSettings(readSettings(given, {}))).toThrow(sentence);
  });
});

const read = (fileMode: string, fileOwner: string): PublishSettings =>
  publishSettings(readSettings({ fileMode, fileOwner }, {}));

describe('owner and mode of published files', () => {
  test('are those of the settings', () => {
    expect(publishSettings(readSettings({}, {}))).toEqual({ mode: 0o644 });
    expect(read('0640', '107:108')).toEqual({ mode: 0o640, owner: { uid: 107, gid: 108 } });
  });

  test.each([
    ['rw', ''],
    ['0844', ''],
    ['7777', ''],
    ['0644', 'qemu'],
    ['0644', '107'],
  ])("are refused with mode '%s' and owner '%s'", (mode, owner) => {
    expect(() => read(mode, owner)).toThrow(SettingError);
  });
});

describe('the limits of an inspection', () => {
  test('are 16 TiB and neither snapshots nor bitmaps by default', () => {
    expect(inspectionLimits(readSettings({}, {}))).toEqual({
      maxVirtualSize: 2 ** 44,
      allowSnapshots: false,
      allowBitmaps: false,
    });
    const given = readSettings(
      { maxVirtualSize: '10', allowBitmaps: 'yes' },
      { BYPASS_ALLOW_SNAPSHOTS: 'yes' },
    );
    expect(inspectionLimits(given)).toEqual({
      maxVirtualSize: 10 * 2 ** 30,
      allowSnapshots: true,
      allowBitmaps: true,
    });
  });

  test.each([{ maxVirtualSize: '0' }, { allowSnapshots: 'true' }, { allowBitmaps: '1' }])(
    '%p is refused',
    (given) => {
      expect(() => inspectionLimits(readSettings(given, {}))).toThrow(SettingError);
    },
  );
});

describe('the limits of sources', () => {
  test('have the defaults of the code when no setting is given', () => {
    expect(sourceBudgets(readSettings({}, {}))).toEqual(BUDGETS);
  });

  test('are set in seconds, each by a setting of its own', () => {
    const given = readSettings(
      { dnsTimeout: '1', connectTimeout: '2', tlsTimeout: '3', headersTimeout: '4', idleTimeout: '5' },
      { BYPASS_MINIMUM_RATE: '0', BYPASS_MINIMUM_RATE_TIME: '6', BYPASS_RETRY_AFTER_MOST: '0' },
    );
    expect(sourceBudgets(given)).toEqual({
      dnsMs: 1000,
      connectMs: 2000,
      tlsMs: 3000,
      headersMs: 4000,
      idleMs: 5000,
      minimumRate: 0,
      minimumRateMs: 6000,
      retryAfterMostMs: 0,
    });
  });

  test.each(['dnsTimeout', 'idleTimeout', 'minimumRateTime'] as const)('refuse a %s of 0', (name) => {
    expect(() => sourceBudgets(readSettings({ [name]: '0' }, {}))).toThrow(SettingError);
  });
});

test('the setting for an invite holds the token, or names a file with it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bypass-invite-'));
  const path = join(folder, 'token');
  await writeFile(path, 'the token\n');
  expect(await readInvite('')).toBeUndefined();
  expect(await readInvite('the token')).toBe('the token');
  expect(await readInvite(`@${path}`)).toBe('the token');
  await rm(folder, { recursive: true });
  await expect(readInvite(`@${path}`)).rejects.toThrow('ENOENT');
});

test.each(['databaseUrl', 'httpProxy', 'httpsProxy'] as const)(
  '%s may be in a file, and a file that cannot be read is named',
  async (name) => {
    const folder = await mkdtemp(join(tmpdir(), 'bypass-secret-'));
    const path = join(folder, 'secret');
    await writeFile(path, 'http://user:secret@proxy.example.org:3128\n');
    expect(readSettings({ [name]: `@${path}` }, {}).text(name)).toBe(
      'http://user:secret@proxy.example.org:3128',
    );
    expect(readSettings({}, { [SETTINGS[name].variable]: `@${path}` }).text(name)).toContain('secret');
    await rm(folder, { recursive: true });
    expect(() => readSettings({ [name]: `@${path}` }, {}).text(name)).toThrow(path);
  },
);

test('a flag with a secret gives a warning; a file with one, and an address without one, do not', () => {
  const warnings = exposedSecrets({
    databaseUrl: 'postgres://bypass:hunter2@db/bypass',
    httpProxy: '@/etc/bypass/proxy',
    httpsProxy: 'http://proxy.example.org:3128',
    invite: 'token',
    zone: 'amsterdam',
  });
  expect(warnings).toEqual([
    expect.stringMatching(
      /^the secret in --database-url can be read .*--database-url @file, or as BYPASS_DATABASE_URL$/,
    ),
    expect.stringMatching(/^the secret in --invite /),
  ]);
  expect(warnings.join()).not.toContain('hunter2');
});

const door = (environment: NodeJS.ProcessEnv) => doorSettings(readSettings({}, environment));

describe('the door of a host', () => {
  test('is closed, unless it has an address', () => {
    expect(door({})).toBeUndefined();
  });

  test('is reached where it listens, or where the host says', () => {
    const given = { BYPASS_PEER_LISTEN: '[fd00::7]:7443', BYPASS_PEER_RATE: '1000000' };
    const listen = { host: 'fd00::7', port: 7443 };
    expect(door(given)).toEqual({ listen, address: '[fd00::7]:7443', uploads: 4, rate: 1_000_000 });
    const named = { ...given, BYPASS_PEER_ADDRESS: 'kvm-7.example.org:443', BYPASS_PEER_UPLOADS: '2' };
    expect(door(named)).toMatchObject({ listen, address: 'kvm-7.example.org:443', uploads: 2 });
    expect(door({ BYPASS_PEER_LISTEN: '0.0.0.0:7443' })?.address).toMatch(/^(?!0\.0\.0\.0)\S+:7443$/);
  });

  test.each([
    [{ BYPASS_PEER_LISTEN: '7443' }, 'must be an address with a port'],
    [{ BYPASS_PEER_LISTEN: '10.0.0.7:0' }, 'must be an address with a port'],
    [{ BYPASS_PEER_ADDRESS: '10.0.0.7:7443' }, 'but no --peer-listen'],
    [{ BYPASS_PEER_LISTEN: '10.0.0.7:7443', BYPASS_PEER_UPLOADS: '0' }, 'from 1 on'],
  ])('is refused from %j', (environment, sentence) => {
    expect(() => door(environment)).toThrow(SettingError);
    expect(() => door(environment)).toThrow(sentence);
  });
});
