import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trialXml } from '../../hypervisor/accelerator.ts';
import { cdromXml } from '../../hypervisor/domain-drives.ts';
import type { DomainPlan } from '../../hypervisor/domain-plan.ts';
import { domainXml } from '../../hypervisor/domain-xml.ts';
import type { Element } from '@xmldom/xmldom';
import { node, parseXml, toXml } from '../../hypervisor/xml.ts';
import { findProgram } from '../support/programs.ts';

const id = (digit: number): string => `${String(digit).repeat(8)}-0000-4000-8000-${'0'.repeat(12)}`;

const plan: DomainPlan = {
  vmId: id(1),
  hostId: id(7),
  instanceName: 'i-2-1-VM',
  zoneId: id(2),
  accountId: id(3),
  poolId: id(4),
  accelerator: 'kvm',
  cpus: 2,
  memory: 1024,
  bootFromIso: false,
  details: {},
  disk: {
    volumeId: id(5),
    path: `/pool/${id(5)}`,
    cache: 'none',
    backing: { path: `/pool/${id(6)}`, format: 'qcow2' },
  },
  seed: `/vms/seeds/${id(1)}.iso`,
  nics: [{ mac: '02:00:00:00:00:01', connection: { kind: 'bridge', bridge: 'br0', openvswitch: false } }],
  consoleLog: `/vms/consoles/${id(1)}.log`,
  firmwareVariables: `/pool/${id(5)}.nvram`,
  vncPassword: 'hunter22',
};

const { backing: _backing, ...emptyDisk } = plan.disk;
const iso = `/pool/${id(8)}`;

const OPTIONS: Readonly<Record<string, Partial<DomainPlan>>> = {
  'the usual': {},
  'emulated by QEMU': { accelerator: 'tcg' },
  'on a raw image': { disk: { ...plan.disk, backing: { path: `/pool/${id(6)}`, format: 'raw' } } },
  'from an ISO': { disk: emptyDisk, iso, bootFromIso: true },
  UEFI: { uefi: 'LEGACY', iso },
  'UEFI with Secure Boot': { uefi: 'SECURE' },
  'with a weight and a limit of processor time': { cpuShares: 100, cpuQuota: 50_000 },
  'with a cache': { disk: { ...plan.disk, cache: 'writeback' } },
  'with all kinds of networks': {
    nics: [
      { mac: '02:00:00:00:00:01', connection: { kind: 'user' }, rate: 100 },
      { mac: '02:00:00:00:00:02', connection: { kind: 'libvirt', network: 'default' }, rate: 200 },
      {
        mac: '02:00:00:00:00:03',
        connection: { kind: 'bridge', bridge: 'ovs0', openvswitch: true, vlan: 42 },
      },
      {
        mac: '02:00:00:00:00:04',
        connection: { kind: 'bridge', bridge: 'br0', openvswitch: false, vlan: 7 },
      },
    ],
  },
  'without a network': { nics: [] },
  'with details': {
    details: { rootDiskController: 'scsi', nicAdapter: 'E1000', 'video.hardware': 'cirrus', keyboard: 'uk' },
  },
  'with an IDE disk': { details: { rootDiskController: 'ide' } },
  'with an IDE disk, on UEFI, which has SATA': { uefi: 'LEGACY', details: { rootDiskController: 'ide' } },
};

const cases = Object.entries(OPTIONS).map(
  ([name, changes]) => [name, domainXml({ ...plan, ...changes })] as const,
);
const inLines = (xml: string): string => xml.replaceAll('><', '>\n<');

test.each(cases)('the XML of a machine: %s', (_name, xml) => {
  expect(inLines(xml)).toMatchSnapshot();
});

const validating = findProgram('virt-xml-validate') === undefined ? describe.skip : describe;
validating("libvirt's schema", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bypass-xml-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each(cases)('accepts the XML of a machine: %s', async (_name, xml) => {
    const path = join(folder, 'domain.xml');
    await writeFile(path, xml);
    const { status, stderr } = spawnSync('virt-xml-validate', [path, 'domain'], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: `${path} validates\n` });
  });
});

test('every backing chain ends explicitly, and libvirt leaves the owner of published images alone', () => {
  const chains = cases.map(([, xml]) => {
    const document = parseXml(xml);
    const disks = [...document.getElementsByTagName('disk')];
    const labelled = [...document.getElementsByTagName('seclabel')].map((label) =>
      (label.parentNode as Element | null)?.getAttribute('file'),
    );
    return {
      formats: disks.every((disk) => disk.getElementsByTagName('driver')[0]?.hasAttribute('type')),
      ends: disks
        .filter((disk) => disk.getElementsByTagName('source').length > 0)
        .every((disk) => [...disk.getElementsByTagName('backingStore')].at(-1)?.childNodes.length === 0),
      // Only published images, which are named by copies, and each of them.
      labelled: labelled.every((path) => path === `/pool/${id(6)}` || path === iso),
      published: labelled.length === xml.split(id(6)).length - 1 + (xml.split(id(8)).length - 1),
    };
  });
  expect(chains).toEqual(cases.map(() => ({ formats: true, ends: true, labelled: true, published: true })));
});

const HOSTILE = `"/><disk type='block'><source dev="/dev/sda"/></disk><!-- ]]> & '`;

test('no text becomes XML, wherever it comes from', () => {
  const details = {
    rootDiskController: HOSTILE,
    nicAdapter: HOSTILE,
    'video.hardware': HOSTILE,
    keyboard: HOSTILE,
    extraconfig: HOSTILE,
    __proto__: HOSTILE,
    constructor: HOSTILE,
  };
  const usual = domainXml(plan);
  expect(domainXml({ ...plan, details })).toBe(usual);
  const xml = domainXml({ ...plan, instanceName: HOSTILE, vncPassword: `"'<&>]]x` });
  const document = parseXml(xml);
  expect(document.getElementsByTagName('name')[0]?.textContent).toBe(HOSTILE);
  expect(document.getElementsByTagName('graphics')[0]?.getAttribute('passwd')).toBe(`"'<&>]]x`);
  expect(document.getElementsByTagName('disk')).toHaveLength(
    parseXml(usual).getElementsByTagName('disk').length,
  );
});

test('a character that XML cannot hold is refused', () => {
  expect(() => domainXml({ ...plan, vncPassword: 'a\u0001b' })).toThrow('characters that XML cannot hold');
  expect(() => toXml(node('name', {}, 'a\u0000'))).toThrow('characters that XML cannot hold');
});

test('the password of the console has 8 characters at most, as the protocol has', () => {
  expect(domainXml({ ...plan, vncPassword: '0123456789' })).toContain('passwd="01234567"');
});

test.each([
  ['names the ISO and its label', iso],
  ['names no file for an empty drive', undefined],
])('a change of the CD-ROM %s', (_name, file) => {
  const drive = { device: 'hdc', bus: 'ide', bootOrder: 2 };
  expect(inLines(cdromXml({ ...drive, iso: file }))).toMatchSnapshot();
});

const processorOf = (xml: string): string | undefined => /<cpu .*?>/.exec(xml)?.[0];

test.each([
  ['kvm', 'kvm'],
  ['qemu', 'tcg'],
] as const)('a trial of %s has the processor that machines get', (type, accelerator) => {
  expect(processorOf(trialXml('trial', type))).toBeDefined();
  expect(processorOf(trialXml('trial', type))).toBe(processorOf(domainXml({ ...plan, accelerator })));
});
