/**
 * Runs every flow that has secrets, failures included; then searches everything that was written or answered for the
 * secrets.
 */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { createClient } from '../../cli/client.ts';
import type { ApiClient } from '../../cli/client.ts';
import { bypass } from '../cli/terminal.ts';
import { canaryOf, foundIn, newCanary } from '../support/canaries.ts';
import type { Canary } from '../support/canaries.ts';
import { selfSigned } from '../support/certificates.ts';
import { startImageServer } from '../support/image-server.ts';
import type { ImageServer } from '../support/image-server.ts';
import { rawDisk } from '../support/images.ts';
import { metalink4 } from '../support/metalinks.ts';
import { casesOfForm, isFullRun } from '../support/programs.ts';
import { searchableText } from '../support/searchable-text.ts';
import { until } from '../support/until.ts';
import { openEndToEnd } from '../labs/end-to-end.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';
import { needingLibvirt, openLibvirtLab } from '../labs/libvirt.ts';
import type { LibvirtLab } from '../labs/libvirt.ts';
import { openMachines } from './machines.ts';

const MIB = 1_048_576;
const HEADER = 'details[0].HTTP_HEADER:X-Token';

/** In the full form, also a virtual machine has secrets. */
const hasMachines = isFullRun && needingLibvirt() === describe;

let lab: EndToEnd;
let libvirt: LibvirtLab | undefined;
let tls: ImageServer;
const canaries: Canary[] = [];
/** What the API answers to the owner and to administrators, and nothing else holds. */
const answeredToOwners: Canary[] = [];
const plant = (canary: Canary): Canary => {
  canaries.push(canary);
  return canary;
};
/** Answers and outputs, with their origin. */
const said: (readonly [where: string, what: string])[] = [];
/** Command lines and environments of all processes of this machine during the flows. */
const seenProcesses = new Set<string>();
const sampling = new AbortController();
let sampled: Promise<void>;

const [header, user, password, token, onward] = [
  'an HTTP header',
  'a user in a URL',
  'a password in a URL',
  'a token in the query of a URL',
  'a token in the query of a redirect',
].map((name) => plant(newCanary(name))) as [Canary, Canary, Canary, Canary, Canary];

beforeAll(async () => {
  if (hasMachines) libvirt = await openLibvirtLab();
  const machines = libvirt && { BYPASS_LIBVIRT_URI: libvirt.uri, BYPASS_VM_ACCELERATOR: 'tcg' };
  lab = await openEndToEnd({
    hosts: 1,
    ownServers: true,
    env: { BYPASS_LOG_LEVEL: 'trace', ...machines },
  });
  tls = await startImageServer(selfSigned());
  sampled = sampleProcesses();
});
afterAll(async () => {
  sampling.abort();
  await sampled;
  await tls.close();
  await lab.close();
  await libvirt?.close();
});

/** Looks at each process in the first moments of its life, since it may begin with the program of another one. */
const LOOKS = 3;

async function sampleProcesses(): Promise<void> {
  let looks = new Map<string, number>();
  while (!sampling.signal.aborted) {
    // This process plants the secrets itself.
    const pids = (await readdir('/proc')).filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid);
    looks = new Map(pids.map((pid) => [pid, (looks.get(pid) ?? 0) + 1]));
    for (const pid of pids.filter((one) => (looks.get(one) ?? 0) <= LOOKS)) {
      for (const what of ['cmdline', 'environ']) {
        const text = await readFile(`/proc/${pid}/${what}`, 'latin1').catch(() => '');
        if (text !== '') seenProcesses.add(text);
      }
    }
    await sleep(200, undefined, { signal: sampling.signal }).catch(() => undefined);
  }
}

const found = (where: string, what: string | Buffer): readonly string[] =>
  foundIn(where, what, [...canaries, ...answeredToOwners]);

type Parameters = Readonly<Record<string, string | number | boolean>>;

/** Calls the API and records the answer or the error. @returns undefined for an error */
async function ask<T>(command: string, parameters: Parameters = {}, client: ApiClient = lab.stack.api) {
  const answer: unknown = await client.call<T>(command, parameters).catch((error: unknown) => error as Error);
  said.push([`the answer to ${command}`, answer instanceof Error ? answer.message : JSON.stringify(answer)]);
  return answer instanceof Error ? undefined : (answer as T);
}

