/** The commands for certificates: what they accept and refuse, and their answers in the shape that CloudStack's clients expect. */
import { X509Certificate } from 'node:crypto';
import { createAuthority } from '../support/authority.ts';
import { addHost, openLab, poolReport } from '../labs/api.ts';
import type { Json, Lab, Parameters, TestHost } from '../labs/api.ts';

const root = createAuthority('Ed25519', { name: 'Mirror CA' });
const client = root.issue({ name: 'hosts', names: [] });

let lab: Lab;
let host: TestHost;
let disabled: TestHost;
beforeAll(async () => {
  lab = await openLab();
  host = await addHost(lab, { name: 'kvm-1', pools: [poolReport('one')] });
  await addHost(lab, { name: 'kvm-2', pools: [poolReport('two')], up: false });
  disabled = await addHost(lab, { name: 'kvm-3', pools: [poolReport('three')], state: 'Disabled' });
});
afterEach(async () => {
  for (const { id } of await listed()) await lab.admin.ok('deleteTemplateDirectDownloadCertificate', { id });
  lab.orchestration.forget();
});
afterAll(() => lab.close());

const given = (changes: Parameters = {}): Parameters => ({
  name: 'mirror',
  certificate: root.cert,
  hypervisor: 'KVM',
  zoneid: lab.zone.uuid,
  ...changes,
});
const upload = async (changes: Parameters = {}): Promise<Json> =>
  (await lab.admin.ok('uploadTemplateDirectDownloadCertificate', given(changes)))
    .uploadtemplatedirectdownloadcertificate;
const refused = async (changes: Parameters): Promise<string> => {
  const { status, inner } = await lab.admin.call('uploadTemplateDirectDownloadCertificate', given(changes));
  expect(status).toBe(431);
  return inner.errortext as string;
};
const listed = async (parameters: Parameters = {}): Promise<readonly Json[]> =>
  (await lab.admin.ok('listTemplateDirectDownloadCertificates', parameters)).directdownloadcertificate ?? [];

test('an upload is answered as CloudStack answers it, with a result for each host', async () => {
  const { validFrom, validTo, serialNumber } = new X509Certificate(root.cert);
  expect(await upload()).toMatchObject({
    alias: 'mirror',
    hypervisor: 'KVM',
    zoneid: lab.zone.uuid,
    zonename: lab.zone.name,
    version: '3',
    subject: 'CN=Mirror CA',
    issuer: 'CN=Mirror CA',
    serialnum: serialNumber,
    validity: `From: [${validFrom}] - To: [${validTo}]`,
    hostsmap: [
      { hostid: host.hostId, hostname: 'kvm-1', status: 'UPLOADED' },
      {
        hostname: 'kvm-2',
        status: 'FAILED',
        details: expect.stringMatching(/is Down; it gets it by itself/),
      },
      {
        hostname: 'kvm-3',
        status: 'SKIPPED',
        details: expect.stringMatching(/not enabled; it gets it before/),
      },
    ],
  });
  const [shown] = await listed({ listhosts: true, zoneid: lab.zone.uuid });
  expect(shown).toMatchObject({ alias: 'mirror', revoked: false, daysleft: 99, certificates: 1 });
  expect(shown.hostsmap).toHaveLength(3);
  expect((await listed())[0]).not.toHaveProperty('hostsmap');
  const [there] = await listed({ listhosts: true, hostid: host.hostId });
  expect(there.hostsmap).toEqual([{ hostid: host.hostId, hostname: 'kvm-1', status: 'UPLOADED' }]);
  expect((await lab.admin.ok('listEvents', { type: 'CERTIFICATE.UPLOAD' })).count).toBeGreaterThan(0);
});

