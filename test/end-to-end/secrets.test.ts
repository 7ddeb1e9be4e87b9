/** Every flow with secrets in it, each failure too; then everything that was written or said is searched for them. */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
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
import { isFullRun } from '../support/programs.ts';
import { readableText } from '../support/readable.ts';
import { until } from '../support/until.ts';
import { openEndToEnd } from './lab.ts';
import type { EndToEnd } from './lab.ts';

const MIB = 1_048_576;
const HEADER = 'details[0].HTTP_HEADER:X-Token';

let lab: EndToEnd;
let tls: ImageServer;
const canaries: Canary[] = [];
const plant = (canary: Canary): Canary => {
  canaries.push(canary);
  return canary;
};
/** What was answered and printed, by where. */
const said: (readonly [where: string, what: string])[] = [];
/** Command lines and environments of all processes of this machine, while all that went on. */
const seenProcesses = new Set<string>();
const sampling = new AbortController();
let sampled: Promise<void>;

const [header, user, password] = ['an HTTP header', 'a user in a URL', 'a password in a URL'].map((name) =>
  plant(newCanary(name)),
) as [Canary, Canary, Canary];

beforeAll(async () => {
  lab = await openEndToEnd({ hosts: 1, env: { BYPASS_LOG_LEVEL: 'trace' } });
  tls = await startImageServer(selfSigned());
  sampled = sampleProcesses();
});
afterAll(async () => {
  sampling.abort();
  await sampled;
  await tls.close();
  await lab.close();
});

async function sampleProcesses(): Promise<void> {
  while (!sampling.signal.aborted) {
    for (const pid of await readdir('/proc')) {
      // This process plants them.
      if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
      for (const what of ['cmdline', 'environ']) {
        const text = await readFile(`/proc/${pid}/${what}`, 'latin1').catch(() => '');
        if (text !== '') seenProcesses.add(text);
      }
    }
    await sleep(200, undefined, { signal: sampling.signal }).catch(() => undefined);
  }
}

const found = (where: string, what: string | Buffer): readonly string[] => foundIn(where, what, canaries);

type Parameters = Readonly<Record<string, string | number | boolean>>;

