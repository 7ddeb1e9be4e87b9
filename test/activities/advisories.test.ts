/**
 * Advisories of other importers about images, checksums and names, each as a job of a host. Those about URLs are in
 * url-policy.test.ts.
 */
import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { PARTS_FOLDER } from '../../images/pools/files/part-file.ts';
import type { DownloadJob, DownloadResult } from '../../model/payloads.ts';
import type { TemplateFormat } from '../../model/states.ts';
import { selfSigned } from '../support/certificates.ts';
import { patched, vmdkDescriptor } from '../support/hostile-images.ts';
import { openHostLab } from '../labs/host.ts';
import type { HostLab } from '../labs/host.ts';
import { startImageServer } from '../support/image-server.ts';
import { qcow2Image, rawDisk, sha256 } from '../support/images.ts';
import { metalink4 } from '../support/metalinks.ts';
import { zipOf } from '../support/zip.ts';

const MIB = 1_048_576;
let lab: HostLab;
beforeAll(async () => {
  lab = await openHostLab();
});
afterAll(() => lab.close());

type Download = (job: DownloadJob) => Promise<DownloadResult>;

/** What became of a job. */
async function outcome(changes: Partial<DownloadJob>, path = '/a'): Promise<Record<string, unknown>> {
  const job = await lab.job({ url: lab.server.url(path), ...changes });
  return new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') })
    .run<[DownloadJob], DownloadResult, Download>(lab.activities.transfer.download, job)
    .then(
      (result) => ({ ...result }),
      (error: Error & { readonly type?: string }) => ({ kind: error.type, message: error.message }),
    );
}

const withBackingFile = (name: string): Buffer =>
  patched(qcow2Image({ backingOffset: 512n, backingSize: name.length }), (image) => image.write(name, 512));
const dataFile = qcow2Image({
  incompatible: 4n,
  extensions: [{ type: 0x44415441, data: Buffer.from('/etc/passwd') }],
});

test.each<[string, Buffer, TemplateFormat, RegExp]>([
  [
    'CVE-2024-50386, CVE-2024-45219 (CloudStack), CVE-2015-5163, CVE-2015-1850, CVE-2015-1851 (OpenStack): a backing file',
    withBackingFile('/etc/passwd'),
    'QCOW2',
    /backing file/,
  ],
  ['CVE-2024-32498 (OpenStack): an external data file', dataFile, 'QCOW2', /external data file/],
  [
    'CVE-2024-4467 (QEMU): a json: file name, which no program gets to see',
    withBackingFile('json:{"driver":"file","filename":"/etc/passwd"}'),
    'QCOW2',
    /backing file/,
  ],
  [
    'CVE-2022-47951 (OpenStack): a VMDK whose extent is a file of the host',
    Buffer.concat([Buffer.from(vmdkDescriptor('RW 100 FLAT "/etc/shadow" 0')), Buffer.alloc(4096)]),
    'RAW',
    /VMDK/,
  ],
  [
    'CVE-2024-40767 (Nova), CVE-2024-44082 (Ironic), CVE-2026-24708 (Nova): a qcow2 that is declared raw',
    withBackingFile('/etc/passwd'),
    'RAW',
    /QCOW2|qcow2/,
  ],
  [
    'CVE-2015-5162, CVE-2013-2096, CVE-2013-4463, CVE-2013-4469 (OpenStack): a disk so large that looking at it takes for ever',
    qcow2Image({ virtualSize: 1n << 60n, l1Size: 0x7f_ff_ff }),
    'QCOW2',
    /virtual size|L1|table/,
  ],
])('%s', async (_advisory, body, format, reason) => {
  lab.server.serve('/a', { body });
  const { kind, message } = await outcome({ format });
  expect({ kind, message }).toEqual({
    kind: expect.stringMatching(/^(?:Image|Format|NotAnImage|Hostile|Virtual|Unsupported)/) as string,
    message: expect.stringMatching(reason) as string,
  });
  expect(await lab.published()).toEqual([]);
  expect(await lab.parts()).toEqual([]);
});

test('CVE-2024-47211 (Ironic), CVE-2021-22922 (curl), CVE-2026-33542 (Incus): content is verified before it is anything, and not kept when it is wrong', async () => {
  lab.server.serve('/a', { body: withBackingFile('/etc/passwd') });
  const checksum = `{SHA-256}${sha256(rawDisk(4096))}`;
  expect(await outcome({ format: 'QCOW2', checksum })).toMatchObject({ kind: 'ChecksumMismatch' });
  expect([...(await lab.published()), ...(await lab.parts())]).toEqual([]);
});