let number = 0;
async function register(parameters: Parameters & { readonly url: string }): Promise<string | undefined> {
  number += 1;
  const common = { hypervisor: 'KVM', format: 'RAW', directdownload: true, name: `canary ${number}` };
  const rest = { displaytext: 'x', zoneid: lab.zoneId, ostypeid: await osType(), ...parameters };
  const answer = await ask<{ template: [{ id: string }] }>('registerTemplate', { ...common, ...rest });
  return answer?.template[0].id;
}
const osType = async (): Promise<string> =>
  (await lab.call<{ ostype: [{ id: string }] }>('listOsTypes')).ostype[0].id;

async function registered(parameters: Parameters & { readonly url: string }): Promise<string> {
  const id = await register(parameters);
  if (id === undefined) throw new Error(`not registered: ${said.at(-1)?.[1]}`);
  return id;
}

/** @returns whether the deployment succeeded */
async function deploy(id: string): Promise<boolean> {
  const job = await lab.job(await lab.prepare(id));
  said.push(['the result of a job', JSON.stringify(job)]);
  return job.jobstatus === 1;
}

/** Adds a user and a password to a URL. */
const withCredentials = (url: string): string =>
  url.replace('://', `://${encodeURIComponent(user.text)}:${encodeURIComponent(password.text)}@`);

/** Adds a token to the query of a URL, as presigned URLs have one. */
const presigned = (url: string, { text }: Canary = token): string =>
  `${url}?X-Signature=${encodeURIComponent(text)}`;

const shows = (url: string | undefined, { text }: Canary): boolean =>
  new URL(url ?? '', 'http://x').searchParams.get('X-Signature') === text;

const basic = (): string => `Basic ${Buffer.from(`${user.text}:${password.text}`).toString('base64')}`;
const flowing = (id: string) =>
  until('bytes flow', async () => {
    const [copy] = await lab.deployments({ templateid: id });
    return (copy?.bytes ?? 0) > MIB;
  });

