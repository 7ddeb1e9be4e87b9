/**
 * Certificates from the API to the disks of real host workers: some Up, one Down meanwhile, one that joins later; and
 * what the hosts then can fetch.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { createCallLimit } from '../../api/call-limit.ts';
import { buildServer } from '../../api/server.ts';
import { createSessionMemory } from '../../api/session-memory.ts';
import { createSharedAnswers } from '../../api/shared-answers.ts';
import { createClient } from '../../cli/client.ts';
import type { ApiClient } from '../../cli/client.ts';
import { createUser } from '../../db/accounts.ts';
import { recordInvite } from '../../db/invites.ts';
import { keystoreWorkflowId } from '../../model/names.ts';
import { createInvite } from '../../trust/invite.ts';
import { loadOrCreateIdentity } from '../../trust/identity.ts';
import { openKeystore } from '../../trust/keystore.ts';
import { runHost } from '../../workers/host.ts';
import { readSettings } from '../../workers/settings.ts';
import { createAuthority } from '../support/authority.ts';
import { ensureBuilt } from '../support/built.ts';
import { openControlLab } from '../support/control-lab.ts';
import type { ControlLab } from '../support/control-lab.ts';
import { startImageServer } from '../support/image-server.ts';
import type { ImageServer } from '../support/image-server.ts';
import { rawDisk } from '../support/images.ts';
import { LOOPBACK_SETTING } from '../support/loopback.ts';
import { readableText } from '../support/readable.ts';
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
interface RunningHost {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  log(): string;
  stop(): Promise<void>;
}

const MIB = 1_048_576;
const root = createAuthority('ECDSA', { name: 'Mirror CA' });
const { key, cert } = root.issue({ name: 'localhost' });
const visitor = root.issue({ name: 'the zone', names: [] });

let lab: ControlLab;
let api: ApiClient;
let server: ReturnType<typeof buildServer>;
let mirror: ImageServer;
/** Demands a client certificate. */
let closedMirror: ImageServer;
let folder: string;
const running: RunningHost[] = [];

beforeAll(async () => {
  // Downloads run in a thread, which is compiled.
  await ensureBuilt();
  lab = await openControlLab();
  mirror = await startImageServer({ key, cert });
  closedMirror = await startImageServer({
    key,
    cert,
    requestCert: true,
    rejectUnauthorized: true,
    ca: root.cert,
  });
  folder = await mkdtemp(join(tmpdir(), 'bypass-certificates-'));
  server = buildServer({
    db: lab.db,
    masterKey: lab.masterKey,
    orchestration: lab.orchestration,
    now: () => new Date(),
    calls: createCallLimit(0, 1000),
    logins: createCallLimit(10, 60_000),
    sessionIdle: 1800,
    ready: () => Promise.resolve(true),
    sessions: createSessionMemory(),
    answers: createSharedAnswers(),
    installation: { version: '0', temporalUiUrl: '', temporalNamespace: 'default' },
  });
  await server.listen({ port: 0, host: '127.0.0.1' });
  const user = await createUser(
    lab.db,
    lab.masterKey,
    { username: 'operator', password: 'a password' },
    'admin',
  );
  const { port } = server.server.address() as AddressInfo;
  api = createClient({ url: `http://127.0.0.1:${port}/client/api`, ...user, origin: 'the test' });
});
afterAll(async () => {
  await Promise.all(running.splice(0).map((host) => host.stop()));
  await server.close();
  await mirror.close();
  await closedMirror.close();
  await lab.close();
  await rm(folder, { recursive: true });
});

/** Resolves when it has joined. */
async function startHost(name: string): Promise<RunningHost> {
  const state = join(folder, name);
  await mkdir(join(state, 'pool'), { recursive: true });
  const invite = createInvite();
  await recordInvite(lab.db, { id: invite.id, secretHash: invite.secretHash, expiresHours: 1 });
  const stop = new AbortController();
  const lines: string[] = [];
  const settings = readSettings(
    {
      temporalAddress: lab.temporal.address,
      temporalNamespace: lab.temporal.namespace,
      stateDir: state,
      pools: `${name}=Filesystem:HOST:${join(state, 'pool')}`,
      hostName: name,
      zone: 'zone-1',
      cluster: 'cluster-1',
      invite: invite.token,
      urlAllow: LOOPBACK_SETTING,
    },
    {},
  );
  const logger = pino({ level: 'info' }, { write: (line) => void lines.push(line) });
  const ended = runHost({ settings, logger, stop: once(stop.signal, 'abort') });
  ended.catch((error: unknown) => void lines.push(String(error)));
  const { hostId } = await until('the identity', () => loadOrCreateIdentity(state).catch(() => undefined));
  const host: RunningHost = {
    id: hostId,
    name,
    state,
    log: () => lines.join(''),
    async stop() {
      stop.abort();
      await ended;
    },
  };
  running.push(host);
  await until(`${name} joins`, () => lines.join('').includes('joined: '));
  await setUp(host, true);
  return host;
}

const setUp = async ({ id }: RunningHost, up: boolean): Promise<void> => {
  const seen = new Date(Date.now() + (up ? 1 : -1) * 3_600_000);
  await lab.db.updateTable('host').set({ last_seen: seen }).where('uuid', '=', id).execute();
};

