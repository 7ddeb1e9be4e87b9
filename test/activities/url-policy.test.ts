/** The URL policy through the activities of a host, and the advisories of other importers that it answers. */
import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { DownloadJob, DownloadResult, ProbeJob, ProbeReport } from '../../model/payloads.ts';
import type { Mirror, SecretWay } from '../../model/source.ts';
import type { UrlPolicy } from '../../model/url-policy.ts';
import { createAuthority } from '../support/authority.ts';
import { mirror } from '../labs/download.ts';
import { openHostLab } from '../labs/host.ts';
import type { HostLab } from '../labs/host.ts';
import { startImageServer } from '../support/image-server.ts';
import { rawDisk } from '../support/images.ts';
import { metalink4 } from '../support/metalinks.ts';
import { startProxy } from '../support/proxy.ts';
import { createResolver } from '../support/resolver.ts';

const GOOD = '127.0.0.1';
const BAD = '127.0.0.2';
const body = rawDisk(300_000);
const { resolve } = createResolver({
  'good.example.org': [[GOOD]],
  'mixed.example.org': [[BAD, GOOD]],
  'inside.example.org': [[BAD]],
  'metadata.example.org': [['169.254.169.254']],
  'rebind.example.org': [[GOOD], [BAD]],
});
let lab: HostLab;
beforeEach(async () => {
  lab = await openHostLab({}, { policy: { openAddresses: [`${GOOD}/32`] }, resolve });
  lab.server.serve('/a', { body });
});
afterEach(() => lab.close());

const within = <J, R>(activity: (job: J) => Promise<R>, job: J): Promise<R> =>
  new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run<[J], R, (job: J) => Promise<R>>(
    activity,
    job,
  );

const probe = (url: string, policy?: UrlPolicy): Promise<ProbeReport> => {
  const job: ProbeJob = { v: 1, templateId: randomUUID(), url, format: 'RAW', budgetMs: 4000 };
  return within(lab.activities.quick.probe, policy === undefined ? job : { ...job, policy });
};
const rules = async (url: string, policy?: UrlPolicy): Promise<readonly string[]> =>
  (await probe(url, policy)).urls.map(
    ({ rule, reachable }) => rule ?? (reachable ? 'reachable' : 'unreachable'),
  );

async function download(
  url: string,
  changes: Partial<DownloadJob> = {},
): Promise<DownloadResult | Record<string, unknown>> {
  const job = await lab.job({ url, ...changes });
  return within(lab.activities.transfer.download, job).catch(
    (error: { readonly details?: readonly { readonly failure: Record<string, unknown> }[] }) =>
      error.details?.[0]?.failure ?? { error },
  );
}

const named = (name: string, path = '/a'): string => lab.server.url(path).replace(GOOD, name);

describe('a host', () => {
  test.each([
    ['good.example.org', 'reachable'],
    ['mixed.example.org', 'reachable'],
    ['inside.example.org', 'loopback'],
    ['metadata.example.org', 'metadata'],
    ['[::ffff:127.0.0.2]', 'loopback'],
    ['2130706434', 'loopback'],
    ['0x7f000002', 'loopback'],
    ['0177.0.0.2', 'loopback'],
  ])('asked to look at and to download from %s: %s', async (name, expected) => {
    expect(await rules(named(name))).toEqual([expected]);
    const result = await download(named(name));
    expect(result).toMatchObject(
      expected === 'reachable' ? { size: 300_000 } : { kind: 'NotAllowed', rule: expected },
    );
    expect(await lab.published()).toHaveLength(expected === 'reachable' ? 1 : 0);
  });

  test('keeps to the policy of a job as well, and is not widened by it', async () => {
    const deny = { denyAddresses: ['127.0.0.0/8'] };
    expect(await rules(lab.server.url('/a'), deny)).toEqual(['denied address']);
    expect(await download(lab.server.url('/a'), { policy: deny })).toMatchObject({ rule: 'denied address' });
    const wide = { openAddresses: ['0.0.0.0/0'], onlyAddresses: ['0.0.0.0/0'] };
    expect(await rules(named('inside.example.org'), wide)).toEqual(['loopback']);
    expect(await download(named('inside.example.org'), { policy: wide })).toMatchObject({ rule: 'loopback' });
  });

  test('takes no job whose policy it cannot read', async () => {
    const policy = { denyAddresses: ['everything'] };
    await expect(probe(lab.server.url('/a'), policy)).rejects.toThrow(
      'policy has denyAddresses that is not right',
    );
    expect(lab.server.seen('/a').requests).toHaveLength(0);
  });

  test('waits for a source as long as the job says, instead of its own settings', async () => {
    lab.server.serve('/silent', { silent: true });
    lab.server.serve('/stalls', { body, stallAfter: 0 });
    const timeouts = { headersMs: 20, idleMs: 20 };
    const job: ProbeJob = { v: 1, templateId: randomUUID(), url: '', format: 'RAW', budgetMs: 30_000 };
    const { urls } = await within(lab.activities.quick.probe, {
      ...job,
      url: lab.server.url('/silent'),
      timeouts,
    });
    expect(urls[0]?.reason).toMatch(/within 20 ms/);
    const stalled = { kind: 'Stalled', message: expect.stringMatching(/20 ms \(idle limit\)/) as string };
    expect(await download(lab.server.url('/stalls'), { timeouts })).toMatchObject(stalled);
    for (const wrong of [{ idleMs: 0 }, { connectMs: 1.5 }, { headersMs: '5' }, { idleMs: 3_600_001 }]) {
      const unfit = download(lab.server.url('/a'), { timeouts: wrong as object });
      expect(await unfit).toMatchObject({
        message: expect.stringContaining('timeouts are not') as string,
      });
    }
  });

  test('follows no redirect where the job says so', async () => {
    lab.server.serve('/moved', { redirectTo: '/a' });
    expect(await rules(lab.server.url('/moved'), {})).toEqual(['reachable']);
    expect(await rules(lab.server.url('/moved'), { followRedirects: false })).toEqual(['redirect']);
  });

  test('goes on with the next mirror after one that is refused', async () => {
    const mirrors: Mirror[] = [mirror(named('inside.example.org'), 1), mirror(lab.server.url('/a'), 2)];
    const result = await download(lab.server.url('/a'), { mirrors });
    expect(result).toMatchObject({
      size: 300_000,
      tries: [{ failure: { kind: 'NotAllowed', rule: 'loopback' } }, {}],
    });
  });

  test('asks the proxy of its zone for the judged address', async () => {
    const proxy = await startProxy();
    const policy = { proxies: { http: proxy.url } };
    expect(await rules(named('good.example.org'), policy)).toEqual(['reachable']);
    expect(await download(named('good.example.org'), { policy })).toMatchObject({ size: 300_000 });
    expect(await rules(named('inside.example.org'), policy)).toEqual(['loopback']);
    const { port } = new URL(lab.server.origin);
    expect(new Set(proxy.asked.map(({ target }) => target))).toEqual(new Set([`${GOOD}:${port}`]));
    await proxy.close();
  });
});