describe('secrets are planted and used', () => {
  test('in headers and URLs, which reach their origin and are not shown', async () => {
    const needHeader = { name: 'x-token', value: header.text };
    lab.server.serve('/header', { body: rawDisk(2 * MIB), needHeader });
    lab.server.serve('/url', {
      body: rawDisk(2 * MIB),
      needHeader: { name: 'authorization', value: basic() },
    });
    const first = await registered({ url: lab.server.url('/header'), [HEADER]: header.text });
    const second = await registered({ url: withCredentials(lab.server.url('/url')) });
    expect([await deploy(first), await deploy(second)]).toEqual([true, true]);
    await ask('extractTemplate', { id: second, mode: 'HTTP_DOWNLOAD' });
    await ask('deleteTemplate', { id: second });
  });

  test('in registrations that are refused for credentials, address, form or TLS', async () => {
    lab.server.serve('/other', { body: rawDisk(MIB), needHeader: { name: 'x-token', value: 'another' } });
    const both = { [HEADER]: header.text };
    const refused = [
      { url: lab.server.url('/other'), ...both },
      { url: withCredentials(lab.server.url('/other')) },
      { url: withCredentials('http://127.0.0.1:1/nobody') },
      { url: withCredentials('http://169.254.169.254/latest'), ...both },
      { url: withCredentials('ftp://127.0.0.1/file') },
      { url: withCredentials('http://[not an address/file') },
      { url: withCredentials(tls.url('/a')), ...both },
      { url: lab.server.url('/a'), [HEADER]: `${header.text}\r\nX-Evil: 1` },
      { url: lab.server.url('/a'), 'details[0].HTTP_HEADER': header.text },
      { url: lab.server.url('/a'), 'details[0].HTTP_HEADER:Host': header.text },
      { url: lab.server.url('/header'), ...both, checksum: header.text },
      { url: presigned(lab.server.url('/gone')) },
      { url: presigned('http://127.0.0.1:1/nobody') },
      { url: presigned('http://169.254.169.254/latest') },
      { url: presigned('ftp://127.0.0.1/file') },
      { url: presigned('http://[not an address/file') },
      { url: presigned(tls.url('/a')) },
    ];
    for (const parameters of refused) expect(await register(parameters)).toBeUndefined();
  });

  test('in queries of URLs, redirects and metalinks, which reach their origins', async () => {
    const body = rawDisk(2 * MIB);
    lab.server.serve('/presigned', (_n, { url }) => (shows(url, token) ? { body } : { status: 403 }));
    lab.server.serve('/onward', (_n, { url }) => (shows(url, onward) ? { body } : { status: 403 }));
    lab.server.serve('/to-onward', { redirectTo: presigned('/onward', onward) });
    lab.server.serve('/to-nowhere', { redirectTo: presigned('/presigned', onward) });
    lab.server.serve('/tokens.meta4', { body: metalink4([presigned(lab.server.url('/presigned'))]) });
    const ids: string[] = [];
    for (const url of [
      presigned(lab.server.url('/presigned')),
      lab.server.url('/to-onward'),
      lab.server.url('/tokens.meta4'),
    ]) {
      const id = await registered({ url });
      ids.push(id);
      expect(await deploy(id)).toBe(true);
    }
    expect(await ask('extractTemplate', { id: ids[0] ?? '', mode: 'HTTP_DOWNLOAD' })).toBeUndefined();
    expect(await register({ url: lab.server.url('/to-nowhere') })).toBeUndefined();
    lab.server.serve('/expired', (n) => (n < 1 ? { body } : { status: 403 }));
    expect(await deploy(await registered({ url: presigned(lab.server.url('/expired')) }))).toBe(false);
  });

  test('in a download that is redirected to another origin which asks for them', async () => {
    lab.server.serve('/redirect', { redirectTo: tls.url('/elsewhere') });
    expect(
      await register({ url: withCredentials(lab.server.url('/redirect')), [HEADER]: header.text }),
    ).toBeUndefined();
  });

  test('in downloads that fail with 401 and with a wrong checksum', async () => {
    const body = rawDisk(2 * MIB);
    lab.server.serve('/later', { body });
    const url = withCredentials(lab.server.url('/later'));
    const first = await registered({ url, [HEADER]: header.text });
    lab.server.serve('/later', { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } });
    expect(await deploy(first)).toBe(false);
    lab.server.serve('/wrong', { body });
    const wrong = { url: withCredentials(lab.server.url('/wrong')), checksum: `{SHA-256}${'0'.repeat(64)}` };
    expect(await deploy(await registered(wrong))).toBe(false);
  });

  test('in answers of a source that repeats them', async () => {
    const body = rawDisk(MIB);
    lab.server.serve('/echo', (_n, { headers }) => ({
      body,
      headers: { 'x-echo': headers.authorization ?? '', etag: `"${headers.authorization ?? ''}"` },
    }));
    lab.server.serve('/echo-away', (_n, { headers }) => ({
      redirectTo: `/gone?t=${encodeURIComponent(headers['x-token'] as string)}`,
    }));
    await register({ url: withCredentials(lab.server.url('/echo')) });
    await register({ url: lab.server.url('/echo-away'), [HEADER]: header.text });
  });

  test('during the death of a host, a cancelled deployment and a deleted template', async () => {
    lab.server.serve('/slow', { body: rawDisk(8 * MIB), pauseMs: 60 });
    const url = withCredentials(lab.server.url('/slow'));
    // The flow does not wait for another host: that takes a minute, and writes nothing new.
    if (isFullRun) {
      const killed = await registered({ url, [HEADER]: header.text });
      const job = await lab.prepare(killed);
      await flowing(killed);
      lab.killHost('host1');
      expect((await lab.job(job)).jobstatus).toBe(1);
    }
    const stopped = await registered({ url, [HEADER]: header.text });
    await lab.prepare(stopped);
    await flowing(stopped);
    await ask('cancelTemplateDeployment', { templateid: stopped, storageid: lab.pool.id });
    const doomed = await registered({ url });
    await lab.prepare(doomed);
    await flowing(doomed);
    await lab.delete('RAW', doomed);
  }, 180_000);

  test('in a client certificate with its private key, also pasted into the wrong field', async () => {
    const { cert: certificate, key } = selfSigned({ names: ['a client'] });
    plant(canaryOf('a private key', key.split('\n')[5] ?? ''));
    const common = { zoneid: lab.zoneId, hypervisor: 'KVM' };
    const upload = 'uploadTemplateDirectDownloadCertificate';
    const whole = { ...common, name: 'canary', certificate, clientcertificate: certificate, privatekey: key };
    expect(await ask(upload, whole)).toBeDefined();
    expect(await ask(upload, { ...common, name: 'pasted', certificate: certificate + key })).toBeUndefined();
    expect(await ask(upload, { ...whole, name: 'other', privatekey: selfSigned().key })).toBeUndefined();
  });

  if (hasMachines)
    test('in user data, its variables and the console password of a virtual machine', async () => {
      const userData = plant(newCanary('user data'));
      const variable = newCanary('a variable of user data');
      answeredToOwners.push(variable);
      const machines = await openMachines(lab, libvirt as LibvirtLab, 'local');
      const { id: templateId } = await machines.image('canary');
      const id = await machines.deploy(templateId, {
        userdata: Buffer.from(`#cloud-config\n# ${userData.text}\n`).toString('base64'),
        'userdatadetails[0].token': variable.text,
      });
      const seed = await readFile(join(dirname(lab.pool.path), 'state-vms', 'seeds', `${id}.iso`));
      expect([seed.includes(userData.text), seed.includes(variable.text)]).toEqual([true, true]);
      const xml = (await libvirt?.virsh.run(['dumpxml', '--security-info', id])) ?? '';
      plant(canaryOf('a console password', /passwd='([^']{8})'/.exec(xml)?.[1] ?? ''));
      await ask('listVirtualMachines', { id, details: 'all' });
    }, 240_000);

  test('in keys, passwords, sessions and invites of users', async () => {
    const own = plant(newCanary('the password of a user'));
    const account = { username: 'carol', account: 'carol', accounttype: 0, email: 'c@example.org' };
    const made = await ask<{ account: { user: [{ id: string }] } }>('createAccount', {
      ...account,
      firstname: 'Carol',
      lastname: 'C',
      password: own.text,
    });
    const id = made?.account.user[0].id ?? '';
    const { userkeys } = await lab.call<{ userkeys: { apikey: string; secretkey: string } }>(
      'registerUserKeys',
      { id },
    );
    plant(canaryOf('the secret key of a user', userkeys.secretkey));
    plant(canaryOf('the API key of a user', userkeys.apikey));
    plant(canaryOf('the secret key of the administrator', lab.stack.secretKey));
    plant(canaryOf('an invite', (await lab.invite()).split('.')[1] ?? ''));
    const { apiUrl: url } = lab.stack;
    const logIn = async (secret: string): Promise<number> => {
      const body = new URLSearchParams({
        command: 'login',
        username: 'carol',
        password: secret,
        response: 'json',
      });
      const answer = await fetch(url, { method: 'POST', body });
      const { sessionkey } =
        ((await answer.json()) as { loginresponse?: { sessionkey?: string } }).loginresponse ?? {};
      if (sessionkey !== undefined) plant(canaryOf('a session key', sessionkey));
      const cookie = /=([^;]+)/.exec(answer.headers.get('set-cookie') ?? '')?.[1];
      if (cookie !== undefined) plant(canaryOf('a session', cookie));
      return answer.status;
    };
    const mistyped = plant(newCanary('a password that was mistyped'));
    expect([await logIn(own.text), await logIn(mistyped.text)]).toEqual([200, 531]);
    const carol = createClient({
      url,
      apiKey: userkeys.apikey,
      secretKey: userkeys.secretkey,
      origin: 'the test',
    });
    const wrong = createClient({
      url,
      apiKey: userkeys.apikey,
      secretKey: mistyped.text,
      origin: 'the test',
    });
    await ask('listZones', {}, wrong);
    await askEverything(carol);
  });
});