test.each([
  ['an alias that is no DNS label', { name: 'a_b' }, /name must be a DNS label/],
  ['a reserved alias', { name: 'Cloud' }, /is 'Cloud', which is reserved/],
  ['an alias of CloudStack', { name: 'cloudca-1' }, /reserved/],
  ['another hypervisor', { hypervisor: 'VMware' }, /hypervisor/],
  ['what is no certificate', { certificate: 'nonsense' }, /certificate is not a certificate in PEM/],
  ['a private key', { certificate: root.cert + root.key }, /holds a private key/],
  ['an expired one', { certificate: createAuthority('RSA', { days: -2 }).cert }, /expired on/],
  [
    'a client certificate without its key',
    { clientcertificate: client.cert },
    /no use without its privatekey/,
  ],
  ['a key without its certificate', { privatekey: client.key }, /no use without clientcertificate/],
  ['a key of another', { clientcertificate: client.cert, privatekey: root.key }, /does not belong/],
] as const)('%s is refused, and nothing is stored', async (_name, changes, message) => {
  expect(await refused(changes)).toMatch(message);
  expect(await lab.db.selectFrom('direct_download_certificate').selectAll().execute()).toEqual([]);
  expect(lab.orchestration.asked).toEqual([]);
});

test('an alias is unique in its zone, in any case', async () => {
  await upload();
  expect(await refused({ name: 'MIRROR' })).toMatch(/alias MIRROR has been already created/);
});

test('a deleted certificate is gone, and its alias can be used again', async () => {
  const before = (await listed()).length;
  await upload();
  const made = (await listed()).find(({ alias }) => alias === 'mirror');
  await lab.admin.ok('deleteTemplateDirectDownloadCertificate', { id: made?.id });
  expect(await listed()).toHaveLength(before);
  await upload();
  expect(await listed()).toHaveLength(before + 1);
});

test('certificates of a zone that do not fit into one message are refused', async () => {
  const row = { digest: 'x', expires: new Date(), zone_id: lab.zone.id, alias: 'huge' };
  await lab.db
    .insertInto('direct_download_certificate')
    .values({ ...row, certificate: root.cert.padEnd(1_000_000) })
    .execute();
  expect(await refused({ name: 'next' })).toMatch(/too much for zone/);
});

test('a certificate is revoked for one host, provisioned again, and revoked for all hosts by its alias', async () => {
  const { id } = await upload();
  const revoke = (parameters: Parameters): Promise<Json> =>
    lab.admin.ok('revokeTemplateDirectDownloadCertificate', { zoneid: lab.zone.uuid, ...parameters });
  expect(await revoke({ id, hostid: host.hostId })).toEqual({
    count: 1,
    directdownloadcertificatehoststatus: [{ hostid: host.hostId, hostname: 'kvm-1', status: 'REVOKED' }],
  });
  expect(
    await lab.admin.ok('provisionTemplateDirectDownloadCertificate', { id, hostid: host.hostId }),
  ).toEqual({
    directdownloadcertificatehoststatus: { hostid: host.hostId, hostname: 'kvm-1', status: 'UPLOADED' },
  });
  const all = await revoke({ name: 'mirror', hypervisor: 'KVM' });
  expect(all.directdownloadcertificatehoststatus[0]).toMatchObject({ hostname: 'kvm-1', status: 'REVOKED' });
  expect((await listed())[0]).toMatchObject({ revoked: true });
  // CloudStack provisions one host by uploading again with the same alias; the certificate in this call is ignored.
  expect(await upload({ hostid: host.hostId, certificate: 'x' })).toMatchObject({
    hostsmap: [{ hostname: 'kvm-1', status: 'UPLOADED' }],
  });
  const { status, inner } = await lab.admin.call('revokeTemplateDirectDownloadCertificate', {
    zoneid: lab.zone.uuid,
    name: 'nobody',
  });
  expect([status, inner.errortext]).toEqual([431, expect.stringMatching(/no certificate of zone/)]);
});

test('a newly enabled host gets the certificates of its zone, and users see no certificates', async () => {
  await lab.admin.ok('updateHost', { id: disabled.hostId, allocationstate: 'Enable' });
  expect(lab.orchestration.of('requestKeystore')).toEqual([disabled.hostId]);
  await lab.admin.ok('updateHost', { id: disabled.hostId, allocationstate: 'Disable' });
  expect((await lab.user.call('listTemplateDirectDownloadCertificates')).status).toBe(401);
});
