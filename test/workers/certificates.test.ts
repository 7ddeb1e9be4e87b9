/**
 * Certificates from the API to the disks of real host workers: some Up, one Down meanwhile, one that joins later; and
 * what the hosts then can fetch.
 */
import { randomUUID } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { keystoreWorkflowId } from '../../model/names.ts';
import { openKeystore } from '../../trust/keystore.ts';
import { createAuthority } from '../support/authority.ts';
import { openControlLab } from '../labs/control.ts';
import type { ControlLab } from '../labs/control.ts';
import { startImageServer } from '../support/image-server.ts';
import type { ImageServer } from '../support/image-server.ts';
import { rawDisk } from '../support/images.ts';
import { isFullRun } from '../support/programs.ts';
import { searchableText } from '../support/searchable-text.ts';
import { openRealHosts } from '../support/real-hosts.ts';
import type { RealHosts, RunningHost } from '../support/real-hosts.ts';
import { until } from '../support/until.ts';

interface HostStatus {
  readonly hostid: string;
  readonly hostname: string;
  readonly status: string;
  readonly details?: string;
}
interface CertificateAnswer {
  readonly id: string;
  readonly alias: string;
  readonly subject: string;
  readonly hostsmap: readonly HostStatus[];
}
const MIB = 1_048_576;
const root = createAuthority('ECDSA', { name: 'Mirror CA' });
const { key, cert } = root.issue({ name: 'localhost' });
const visitor = root.issue({ name: 'the zone', names: [] });

let lab: ControlLab;
let hosts: RealHosts;
let mirror: ImageServer;
/** A mirror that demands a client certificate. */
let closedMirror: ImageServer;

beforeAll(async () => {
  lab = await openControlLab();
  hosts = await openRealHosts(lab);
  mirror = await startImageServer({ key, cert });
  closedMirror = await startImageServer({
    key,
    cert,
    requestCert: true,
    rejectUnauthorized: true,
    ca: root.cert,
  });
});
afterAll(async () => {
  await hosts.close();
  await mirror.close();
  await closedMirror.close();
  await lab.close();
});

const aliasesOf = async ({ state }: RunningHost): Promise<readonly string[]> =>
  (await openKeystore(state).read()).entries.map(({ alias }) => alias);

async function upload(parameters: Readonly<Record<string, string>> = {}): Promise<CertificateAnswer> {
  const given = {
    name: 'mirror',
    certificate: root.cert,
    hypervisor: 'KVM',
    zoneid: lab.zoneId,
    ...parameters,
  };
  const answer = await hosts.api.call<Record<string, CertificateAnswer>>(
    'uploadTemplateDirectDownloadCertificate',
    given,
  );
  return answer['uploadtemplatedirectdownloadcertificate'] as CertificateAnswer;
}

const revoke = (parameters: Readonly<Record<string, string>>): Promise<readonly HostStatus[]> =>
  hosts.api
    .call<Record<string, readonly HostStatus[]>>('revokeTemplateDirectDownloadCertificate', {
      zoneid: lab.zoneId,
      ...parameters,
    })
    .then((answer) => answer['directdownloadcertificatehoststatus'] ?? []);

const statusByHost = (statuses: readonly HostStatus[]): Readonly<Record<string, string>> =>
  Object.fromEntries(statuses.map(({ hostname, status }) => [hostname, status]));

/** Registers an image. @returns why the registration was refused, or a text that says it was not */
async function registered(from: ImageServer, path = `/${randomUUID()}`): Promise<string> {
  from.serve(path, { body: rawDisk(MIB) });
  const url = from.url(path).replace('127.0.0.1', 'localhost');
  const outcome = await lab.orchestration.register(lab.registration({ url, format: 'RAW' }), 20_000);
  return outcome.outcome === 'refused' ? outcome.refusal.message : outcome.outcome;
}

const inDatabase = async (host: RunningHost) =>
  lab.db
    .selectFrom('direct_download_certificate_host_map')
    .innerJoin('host', 'host.id', 'host_id')
    .where('host.uuid', '=', host.id)
    .select(['revoked', 'error_str'])
    .executeTakeFirst();