test('CVE-2026-25077 (CloudStack), CVE-2010-1512 (aria2): no name of a URL, a header or a metalink becomes a path', async () => {
  const body = rawDisk(4096);
  const headers = { 'content-disposition': 'attachment; filename="../../$(reboot)"' };
  lab.server.serve('/-o$(reboot);x', { body, headers });
  const metalink = metalink4([lab.server.url('/-o$(reboot);x')]).toString('utf8');
  lab.server.serve('/m.metalink', {
    body: Buffer.from(metalink.replace('"disk"', '"../../../etc/cron.d/x"')),
  });
  for (const path of ['/-o$(reboot);x', '/m.metalink']) {
    const mirrors =
      path === '/m.metalink'
        ? [{ url: lab.server.url('/-o$(reboot);x'), priority: 1, size: 4096, ranges: true }]
        : [];
    const found = await outcome({ mirrors }, path);
    expect(found['installPath']).toMatch(/^[0-9a-f-]{36}$/);
  }
  expect((await lab.published()).every((name) => /^[0-9a-f-]{36}$/.test(name))).toBe(true);
});

test('CVE-2015-5286 (Glance): no more bytes are taken than there is room reserved for', async () => {
  lab.server.serve('/a', { body: rawDisk(8192) });
  expect(await outcome({ size: 4096 })).toMatchObject({ kind: 'SizeMismatch' });
  expect(await lab.parts()).toEqual([]);
});

test.each([
  ['a link', 0o120777, '/etc/passwd', 'disk'],
  ['a file with a path', 0o100644, '/etc/passwd', '../../etc/cron.d/x'],
])(
  'CVE-2026-23954, CVE-2026-48749, CVE-2026-48752, CVE-2026-63125, CVE-2026-63343 (Incus): %s in an archive reaches no file',
  async (_what, mode, text, name) => {
    lab.server.serve('/a', { body: zipOf([{ name, mode, bytes: Buffer.from(text) }]) });
    const { kind, message } = await outcome({});
    expect({ kind, message }).toEqual({
      kind: expect.stringMatching(/Archive|Image|Format/) as string,
      message: expect.stringMatching(/zip/) as string,
    });
    expect(await lab.parts()).toEqual([]);
  },
);

test.each([
  ['CVE-2026-48769 (Incus), CVE-2024-3727 (containers/image): a digest is no path', { checksum: '../../x' }],
  ['CVE-2014-9493 (Glance): file: is no source', { url: 'file:///etc/passwd' }],
  ['CVE-2015-1195 (Glance): nor is filesystem:', { url: 'filesystem:///etc/passwd' }],
  ['CVE-2026-47359 (CloudStack): no words reach the options of a mount', { url: 'nfs://h/a?version=3,suid' }],
  ['CVE-2026-50112 (CloudStack): nor a shell', { url: 'nfs://h/$(id)' }],
] as const)('%s', async (_advisory, changes) => {
  expect(await outcome(changes)).toMatchObject({ kind: 'Unsupported' });
});

test('CVE-2025-59352, CVE-2025-59354 (Dragonfly): bytes that somebody else may have written are verified before they are anything', async () => {
  const body = rawDisk(4 * MIB);
  const ids = { copyId: randomUUID(), templateId: randomUUID(), checksum: `{SHA-256}${sha256(body)}` };
  lab.server.serve('/partly', (n) => (n === 0 ? { body, cutAfter: 2 * MIB } : { status: 500 }));
  expect(await outcome(ids, '/partly')).toMatchObject({ kind: 'ServerError' });
  const part = (await lab.parts()).find((name) => name.endsWith('.part')) ?? '';
  const file = await open(join(lab.root, PARTS_FOLDER, part), 'r+');
  await file.write(Buffer.from('not what the origin has'), 0, 23, 1000);
  await file.close();
  const before = await lab.published();
  lab.server.serve('/partly', { body });
  expect(await outcome(ids, '/partly')).toMatchObject({ kind: 'ChecksumMismatch' });
  expect(await lab.published()).toEqual(before);
  expect(await outcome(ids, '/partly')).toMatchObject({ sha256: sha256(body) });
});

test('CDI #678: nothing turns the verification of certificates off, not even what does it in Node', async () => {
  const server = await startImageServer(selfSigned());
  server.serve('/a', { body: rawDisk(4096) });
  const variable = 'NODE_TLS_REJECT_UNAUTHORIZED';
  const before = process.env[variable];
  process.env[variable] = '0';
  try {
    expect(await outcome({ url: server.url('/a') })).toMatchObject({
      kind: expect.stringMatching(/^Tls/) as string,
      message: expect.stringContaining('self-signed') as string,
    });
    expect(server.seen('/a').requests).toHaveLength(0);
  } finally {
    if (before === undefined) delete process.env[variable];
    else process.env[variable] = before;
    await server.close();
  }
});