/** Calls every list command as one user. */
async function askEverything(client: ApiClient): Promise<void> {
  const { api } = await client.call<{ api: { name: string }[] }>('listApis');
  for (const { name } of api.filter((one) => one.name.startsWith('list'))) {
    await ask(name, { listall: true, details: 'all', templatefilter: 'self', isofilter: 'self' }, client);
    await ask(name, {}, client);
  }
}

describe('secrets are found nowhere', () => {
  beforeAll(async () => {
    await askEverything(lab.stack.api);
    const { apiUrl: url, apiKey, secretKey } = lab.stack;
    const lines = ['event list', 'template list', 'deploy list', 'host list', 'account list', 'job list'];
    for (const line of casesOfForm(lines)) {
      const { stdout, stderr } = await bypass({ url, apiKey, secretKey }, line.split(' '));
      said.push([`bypass ${line}`, stdout + stderr]);
    }
    const shown = ['template', 'register', '--name', 'x', '--header', `X-Token: ${header.text}`, '--url'];
    const typed = presigned(withCredentials('http://127.0.0.1:1/x'));
    const ran = await bypass({ url, apiKey, secretKey }, [...shown, typed]);
    said.push(['bypass template register', ran.stdout + ran.stderr]);
    const page = await fetch(new URL('/', url));
    said.push(['the page', `${await page.text()} ${JSON.stringify([...page.headers])}`]);
    sampling.abort();
    await sampled;
  });

  test('although the search finds every encoding', () => {
    const { text } = header;
    const forms = [
      text,
      encodeURIComponent(text),
      Buffer.from(text).toString('hex'),
      Buffer.from(`x${text}`).toString('base64'),
      Buffer.from(`xy${text}`).toString('base64url'),
    ];
    for (const form of forms) expect(found('a text', `before ${form} after`)).not.toEqual([]);
    expect(canaries.length).toBeGreaterThan(8);
  });

  test('in answers of the API, output of the CLI, or the page', () => {
    expect(said.length).toBeGreaterThan(50);
    expect(said.flatMap(([where, what]) => foundIn(where, what, canaries))).toEqual([]);
  });

  test('in command lines or environments of processes', () => {
    expect([...seenProcesses].some((text) => text.includes('host'))).toBe(true);
    expect([...seenProcesses].flatMap((text) => found(`process ${text.slice(0, 80)}`, text))).toEqual([]);
  });

  test('in the database, unless sealed or hashed', async () => {
    const { rows } = await sql<{ name: string }>`
      select table_name as name from information_schema.tables where table_schema = 'public'`.execute(lab.db);
    expect(rows.length).toBeGreaterThan(20);
    const kept: string[] = [];
    for (const { name } of rows) {
      const dump = await sql<{ text: string }>`
        select coalesce(string_agg(row_to_json(t)::text, ' '), '') as text from ${sql.table(name)} t`.execute(
        lab.db,
      );
      kept.push(...found(`table ${name}`, dump.rows[0]?.text ?? ''));
    }
    expect(kept).toEqual([]);
  });

  test("in Temporal's histories, memos or search attributes", async () => {
    const kept: string[] = [];
    let workflows = 0;
    let readable = 0;
    for await (const { workflowId, runId, raw } of lab.temporal.workflow.list()) {
      workflows += 1;
      const history = await lab.temporal.workflow.getHandle(workflowId, runId).fetchHistory();
      const text = searchableText([raw, history]);
      kept.push(...found(`workflow ${workflowId}`, text));
      if (text.includes(lab.server.url('/header'))) readable += 1;
    }
    expect(workflows).toBeGreaterThan(15);
    expect(readable).toBeGreaterThan(1);
    expect(kept).toEqual([]);
  });

  test('in logs, or in any file except those made to hold them', async () => {
    const { dataDir } = lab.stack;
    const holders =
      /^(?:admin\.json|master\.key|hosts\/\w+\/(?:state\/identity\.json|invite|state-vms\/seeds\/)|pools?\/|hosts\/\w+\/pool\/)/;
    const kept = [...found('the output of npm start', lab.stack.output())];
    let files = 0;
    for (const entry of await readdir(dataDir, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      const name = relative(dataDir, path);
      if (!entry.isFile() || holders.test(name)) continue;
      files += 1;
      kept.push(...found(name, await readFile(path).catch(() => '')));
    }
    expect(files).toBeGreaterThan(20);
    expect(kept).toEqual([]);
  }, 120_000);
});