async function stopHost(host: RunningHost): Promise<void> {
  running.splice(running.indexOf(host), 1);
  await host.stop();
  await setUp(host, false);
}

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
  const answer = await api.call<Record<string, CertificateAnswer>>(
    'uploadTemplateDirectDownloadCertificate',
    given,
  );
  return answer['uploadtemplatedirectdownloadcertificate'] as CertificateAnswer;
}

const revoke = (parameters: Readonly<Record<string, string>>): Promise<readonly HostStatus[]> =>
  api
    .call<Record<string, readonly HostStatus[]>>('revokeTemplateDirectDownloadCertificate', {
      zoneid: lab.zoneId,
      ...parameters,
    })
    .then((answer) => answer['directdownloadcertificatehoststatus'] ?? []);

const told = (hosts: readonly HostStatus[]): Readonly<Record<string, string>> =>
  Object.fromEntries(hosts.map(({ hostname, status }) => [hostname, status]));

/** Why a registration was refused, or that it was not. */
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

test('every host gets it, or loses it, also one that was Down and one that joins later', async () => {
  const [one, two, three] = [await startHost('one'), await startHost('two'), await startHost('three')];
  expect(await registered(mirror)).toMatch(/uploadTemplateDirectDownloadCertificate/);

  await stopHost(three);
  const made = await upload();
  expect(made).toMatchObject({ alias: 'mirror', subject: 'CN=Mirror CA' });
  expect(told(made.hostsmap)).toEqual({ one: 'UPLOADED', two: 'UPLOADED', three: 'FAILED' });
  expect(made.hostsmap.find(({ hostname }) => hostname === 'three')?.details).toMatch(
    /is Down; it gets it by itself/,
  );
  expect(await inDatabase(one)).toEqual({ revoked: false, error_str: null });
  // Never from hope.
  expect(await inDatabase(three)).toBeUndefined();
  expect((await stat(join(one.state, 'certificates.p12'))).mode & 0o777).toBe(0o600);
  expect((await stat(join(one.state, 'certificates.password'))).mode & 0o777).toBe(0o600);
  expect(await registered(mirror)).toBe('active');

  const back = await startHost('three');
  expect(await aliasesOf(back)).toEqual(['mirror']);
  expect(await inDatabase(back)).toEqual({ revoked: false, error_str: null });
  const late = await startHost('four');
  expect(await aliasesOf(late)).toEqual(['mirror']);

  // The one that joined later downloads with it.
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

  await stopHost(two);
  const revoked = await revoke({ name: 'mirror', hypervisor: 'KVM' });
  expect(told(revoked)).toEqual({ one: 'REVOKED', two: 'FAILED', three: 'REVOKED', four: 'REVOKED' });
  expect(await aliasesOf(one)).toEqual([]);
  expect(await aliasesOf(two)).toEqual(['mirror']);
  expect(await registered(mirror)).toMatch(/uploadTemplateDirectDownloadCertificate/);
  const again = await startHost('two');
  expect(await aliasesOf(again)).toEqual([]);
  expect(await inDatabase(again)).toEqual({ revoked: true, error_str: null });

  const provisioned = await api.call<Record<string, HostStatus>>(
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
  await api.call('deleteTemplateDirectDownloadCertificate', { id: made.id });
  expect(await aliasesOf(one)).toEqual([]);
  expect(await api.call('listTemplateDirectDownloadCertificates', {})).toEqual({});
});

test('a keystore that was damaged is reported, and made anew before the next download', async () => {
  const [host] = running;
  if (host === undefined) throw new Error('no host runs');
  const made = await upload();
  await writeFile(join(host.state, 'certificates.p12'), 'no keystore');
  const upkeep = await lab.startUpkeep();
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
    await upkeep.terminate();
  }
  await api.call('deleteTemplateDirectDownloadCertificate', { id: made.id });
});

test('a mirror that demands a client certificate; its key is nowhere in plain text', async () => {
  for (const host of running) await setUp(host, true);
  const plain = await upload({ name: 'ca' });
  expect(await registered(closedMirror)).toMatch(/client certificate.*clientcertificate and privatekey/);
  await api.call('deleteTemplateDirectDownloadCertificate', { id: plain.id });
  const made = await upload({ name: 'mutual', clientcertificate: visitor.cert, privatekey: visitor.key });
  expect(Object.values(told(made.hostsmap))).toEqual(running.map(() => 'UPLOADED'));
  expect(await registered(closedMirror)).toBe('active');

  const secret = visitor.key.split('\n')[1] ?? '';
  const bytes = Buffer.from(visitor.key.replace(/-----.*-----|\n/g, ''), 'base64');
  const row = await lab.db.selectFrom('direct_download_certificate').selectAll().executeTakeFirstOrThrow();
  const events = await lab.db.selectFrom('event').selectAll().execute();
  const listed = await api.call('listTemplateDirectDownloadCertificates', { listhosts: true });
  const histories = await Promise.all(
    running.map(({ id }) => lab.temporal.client.workflow.getHandle(keystoreWorkflowId(id)).fetchHistory()),
  );
  const texts = [
    JSON.stringify([row, events, listed]),
    readableText(histories),
    ...running.map((host) => host.log()),
  ];
  for (const text of texts) expect(text).not.toContain(secret);
  for (const { state } of running) {
    expect((await readFile(join(state, 'certificates.p12'))).includes(bytes)).toBe(false);
  }
  await api.call('deleteTemplateDirectDownloadCertificate', { id: made.id });
});