describe('secrets that somebody with access to the namespace replays in another job', () => {
  test('travel by no proxy but the one that is sealed with them', async () => {
    const [his, ours] = [await startProxy(), await startProxy()];
    const templateId = randomUUID();
    const secrets = { v: 1, origin: lab.server.origin, headers: [{ name: 'X-Token', value: 's' }] } as const;
    const url = lab.server.url('/a');
    const policy = { proxies: { http: his.url }, proxyIsGuard: true };
    const look = async (way?: SecretWay): Promise<string> => {
      const sealed = await lab.seal(templateId, { ...secrets, ...(way === undefined ? {} : { way }) });
      const job: DownloadJob = await lab.job({ url, templateId, sealed, policy });
      const probed = { v: 1, templateId, url, format: 'RAW', budgetMs: 4000, sealed, policy } as const;
      const { urls } = await within<ProbeJob, ProbeReport>(lab.activities.quick.probe, probed);
      await within(lab.activities.transfer.download, job);
      return urls[0]?.reason ?? 'reachable';
    };
    expect(await look()).toBe('reachable');
    const way = { proxies: { http: ours.url }, proxyIsGuard: false, trusted: [] };
    expect(await look(way)).toBe('reachable');
    expect(his.asked).toEqual([]);
    expect(ours.asked.length).toBeGreaterThan(1);
    expect(ours.asked.some(({ headers }) => 'x-token' in headers)).toBe(false);
    expect(lab.server.seen('/a').requests.every((headers) => 'x-token' in headers)).toBe(true);
    await Promise.all([his.close(), ours.close()]);
  });

  test('go to no server whose certificate comes from another authority', async () => {
    const root = createAuthority('ECDSA');
    const other = createAuthority('ECDSA', { name: 'another' });
    const server = await startImageServer(root.issue({ name: 'localhost' }));
    server.serve('/a', { body });
    const url = server.url('/a').replace('127.0.0.1', 'localhost');
    const certificates = [root, other].map(({ cert }, at) => ({
      id: randomUUID(),
      alias: `authority-${at}`,
      certificate: cert,
    }));
    const synced = await within(lab.activities.quick.syncCertificates, { v: 1, certificates });
    const [known, unknown] = synced.held.map(({ digest }) => digest);
    const templateId = randomUUID();
    const look = async (trusted?: readonly (string | undefined)[]): Promise<string> => {
      const way = { proxyIsGuard: false, trusted: (trusted ?? []).map(String) };
      const secrets = {
        v: 1,
        origin: new URL(url).origin,
        headers: [{ name: 'X-Token', value: 's' }],
        way,
      } as const;
      const sealed = trusted === undefined ? {} : { sealed: await lab.seal(templateId, secrets) };
      const job = { v: 1, templateId, url, format: 'RAW', budgetMs: 4000, ...sealed } as const;
      const { urls } = await within<ProbeJob, ProbeReport>(lab.activities.quick.probe, job);
      return urls[0]?.reason ?? 'reachable';
    };
    expect(await look([unknown])).toMatch(/issuer is unknown to this host/);
    expect(server.seen('/a').requests).toEqual([]);
    expect(await look()).toBe('reachable');
    expect(await look([known, unknown])).toBe('reachable');
    await server.close();
  });
});