test('every host gets a certificate, or loses it, also one that was Down and one that joins later', async () => {
  const [one, two, three] = [await hosts.start('one'), await hosts.start('two'), await hosts.start('three')];
  expect(await registered(mirror)).toMatch(/uploadTemplateDirectDownloadCertificate/);

  await hosts.stop(three);
  const made = await upload();
  expect(made).toMatchObject({ alias: 'mirror', subject: 'CN=Mirror CA' });
  expect(statusByHost(made.hostsmap)).toEqual({ one: 'UPLOADED', two: 'UPLOADED', three: 'FAILED' });
  expect(made.hostsmap.find(({ hostname }) => hostname === 'three')?.details).toMatch(
    /is Down; it gets it by itself/,
  );
  expect(await inDatabase(one)).toEqual({ revoked: false, error_str: null });
  // The map shows only what hosts have read back.
  expect(await inDatabase(three)).toBeUndefined();
  expect((await stat(join(one.state, 'certificates.p12'))).mode & 0o777).toBe(0o600);
  expect((await stat(join(one.state, 'certificates.password'))).mode & 0o777).toBe(0o600);
  expect(await registered(mirror)).toBe('active');

  const back = await hosts.start('three');
  expect(await aliasesOf(back)).toEqual(['mirror']);
  expect(await inDatabase(back)).toEqual({ revoked: false, error_str: null });
  const late = await hosts.start('four');
  expect(await aliasesOf(late)).toEqual(['mirror']);

  // The host that joined later downloads with the certificate.
  mirror.serve('/image', { body: rawDisk(MIB) });
  const input = lab.registration({
    url: mirror.url('/image').replace('127.0.0.1', 'localhost'),
    format: 'RAW',
  });
  expect(await lab.orchestration.register(input, 20_000)).toEqual({ outcome: 'active' });
  const pools = await lab.db.selectFrom('storage_pool').select(['uuid', 'name']).execute();
  const poolId = pools.find(({ name }) => name === 'four')?.uuid ?? '';
  const job = await lab.finished(await lab.prepare({ templateId: input.templateId, poolId }));
  expect(job).toMatchObject({ job_status: 1 });

  await hosts.stop(two);
  const revoked = await revoke({ name: 'mirror', hypervisor: 'KVM' });
  expect(statusByHost(revoked)).toEqual({ one: 'REVOKED', two: 'FAILED', three: 'REVOKED', four: 'REVOKED' });
  expect(await aliasesOf(one)).toEqual([]);
  expect(await aliasesOf(two)).toEqual(['mirror']);
  expect(await registered(mirror)).toMatch(/uploadTemplateDirectDownloadCertificate/);
  const again = await hosts.start('two');
  expect(await aliasesOf(again)).toEqual([]);
  expect(await inDatabase(again)).toEqual({ revoked: true, error_str: null });

  const provisioned = await hosts.api.call<Record<string, HostStatus>>(
    'provisionTemplateDirectDownloadCertificate',
    {
      id: made.id,
      hostid: one.id,
    },
  );
  expect(provisioned['directdownloadcertificatehoststatus']).toMatchObject({
    hostname: 'one',
    status: 'UPLOADED',
  });
  expect(await aliasesOf(one)).toEqual(['mirror']);
  expect(await aliasesOf(late)).toEqual([]);

  await expect(upload()).rejects.toThrow(/alias mirror has been already created/);
  await hosts.api.call('deleteTemplateDirectDownloadCertificate', { id: made.id });
  expect(await aliasesOf(one)).toEqual([]);
  expect(await hosts.api.call('listTemplateDirectDownloadCertificates', {})).toEqual({});
});

if (isFullRun)
  test('a damaged keystore is reported, and rebuilt before the next download', async () => {
    const [host] = hosts.running;
    if (host === undefined) throw new Error('no host runs');
    const made = await upload();
    await writeFile(join(host.state, 'certificates.p12'), 'no keystore');
    await lab.startUpkeep();
    try {
      await until('it is made anew', async () => {
        const aliases = await aliasesOf(host).catch((): readonly string[] => []);
        return aliases.includes('mirror');
      });
      const events = await until('an event tells it', async () => {
        const found = await lab.db
          .selectFrom('event')
          .where('type', '=', 'HOST.KEYSTORE')
          .selectAll()
          .execute();
        return found.length > 0 ? found : undefined;
      });
      expect(events[0]?.description).toMatch(
        /damaged, and made anew: the keystore .*certificates\.p12 cannot be used/,
      );
    } finally {
      await lab.endUpkeep();
    }
    await hosts.api.call('deleteTemplateDirectDownloadCertificate', { id: made.id });
  });

if (isFullRun)
  test('a mirror that demands a client certificate gets it, and its key is nowhere in plain text', async () => {
    for (const host of hosts.running) await hosts.seen(host);
    const plain = await upload({ name: 'ca' });
    expect(await registered(closedMirror)).toMatch(/client certificate.*clientcertificate and privatekey/);
    await hosts.api.call('deleteTemplateDirectDownloadCertificate', { id: plain.id });
    const made = await upload({ name: 'mutual', clientcertificate: visitor.cert, privatekey: visitor.key });
    expect(Object.values(statusByHost(made.hostsmap))).toEqual(hosts.running.map(() => 'UPLOADED'));
    expect(await registered(closedMirror)).toBe('active');

    const secret = visitor.key.split('\n')[1] ?? '';
    const bytes = Buffer.from(visitor.key.replace(/-----.*-----|\n/g, ''), 'base64');
    const row = await lab.db.selectFrom('direct_download_certificate').selectAll().executeTakeFirstOrThrow();
    const events = await lab.db.selectFrom('event').selectAll().execute();
    const listed = await hosts.api.call('listTemplateDirectDownloadCertificates', { listhosts: true });
    const histories = await Promise.all(
      hosts.running.map(({ id }) =>
        lab.temporal.client.workflow.getHandle(keystoreWorkflowId(id)).fetchHistory(),
      ),
    );
    const texts = [
      JSON.stringify([row, events, listed]),
      searchableText(histories),
      ...hosts.running.map((host) => host.log()),
    ];
    for (const text of texts) expect(text).not.toContain(secret);
    for (const { state } of hosts.running) {
      expect((await readFile(join(state, 'certificates.p12'))).includes(bytes)).toBe(false);
    }
    await hosts.api.call('deleteTemplateDirectDownloadCertificate', { id: made.id });
  });