/** Calls, and keeps what was answered: an error as well. @returns undefined for an error */
async function ask<T>(command: string, parameters: Parameters = {}, client: ApiClient = lab.stack.api) {
  const told: unknown = await client.call<T>(command, parameters).catch((error: unknown) => error as Error);
  said.push([`the answer to ${command}`, told instanceof Error ? told.message : JSON.stringify(told)]);
  return told instanceof Error ? undefined : (told as T);
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

/** The URL with user and password in it. */
const withCredentials = (url: string): string =>
  url.replace('://', `://${encodeURIComponent(user.text)}:${encodeURIComponent(password.text)}@`);

const basic = (): string => `Basic ${Buffer.from(`${user.text}:${password.text}`).toString('base64')}`;
const flowing = (id: string) =>
  until('bytes flow', async () => {
    const [copy] = await lab.deployments({ templateid: id });
    return (copy?.bytes ?? 0) > MIB;
  });

describe('they are used', () => {
  test('a header and credentials of a URL reach their origin, and nothing of them is shown', async () => {
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

  test('a registration that is refused: credentials, address, form, TLS', async () => {
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
    ];
    for (const parameters of refused) expect(await register(parameters)).toBeUndefined();
  });

  test('a redirect to another origin that asks for them', async () => {
    lab.server.serve('/redirect', { redirectTo: tls.url('/elsewhere') });
    expect(
      await register({ url: withCredentials(lab.server.url('/redirect')), [HEADER]: header.text }),
    ).toBeUndefined();
  });

  test('a download that is answered 401, and one with another checksum', async () => {
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

  test('a source that speaks of what it was sent', async () => {
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

  test('a host that is killed, a deployment that is cancelled, a template that is deleted meanwhile', async () => {
    lab.server.serve('/slow', { body: rawDisk(8 * MIB), pauseMs: 60 });
    const url = withCredentials(lab.server.url('/slow'));
    // Another host is waited for a minute long, and nothing is written in it that the others do not write.
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

  test('a certificate for mutual TLS with its private key, and one that was pasted where it does not belong', async () => {
    const { cert: certificate, key } = selfSigned({ names: ['a client'] });
    plant(canaryOf('a private key', key.split('\n')[5] ?? ''));
    const common = { zoneid: lab.zoneId, hypervisor: 'KVM' };
    const upload = 'uploadTemplateDirectDownloadCertificate';
    const whole = { ...common, name: 'canary', certificate, clientcertificate: certificate, privatekey: key };
    expect(await ask(upload, whole)).toBeDefined();
    expect(await ask(upload, { ...common, name: 'pasted', certificate: certificate + key })).toBeUndefined();
    expect(await ask(upload, { ...whole, name: 'other', privatekey: selfSigned().key })).toBeUndefined();
  });

  test('users: keys, passwords, logins, invites', async () => {
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

/** Every list that there is, as this one sees it. */
async function askEverything(client: ApiClient): Promise<void> {
  const { api } = await client.call<{ api: { name: string }[] }>('listApis');
  for (const { name } of api.filter((one) => one.name.startsWith('list'))) {
    await ask(name, { listall: true, details: 'all', templatefilter: 'self', isofilter: 'self' }, client);
    await ask(name, {}, client);
  }
}

describe('they are nowhere', () => {
  beforeAll(async () => {
    await askEverything(lab.stack.api);
    const { apiUrl: url, apiKey, secretKey } = lab.stack;
    for (const line of [
      'template list',
      'deploy list',
      'event list',
      'host list',
      'account list',
      'job list',
    ]) {
      const { stdout, stderr } = await bypass({ url, apiKey, secretKey }, line.split(' '));
      said.push([`bypass ${line}`, stdout + stderr]);
    }
    const shown = ['template', 'register', '--name', 'x', '--header', `X-Token: ${header.text}`, '--url'];
    const ran = await bypass({ url, apiKey, secretKey }, [...shown, withCredentials('http://127.0.0.1:1/x')]);
    said.push(['bypass template register', ran.stdout + ran.stderr]);
    const page = await fetch(new URL('/', url));
    said.push(['the page', `${await page.text()} ${JSON.stringify([...page.headers])}`]);
    sampling.abort();
    await sampled;
  });

  test('they would be found, in each form', () => {
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

  test('in answers, on screens, on the page', () => {
    expect(said.length).toBeGreaterThan(50);
    expect(said.flatMap(([where, what]) => found(where, what))).toEqual([]);
  });

  test('in command lines and environments of processes', () => {
    expect([...seenProcesses].some((text) => text.includes('host'))).toBe(true);
    expect([...seenProcesses].flatMap((text) => found(`process ${text.slice(0, 80)}`, text))).toEqual([]);
  });

  test('in the database, but sealed or hashed', async () => {
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

  test("in Temporal's histories, memos and search attributes", async () => {
    const kept: string[] = [];
    let workflows = 0;
    let readable = 0;
    for await (const { workflowId, runId, raw } of lab.temporal.workflow.list()) {
      workflows += 1;
      const history = await lab.temporal.workflow.getHandle(workflowId, runId).fetchHistory();
      const text = readableText([raw, history]);
      kept.push(...found(`workflow ${workflowId}`, text));
      if (text.includes(lab.server.url('/header'))) readable += 1;
    }
    expect(workflows).toBeGreaterThan(15);
    expect(readable).toBeGreaterThan(1);
    expect(kept).toEqual([]);
  });

  test('in logs, and in any file but those that are made to hold them', async () => {
    const { dataDir } = lab.stack;
    const holders =
      /^(?:admin\.json|master\.key|hosts\/\w+\/(?:state\/identity\.json|invite)|pools?\/|hosts\/\w+\/pool\/)/;
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