describe('advisories', () => {
  test('CVE-2026-50112 (CloudStack): URLs in a metalink pass the policy like any other, and reach no shell', async () => {
    const inner = [
      'file:///etc/passwd',
      'nfs://h/$(id)',
      'http://169.254.169.254/',
      'http://2852039166/',
      named('inside.example.org'),
      lab.server.url('/a'),
    ];
    lab.server.serve('/a.metalink', { body: metalink4(inner) });
    const { urls } = await probe(lab.server.url('/a.metalink'));
    const found = Object.fromEntries(urls.map(({ url, rule, reachable }) => [url, rule ?? reachable]));
    expect(found).toEqual({
      'file:///etc/passwd': 'scheme',
      'nfs://h/$(id)': false,
      'http://169.254.169.254/': 'metadata',
      [named('inside.example.org')]: 'loopback',
      [lab.server.url('/a')]: true,
    });
  });

  test('CVE-2026-61422 (CloudStack): nothing is sent, not even to learn the size, before the URL is judged', async () => {
    const deny = { denyAddresses: [GOOD] };
    expect(await rules(lab.server.url('/a'), deny)).toEqual(['denied address']);
    expect(lab.server.seen('/a').requests).toHaveLength(0);
  });

  test('CVE-2024-29007 (CloudStack), CVE-2025-59346 (Dragonfly): each hop of a redirect is judged', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      lab.server.serve('/go', { redirectTo: named('inside.example.org'), status });
      expect(await rules(lab.server.url('/go'))).toEqual(['loopback']);
      expect(await download(lab.server.url('/go'))).toMatchObject({ kind: 'NotAllowed', rule: 'loopback' });
    }
  });

  test('CVE-2026-34881 (Glance): neither a redirect nor a decimal, hex or octal address goes around the policy', async () => {
    for (const host of ['2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '[::ffff:a9fe:a9fe]']) {
      lab.server.serve('/go', { redirectTo: `http://${host}/latest/meta-data/` });
      expect(await rules(lab.server.url('/go'))).toEqual(['metadata']);
      expect(await rules(`http://${host}/latest/meta-data/`)).toEqual(['metadata']);
    }
  });

  test('CVE-2025-44021 (Ironic): the scheme file: is refused', async () => {
    await expect(probe('file:///etc/passwd')).rejects.toThrow(
      'has scheme file; http, https and nfs are taken',
    );
    lab.server.serve('/go', { redirectTo: 'file:///etc/passwd' });
    expect(await rules(lab.server.url('/go'))).toEqual(['scheme']);
  });

  test('CVE-2021-22923 (curl): credentials go to the origin that they were given for, not to mirrors', async () => {
    const other = await openHostLab({}, { policy: { openAddresses: [`${GOOD}/32`] } });
    other.server.serve('/a', { body });
    lab.server.serve('/a.metalink', { body: metalink4([other.server.url('/a')]) });
    const templateId = randomUUID();
    const headers = [{ name: 'X-Token', value: 'sesame' }];
    const sealed = await lab.seal(templateId, { v: 1, origin: lab.server.origin, headers });
    await within(lab.activities.quick.probe, {
      v: 1,
      templateId,
      url: lab.server.url('/a.metalink'),
      format: 'RAW',
      budgetMs: 4000,
      sealed,
    });
    expect(lab.server.seen('/a.metalink').requests[0]).toHaveProperty('x-token');
    expect(other.server.seen('/a').requests[0]).not.toHaveProperty('x-token');
    await other.close();
  });

  test('DNS rebinding: each connection is judged by the one answer that it is made with', async () => {
    expect(await rules(named('rebind.example.org'))).toEqual(['reachable']);
    expect(await rules(named('rebind.example.org'))).toEqual(['loopback']);
  });

  test('a refusal shows nothing of an internal page', async () => {
    lab.server.serve('/page', { body: Buffer.from('<html><body>root password: sesame</body></html>') });
    lab.server.serve('/json', { body: Buffer.from('{"AccessKeyId": "sesame"}') });
    lab.server.serve('/status', { status: 403, headers: { 'x-sesame': 'sesame' } });
    lab.server.serve('/p.metalink', { body: Buffer.from('<sesame></sesame>') });
    lab.server.serve('/q.metalink', { body: Buffer.from('sesame &sesame; <a>') });
    for (const path of ['/page', '/json', '/status', '/p.metalink', '/q.metalink']) {
      const report = await probe(lab.server.url(path));
      expect(report.urls[0]).toMatchObject({ reachable: false });
      expect(JSON.stringify(report)).not.toContain('sesame');
      expect(JSON.stringify(await download(lab.server.url(path)))).not.toContain('sesame');
    }
  });
});
