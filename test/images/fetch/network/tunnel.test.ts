/** Sources behind a proxy: the host resolves and judges, and asks the proxy for the very address. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import type { EgressOptions } from '../../../../images/fetch/network/egress-policy.ts';
import type { HttpOptions } from '../../../../images/fetch/protocols/http/http-options.ts';
import { createSources } from '../../../../images/fetch/sources.ts';
import type { SourceHead } from '../../../../images/fetch/protocol.ts';
import { fixedTrust } from '../../../../images/fetch/network/trust.ts';
import type { Proxies } from '../../../../model/proxy.ts';
import { LOOPBACK } from '../../../../model/url-policy.ts';
import type { UrlPolicy } from '../../../../model/url-policy.ts';
import { selfSigned } from '../../../support/certificates.ts';
import { startImageServer } from '../../../support/image-server.ts';
import type { ImageServer } from '../../../support/image-server.ts';
import { rawDisk } from '../../../support/images.ts';
import { startProxy } from '../../../support/proxy.ts';
import type { ProxyOptions, TestProxy } from '../../../support/proxy.ts';
import { needing } from '../../../support/programs.ts';
import { startSquid } from '../../../support/squid.ts';
import { until } from '../../../support/until.ts';
import { createResolver } from '../../../support/resolver.ts';

const body = rawDisk(70_000);
const signal = new AbortController().signal;
const policy: UrlPolicy = { openAddresses: ['127.0.0.1/32'] };
const certificate = selfSigned();
const NAME = 'mirror.example.org';

let server: ImageServer;
let secure: ImageServer;
const proxies: TestProxy[] = [];
beforeEach(async () => {
  server = await startImageServer();
  secure = await startImageServer(certificate);
  for (const one of [server, secure]) one.serve('/a', { body });
});
afterEach(async () => {
  await Promise.all([server, secure, ...proxies.splice(0)].map((one) => one.close()));
});

async function proxy(options: ProxyOptions = {}): Promise<TestProxy> {
  const one = await startProxy(options);
  proxies.push(one);
  return one;
}

const look = (url: string, options: HttpOptions, job?: UrlPolicy): Promise<SourceHead> =>
  createSources({ policy, headersMs: 4000, ...options })
    .under({ policy: job })
    .for(url)
    .probe({ url, signal });

const named = (one: ImageServer, name = NAME): string => one.url('/a').replace('127.0.0.1', name);
const portOf = (one: ImageServer): string => new URL(one.origin).port;
const known = (): EgressOptions => ({ resolve: createResolver({ [NAME]: [['127.0.0.1']] }).resolve });

test('http goes through CONNECT to the judged address, with the name as Host', async () => {
  const one = await proxy();
  const found = await look(named(server), { ...known(), proxies: { http: one.url } });
  expect(found).toMatchObject({ total: 70_000, finalUrl: named(server) });
  expect(one.asked.map(({ target }) => target)).toEqual([`127.0.0.1:${portOf(server)}`]);
  expect(one.others).toEqual([]);
  expect(server.seen('/a').requests[0]).toMatchObject({ host: `${NAME}:${portOf(server)}` });
});

test('https goes through CONNECT to the judged address, with the name in SNI, certificate and Host', async () => {
  const one = await proxy();
  const resolve = createResolver({ localhost: [['127.0.0.1']], [NAME]: [['127.0.0.1']] }).resolve;
  const options = { resolve, proxies: { https: one.url }, trust: fixedTrust([certificate.cert]) };
  expect(await look(named(secure, 'localhost'), options)).toMatchObject({ total: 70_000 });
  expect(one.asked.map(({ target }) => target)).toEqual([`127.0.0.1:${portOf(secure)}`]);
  expect(secure.seen('/a').requests[0]).toMatchObject({ host: `localhost:${portOf(secure)}` });
  // The certificate is for localhost: what is checked is the name, not the address that the proxy was asked for.
  await expect(look(named(secure), options)).rejects.toMatchObject({ kind: 'TlsFailed' });
});

test('a proxy is spoken to by TLS where its URL says so, and its name is verified as that of any server', async () => {
  const own = selfSigned({ names: ['proxy.example.org'] });
  const one = await proxy({ tls: own });
  const url = one.url.replace('//127.0.0.1', '//me:secret@proxy.example.org');
  const resolve = createResolver({
    [NAME]: [['127.0.0.1']],
    localhost: [['127.0.0.1']],
    'proxy.example.org': [['127.0.0.1']],
    'other.example.org': [['127.0.0.1']],
  }).resolve;
  const options = (through: Proxies, trusted = [own.cert, certificate.cert]) => ({
    resolve,
    proxies: through,
    trust: fixedTrust(trusted),
  });
  const both = options({ http: url, https: url });
  expect(await look(named(server), both)).toMatchObject({ total: 70_000 });
  expect(await look(named(secure, 'localhost'), both)).toMatchObject({ total: 70_000 });
  expect(one.asked.map(({ target }) => target)).toEqual(
    [server, secure].map((mirror) => `127.0.0.1:${portOf(mirror)}`),
  );
  expect(one.asked[0]?.headers['proxy-authorization']).toBe(`Basic ${btoa('me:secret')}`);
  // Nobody else gets the password, and the proxy is asked for nothing.
  const untrusted = options({ http: url }, [certificate.cert]);
  await expect(look(named(server), untrusted)).rejects.toMatchObject({
    kind: 'TlsFailed',
    message: expect.stringMatching(/^cannot be reached: the proxy has a self-signed certificate/) as string,
  });
  const misnamed = options({ http: url.replace('proxy.', 'other.') });
  await expect(look(named(server), misnamed)).rejects.toThrow(
    'the proxy has a certificate for another host name',
  );
  expect(one.asked).toHaveLength(2);
});

test('credentials are for the proxy alone, and shown nowhere', async () => {
  const one = await proxy({
    status: ({ headers }) =>
      headers['proxy-authorization'] === `Basic ${btoa('me:se cret')}` ? undefined : 407,
  });
  const url = one.url.replace('//', '//me:se%20cret@');
  expect(await look(named(server), { ...known(), proxies: { http: url } })).toMatchObject({ total: 70_000 });
  expect(server.seen('/a').requests[0]).not.toHaveProperty('proxy-authorization');
  const wrong = url.replace('se%20cret', 'wr0ng-pass');
  const refused = await look(named(server), { ...known(), proxies: { http: wrong } }).catch(
    (error: unknown) => error,
  );
  expect(refused).toMatchObject({
    kind: 'Unreachable',
    message: 'cannot be reached: the proxy demands credentials, or refuses those it was given (407)',
  });
  expect(JSON.stringify([refused, String(refused), (refused as Error).cause])).not.toMatch(/wr0ng|secret/);
});

test('the next address is asked for when the proxy cannot reach one; a refusal is final', async () => {
  const both = { resolve: createResolver({ [NAME]: [['10.9.8.7', '127.0.0.1']] }).resolve };
  const one = await proxy({ status: ({ target }) => (target.startsWith('10.') ? 502 : undefined) });
  expect(await look(named(server), { ...both, proxies: { http: one.url } })).toMatchObject({ total: 70_000 });
  expect(one.asked.map(({ target }) => target.split(':')[0])).toEqual(['10.9.8.7', '127.0.0.1']);
  const strict = await proxy({ status: () => 403 });
  await expect(look(named(server), { ...both, proxies: { http: strict.url } })).rejects.toMatchObject({
    kind: 'Unreachable',
    message: 'cannot be reached: the proxy refuses to connect to its address (403)',
  });
  expect(strict.asked).toHaveLength(1);
  const failing = await proxy({ status: () => 502 });
  await expect(look(named(server), { ...both, proxies: { http: failing.url } })).rejects.toMatchObject({
    message: 'cannot be reached: the proxy could not connect to any of its addresses (502)',
  });
});

test('what the policy refuses is not asked for', async () => {
  const one = await proxy();
  const { resolve } = createResolver({ [NAME]: [['169.254.169.254', '127.0.0.2']] });
  const options = { resolve, proxies: { http: one.url } };
  await expect(look(named(server), options)).rejects.toMatchObject({ kind: 'NotAllowed', rule: 'metadata' });
  await expect(look('http://169.254.169.254/', options)).rejects.toMatchObject({ rule: 'metadata' });
  await expect(look('http://10.0.0.1:22/', options)).rejects.toMatchObject({ rule: 'port' });
  expect(one.asked).toEqual([]);
});

test('every hop goes through it, and is judged', async () => {
  const one = await proxy();
  server.serve('/go', { redirectTo: 'http://127.0.0.2/' });
  server.serve('/home', { redirectTo: '/a' });
  const options = { proxies: { http: one.url } };
  await expect(look(server.url('/go'), options)).rejects.toMatchObject({ rule: 'loopback' });
  await look(server.url('/home'), options);
  expect(one.asked).toHaveLength(3);
});

test('no_proxy names what is reached without, by name or by the block of its address', async () => {
  const one = await proxy();
  for (const none of [[NAME], ['.example.org'], ['127.0.0.0/8'], ['*']]) {
    expect(await look(named(server), { ...known(), proxies: { http: one.url, none } })).toMatchObject({
      total: 70_000,
    });
  }
  expect(one.asked).toEqual([]);
});

describe('a proxy that is the guard', () => {
  const guard: UrlPolicy = { proxyIsGuard: true };

  test('is asked for the name, which the host cannot resolve: https by CONNECT, http in absolute form', async () => {
    const lies = Object.fromEntries(
      [server, secure].map((one) => [`${NAME}:${portOf(one)}`, `127.0.0.1:${portOf(one)}`]),
    );
    const one = await proxy({ lies });
    const proxied = one.url.replace('//', '//me:pa%ss@');
    const options = { resolve: createResolver({}).resolve, proxies: { http: proxied, https: proxied } };
    await expect(look(named(server), options)).rejects.toMatchObject({ kind: 'Unreachable' });
    expect(await look(named(server), options, guard)).toMatchObject({ total: 70_000 });
    await expect(look(named(secure), options, guard)).rejects.toMatchObject({ kind: 'TlsFailed' });
    expect(one.asked.map(({ target }) => target)).toEqual([`${NAME}:${portOf(secure)}`]);
    expect(one.others.map(({ target }) => target)).toEqual([named(server)]);
    // A per cent sign that encodes nothing stands for itself.
    for (const { headers } of [...one.asked, ...one.others]) {
      expect(headers['proxy-authorization']).toBe(`Basic ${btoa('me:pa%ss')}`);
    }
    expect(server.seen('/a').requests[0]).toMatchObject({ host: new URL(named(server)).host });
    expect(server.seen('/a').requests[0]).not.toHaveProperty('proxy-authorization');
  });

  test('says that it demands credentials in absolute form too, and what it gives is followed from hop to hop', async () => {
    const port = portOf(server);
    const lies = { [`${NAME}:${port}`]: `127.0.0.1:${port}` };
    const one = await proxy({ lies, status: (_asked, n) => (n === 0 ? 407 : undefined) });
    server.serve('/go', { redirectTo: named(server) });
    const options = { resolve: createResolver({}).resolve, proxies: { http: one.url } };
    const url = named(server).replace('/a', '/go');
    await expect(look(url, options, guard)).rejects.toMatchObject({
      kind: 'Unreachable',
      message: 'cannot be reached: the proxy demands credentials, or refuses those it was given (407)',
    });
    expect(await look(url, options, guard)).toMatchObject({ total: 70_000, finalUrl: named(server) });
    expect(one.others.map(({ target }) => target)).toEqual([url, url, named(server)]);
  });

  test('does not judge literal addresses, names of this machine, ports and schemes: they are judged here', async () => {
    const one = await proxy();
    const options = { proxies: { http: one.url, https: one.url } };
    await expect(look('http://169.254.169.254/', options, guard)).rejects.toMatchObject({ rule: 'metadata' });
    await expect(look('http://[::ffff:127.0.0.2]/', options, guard)).rejects.toMatchObject({
      rule: 'loopback',
    });
    await expect(look('http://2130706434/', options, guard)).rejects.toMatchObject({ rule: 'loopback' });
    await expect(look('https://db.example.org:5432/', options, guard)).rejects.toMatchObject({
      rule: 'port',
    });
    const loopback = { ...options, policy: {} };
    await expect(look('http://localhost/', loopback, guard)).rejects.toMatchObject({ rule: 'loopback' });
    expect(one.asked).toEqual([]);
  });

  test('is none where the host says never', async () => {
    const one = await proxy();
    const never = { policy: { ...policy, proxyIsGuard: false }, proxies: { http: one.url } };
    const options = { ...never, resolve: createResolver({}).resolve };
    await expect(look(named(server), options, guard)).rejects.toMatchObject({ kind: 'Unreachable' });
    expect(one.asked).toEqual([]);
  });
});

needing('squid')('squid with the rules of Debian', () => {
  test('gives http in absolute form where it is the guard, and refuses CONNECT to any port but 443', async () => {
    const squid = await startSquid();
    try {
      const options = { headersMs: 10_000, proxies: { http: squid.url } };
      const refused = 'cannot be reached: the proxy refuses to connect to its address (403)';
      await expect(look(server.url('/a'), options)).rejects.toThrow(refused);
      const { head } = await look(server.url('/a'), options, { proxyIsGuard: true });
      expect(head.equals(body.subarray(0, 65_536))).toBe(true);
      await until('squid has written its log', async () => (await squid.log()).includes(' GET '));
      expect(await squid.log()).toContain(`GET ${server.url('/a')}`);
    } finally {
      await squid.close();
    }
  });
});

describe('the proxy of a zone', () => {
  test('serves hosts without one of their own, and is judged like a source', async () => {
    const [zone, own] = [await proxy(), await proxy()];
    const job = { proxies: { http: zone.url } };
    expect(await look(named(server), known(), job)).toMatchObject({ total: 70_000 });
    expect(zone.asked).toHaveLength(1);
    await look(named(server), { ...known(), proxies: { http: own.url } }, job);
    expect([zone.asked.length, own.asked.length]).toEqual([1, 1]);
    const strict = {
      policy: { denyAddresses: [] },
      resolve: createResolver({ [NAME]: [['10.0.0.1']] }).resolve,
    };
    await expect(look(named(server), strict, job)).rejects.toMatchObject({
      kind: 'NotAllowed',
      rule: 'loopback',
    });
    const inside = { proxies: { http: 'http://169.254.169.254:3128' } };
    await expect(look(named(server), known(), inside)).rejects.toMatchObject({
      kind: 'NotAllowed',
      rule: 'metadata',
    });
    expect(zone.asked).toHaveLength(1);
  });

  test("a proxy of the host's own configuration may run on the host, whatever URLs may", async () => {
    const one = await proxy({ status: () => 403 });
    const options = {
      policy: {},
      resolve: createResolver({ [NAME]: [['10.0.0.1']] }).resolve,
      proxies: { http: one.url },
    };
    await expect(look(named(server), options)).rejects.toMatchObject({ kind: 'Unreachable' });
    expect(one.asked.map(({ target }) => target)).toEqual([`10.0.0.1:${portOf(server)}`]);
    await expect(look('http://127.0.0.1/', options)).rejects.toMatchObject({ rule: 'loopback' });
  });
});

describe('a proxy that is none', () => {
  test.each(['', 'SSH-2.0-OpenSSH_9.2\r\n', 'HTTP/1.1 200 OK'])('%j', async (answer) => {
    const one = createServer((socket) => {
      socket.on('error', () => undefined);
      if (answer === '') socket.destroy();
      else socket.end(answer);
    }).listen(0, '127.0.0.1');
    await once(one, 'listening');
    const url = `http://127.0.0.1:${(one.address() as AddressInfo).port}`;
    await expect(look(named(server), { ...known(), proxies: { http: url } })).rejects.toMatchObject({
      kind: 'Unreachable',
    });
    one.close();
  });

  test('the wait for a silent proxy is as long as that for headers, and an absent proxy is reported', async () => {
    const one = createServer((socket) => void socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    await once(one, 'listening');
    const url = `http://127.0.0.1:${(one.address() as AddressInfo).port}`;
    await expect(
      look(named(server), { ...known(), headersMs: 100, proxies: { http: url } }),
    ).rejects.toMatchObject({
      kind: 'Stalled',
      message: 'cannot be reached: the proxy did not answer within 0.1 s',
    });
    one.close();
    const gone = { ...known(), proxies: { http: 'http://nowhere.example.org:3128' } };
    await expect(look(named(server), gone)).rejects.toMatchObject({
      kind: 'Unreachable',
      message: 'cannot be reached: the proxy has a host name that does not resolve',
    });
  });
});

test('loopback of the policy is what the tests say', () => expect(LOOPBACK).toContain('127.0.0.0/8'));
