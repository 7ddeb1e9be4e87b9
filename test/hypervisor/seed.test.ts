import { randomUUID } from 'node:crypto';
import { seedFiles } from '../../hypervisor/seed.ts';
import type { Seed } from '../../hypervisor/seed.ts';

const instanceId = randomUUID();
const base: Seed = {
  seed: { instanceId, hostName: 'web1', publicKeys: [] },
  nics: [{ nicId: randomUUID(), mac: '02:00:00:00:00:01', network: 'guest' }],
};
const nic = { nicId: randomUUID(), mac: '02:00:00:00:00:02', network: 'lan' };

const network = (nics: Seed['nics']): unknown =>
  JSON.parse(String(seedFiles({ ...base, nics })['network-config'] ?? 'null'));

test('a seed has both files that cloud-init needs, the user data empty where there are none', () => {
  const files = seedFiles(base);
  expect(Object.keys(files)).toEqual(['meta-data', 'user-data']);
  expect(JSON.parse(String(files['meta-data']))).toEqual({
    'instance-id': instanceId,
    'local-hostname': 'web1',
  });
  expect(files['user-data']).toHaveLength(0);
});

test('user data are the bytes that were given, in either alphabet of base64', () => {
  const bytes = Buffer.from([0xfb, 0xff, 0xfe, 0x00, 0x3e, 0x3f]);
  for (const userData of [bytes.toString('base64'), bytes.toString('base64url')]) {
    expect(seedFiles({ ...base, secrets: { userData, vncPassword: '' } })['user-data']).toEqual(bytes);
  }
});

test('values of variables of the user data are metadata, beside what cloud-init needs itself', () => {
  const userDataDetails = { site: 'a"\n}: b', 'instance-id': 'evil' };
  const files = seedFiles({ ...base, secrets: { userDataDetails, vncPassword: '' } });
  expect(JSON.parse(String(files['meta-data']))).toEqual({
    site: 'a"\n}: b',
    'instance-id': instanceId,
    'local-hostname': 'web1',
  });
});

test('a key cannot leave its place, whatever is in it', () => {
  const publicKeys = ['ssh-rsa A\nlocal-hostname: evil', '"}, {"'];
  const meta = JSON.parse(
    String(seedFiles({ ...base, seed: { ...base.seed, publicKeys } })['meta-data']),
  ) as object;
  expect(meta).toEqual({ 'instance-id': instanceId, 'local-hostname': 'web1', 'public-keys': publicKeys });
});

test('addresses that a user gave are configured; other network cards ask by DHCP', () => {
  expect(network(base.nics)).toBeNull();
  const addressed = { ...nic, address: '10.1.0.5', netmask: '255.255.254.0', gateway: '10.1.0.1' };
  expect(network([...base.nics, { ...addressed, address6: 'fd00::5' }])).toEqual({
    version: 2,
    ethernets: {
      nic0: { match: { macaddress: '02:00:00:00:00:01' }, dhcp4: true },
      nic1: {
        match: { macaddress: '02:00:00:00:00:02' },
        addresses: ['10.1.0.5/23', 'fd00::5/64'],
        gateway4: '10.1.0.1',
      },
    },
  });
});

test.each([undefined, '255.0.255.0', 'nonsense', '255.255.255.256'])(
  'an address with the netmask %s is left to DHCP',
  (netmask) => {
    const given = { ...nic, address: '10.1.0.5', ...(netmask === undefined ? {} : { netmask }) };
    expect(network([given])).toBeNull();
  },
);
