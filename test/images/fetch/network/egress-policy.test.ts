/** The policy at connect time: what is judged is what is connected to. */
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { once } from 'node:events';
import type { Denied } from '../../../../images/fetch/network/egress-policy.ts';
import type { HttpOptions } from '../../../../images/fetch/protocols/http/http-options.ts';
import { createSources } from '../../../../images/fetch/sources.ts';
import { createNfsSource } from '../../../../images/fetch/protocols/nfs/nfs.ts';
import type { SourceHead } from '../../../../images/fetch/protocol.ts';
import { fixedTrust } from '../../../../images/fetch/network/trust.ts';
import type { Secrets } from '../../../../model/source.ts';
import { LOOPBACK } from '../../../../model/url-policy.ts';
import type { UrlPolicy } from '../../../../model/url-policy.ts';
import { selfSigned } from '../../../support/certificates.ts';
import { startImageServer } from '../../../support/image-server.ts';
import type { ImageServer } from '../../../support/image-server.ts';
import { rawDisk } from '../../../support/images.ts';
import { createResolver } from '../../../support/resolver.ts';

const body = rawDisk(70_000);
const signal = new AbortController().signal;
const certificate = selfSigned();
let server: ImageServer;
beforeEach(async () => {
  server = await startImageServer();
  server.serve('/a', { body });
});
afterEach(() => server.close());

const portOf = (origin: string): string => new URL(origin).port;
/** Of the two addresses that the tests play with, this one is allowed and is where servers are; the other is not. */
const GOOD = '127.0.0.1';
const BAD = '127.0.0.2';
const onlyGood: UrlPolicy = { openAddresses: [`${GOOD}/32`] };

const look = (
  url: string,
  options: HttpOptions = { policy: onlyGood },
  job?: UrlPolicy,
  secrets?: Secrets,
): Promise<SourceHead> =>
  createSources(options).under({ policy: job }).for(url).probe({ url, secrets, signal });

const denied = (rule: string): unknown => expect.objectContaining({ kind: 'NotAllowed', rule });

async function listener(
  address: string,
  port: number,
): Promise<{ readonly server: Server; readonly taken: () => number }> {
  let taken = 0;
  const one = createServer((socket) => {
    taken += 1;
    socket.destroy();
  }).listen(port, address);
  await once(one, 'listening');
  return { server: one, taken: () => taken };
}

describe('every form of SSRF of a literal address', () => {
  test.each([
    ['http://127.0.0.1/', 'loopback'],
    ['http://127.1/', 'loopback'],
    ['http://2130706433/', 'loopback'],
    ['http://0x7f000001/', 'loopback'],
    ['http://0x7f.0.0.1/', 'loopback'],
    ['http://0177.0.0.1/', 'loopback'],
    ['http://017700000001/', 'loopback'],
    ['http://[::1]/', 'loopback'],
    ['http://[::ffff:127.0.0.1]/', 'loopback'],
    ['http://[::ffff:7f00:1]/', 'loopback'],
    ['http://[64:ff9b::127.0.0.1]/', 'loopback'],
    ['http://[::127.0.0.1]/', 'translated'],
    ['http://[2002:7f00:1::]/', 'translated'],
    ['http://[2001:0:1:2:3:4:80ff:fffe]/', 'translated'],
    ['http://127.0.0.1./', 'loopback'],
    ['http://①②⑦.0.0.1/', 'loopback'],
    ['http://localhost/', 'loopback'],
    ['http://LOCALHOST./', 'loopback'],
    ['http://0/', 'unspecified'],
    ['http://0.0.0.0:1234/', 'unspecified'],
    ['http://[::]/', 'unspecified'],
    ['http://169.254.169.254/latest/meta-data/', 'metadata'],
    ['http://2852039166/latest/meta-data/', 'metadata'],
    ['http://[::ffff:169.254.169.254]/', 'metadata'],
    ['http://[fd00:ec2::254]/', 'metadata'],
    ['http://[fe80::1]/', 'link-local'],
    ['http://[fc00::1]/', 'unique-local'],
    ['http://224.0.0.1/', 'multicast'],
    ['http://255.255.255.255/', 'broadcast'],
    ['http://user:password@127.0.0.1/', 'loopback'],
    ['http://example.org@127.0.0.1/', 'loopback'],
    ['http://127.0.0.1:6379/', 'port'],
    ['http://10.0.0.1:22/', 'port'],
    ['https://10.0.0.1:25/', 'port'],
    ['http://10.0.0.1:7233/', 'port'],
  ])('%s is refused, rule %s, also as the target of a redirect', async (url, rule) => {
    await expect(look(url, {})).rejects.toEqual(denied(rule));
    server.serve('/redirect', { redirectTo: url });
    const opened = { policy: { openAddresses: ['127.0.0.1/32'] } };
    if (!/loopback|port/.test(rule))
      await expect(look(server.url('/redirect'), opened)).rejects.toEqual(denied(rule));
  });

  test.each(['127.0.0.1', '2130706433', '0x7f.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]'])(
    'an NFS server at %s is refused before a program runs',
    async (host) => {
      const nfsPrograms = { cat: '/none/nfs-cat', ls: '/none/nfs-ls' };
      const opening = createNfsSource({ nfsPrograms }).open({ url: `nfs://${host}/a`, signal });
      await expect(opening).rejects.toEqual(denied('loopback'));
    },
  );

  test.each(['file:///etc/passwd', 'ftp://10.0.0.1/', 'gopher://10.0.0.1/', 'data:,x', 'nfs://10.0.0.1/a'])(
    'a redirect to %s is not followed',
    async (redirectTo) => {
      server.serve('/redirect', { redirectTo });
      await expect(look(server.url('/redirect'))).rejects.toEqual(denied('scheme'));
    },
  );
});

const at = (name: string): string => `http://${name}:${portOf(server.origin)}/a`;

describe('a name', () => {
  test('is judged by what it resolves to, before a packet leaves', async () => {
    const port = Number(portOf(server.origin));
    const bad = await listener(BAD, port);
    const { resolve, asked } = createResolver({ 'inside.example.org': [[BAD]] });
    const log: Denied[] = [];
    const options = { policy: onlyGood, resolve, onDenied: (one: Denied) => void log.push(one) };
    const looking = look(at('inside.example.org'), options);
    await expect(looking).rejects.toEqual(denied('loopback'));
    // The caller does not learn the addresses of names in this network; the log of the host has them.
    await expect(looking).rejects.not.toThrow(BAD);
    expect(log).toEqual([
      expect.objectContaining({ rule: 'loopback', address: BAD, url: at('inside.example.org') }),
    ]);
    expect([asked, bad.taken()]).toEqual([['inside.example.org'], 0]);
    bad.server.close();
  });

  test('with good and bad addresses is reached at the good ones only', async () => {
    const bad = await listener(BAD, Number(portOf(server.origin)));
    const { resolve } = createResolver({ 'mixed.example.org': [[BAD, '169.254.169.254', GOOD, '::1']] });
    for (let n = 0; n < 3; n += 1) {
      expect(await look(at('mixed.example.org'), { policy: onlyGood, resolve })).toMatchObject({
        total: 70_000,
      });
    }
    expect(bad.taken()).toBe(0);
    bad.server.close();
  });

  test('that changes between judging and connecting (rebinding) gains nothing: it is asked for once', async () => {
    const bad = await listener(BAD, Number(portOf(server.origin)));
    const { resolve, asked } = createResolver({ 'rebind.example.org': [[GOOD], [BAD]] });
    expect(await look(at('rebind.example.org'), { policy: onlyGood, resolve })).toMatchObject({
      total: 70_000,
    });
    expect(asked).toEqual(['rebind.example.org']);
    await expect(look(at('rebind.example.org'), { policy: onlyGood, resolve })).rejects.toEqual(
      denied('loopback'),
    );
    expect(bad.taken()).toBe(0);
    bad.server.close();
  });

  test('that changes between two hops (rebinding) is judged again', async () => {
    server.serve('/first', { redirectTo: '/a' });
    const { resolve } = createResolver({ 'rebind.example.org': [[GOOD], [BAD]] });
    const url = at('rebind.example.org').replace('/a', '/first');
    await expect(look(url, { policy: onlyGood, resolve })).rejects.toEqual(denied('loopback'));
    expect(server.seen('/a').requests).toHaveLength(0);
  });

  test('without an address, or that does not resolve, is reported as unreachable', async () => {
    const { resolve } = createResolver({ 'empty.example.org': [[]] });
    await expect(look(at('empty.example.org'), { resolve })).rejects.toMatchObject({ kind: 'Unreachable' });
    await expect(look(at('none.example.org'), { resolve })).rejects.toMatchObject({
      kind: 'Unreachable',
      message: 'has a host name that does not resolve',
    });
  });

  test('of an NFS server is resolved once, and the program connects to what was judged', async () => {
    const { resolve, asked } = createResolver({ 'nfs.example.org': [[BAD, GOOD], [BAD]] });
    // The program shows what it was called with as its failure.
    const nfsPrograms = { cat: '/bin/false', ls: '/bin/echo' };
    const source = createNfsSource({ policy: onlyGood, resolve, nfsPrograms });
    await expect(source.open({ url: 'nfs://nfs.example.org/x', signal })).rejects.toMatchObject({
      kind: 'NotFound',
    });
    expect(asked).toEqual(['nfs.example.org']);
    await expect(source.open({ url: 'nfs://nfs.example.org/x', signal })).rejects.toEqual(denied('loopback'));
  });
});

describe('the policy of a job', () => {
  test('narrows that of the host', async () => {
    const url = server.url('/a');
    expect(await look(url)).toMatchObject({ total: 70_000 });
    await expect(look(url, undefined, { denyAddresses: ['127.0.0.0/8'] })).rejects.toEqual(
      denied('denied address'),
    );
    await expect(look(url, undefined, { onlyAddresses: ['10.0.0.0/8'] })).rejects.toEqual(
      denied('allowed addresses'),
    );
    await expect(look(url, undefined, { onlyPorts: ['443'] })).rejects.toEqual(denied('port'));
    await expect(look(url, undefined, { denyPorts: [portOf(url)] })).rejects.toEqual(denied('denied port'));
    await expect(look(url, undefined, { schemes: ['https'] })).rejects.toEqual(denied('scheme'));
    expect(server.seen('/a').requests).toHaveLength(1);
  });

  test('never widens it', async () => {
    const wide = {
      openAddresses: LOOPBACK,
      onlyAddresses: ['0.0.0.0/0'],
      onlyPorts: ['1-65535'],
      openPorts: ['1-65535'],
    };
    await expect(look(server.url('/a'), {}, wide)).rejects.toEqual(denied('loopback'));
    await expect(look('http://10.0.0.1:6379/', {}, wide)).rejects.toEqual(denied('port'));
  });

  test.each([
    ['by address', '127.0.0.1'],
    ['by name', 'temporal.example.org'],
    ['at another address of this machine', '127.0.0.9'],
  ])("keeps URLs from Bypass's own parts, known %s, although loopback is open", async (_, host) => {
    const { resolve } = createResolver({ 'temporal.example.org': [['127.0.0.1']] });
    const policy = { openAddresses: LOOPBACK, parts: [`${host}:${portOf(server.origin)}`] };
    await expect(look(server.url('/a'), { policy, resolve })).rejects.toEqual(denied('own part'));
    await expect(
      look(server.url('/a'), { policy: { openAddresses: LOOPBACK }, resolve }, { parts: policy.parts }),
    ).rejects.toEqual(denied('own part'));
    expect(server.seen('/a').requests).toHaveLength(0);
    const another = { ...policy, parts: [`${host}:1`] };
    expect(await look(server.url('/a'), { policy: another, resolve })).toMatchObject({ total: 70_000 });
  });
});

const withUnknownPart = (port: string): UrlPolicy => ({
  openAddresses: LOOPBACK,
  parts: [`unknown.example.org:${port}`, `192.0.2.7:${port}`],
});

describe('a part of Bypass whose name the host cannot resolve', () => {
  const { resolve } = createResolver({});

  test('closes its port, since any address may be the one of that part, and says what would help', async () => {
    const policy = withUnknownPart(portOf(server.origin));
    await expect(look(server.url('/a'), { policy, resolve })).rejects.toMatchObject({
      kind: 'Unreachable',
      rule: 'own part',
      message: expect.stringMatching(/cannot resolve unknown\.example\.org.*make the host resolve/),
    });
    expect(server.seen('/a').requests).toHaveLength(0);
  });

  test('closes no other port', async () => {
    expect(await look(server.url('/a'), { policy: withUnknownPart('1'), resolve })).toMatchObject({
      total: 70_000,
    });
  });
});

describe('redirects', () => {
  let secure: ImageServer;
  const trusting = { policy: onlyGood, trust: fixedTrust([certificate.cert]) };
  beforeEach(async () => {
    secure = await startImageServer(certificate);
  });
  afterEach(() => secure.close());

  test('from https to http are followed only where host and zone allow it', async () => {
    secure.serve('/down', { redirectTo: server.url('/a') });
    await expect(look(secure.url('/down'), trusting)).rejects.toEqual(denied('downgrade'));
    expect(server.seen('/a').requests).toHaveLength(0);
    expect(await look(secure.url('/down'), trusting, { allowDowngrade: true })).toMatchObject({
      total: 70_000,
    });
    const strict = { ...trusting, policy: { ...onlyGood, allowDowngrade: false } };
    await expect(look(secure.url('/down'), strict, { allowDowngrade: true })).rejects.toEqual(
      denied('downgrade'),
    );
  });

  test('are followed up to 10', async () => {
    for (let n = 1; n <= 11; n += 1) server.serve(`/r${n}`, { redirectTo: n === 1 ? '/a' : `/r${n - 1}` });
    expect(await look(server.url('/r10'))).toMatchObject({ total: 70_000 });
    await expect(look(server.url('/r11'))).rejects.toMatchObject({ kind: 'TooManyRedirects' });
  });

  test('take credentials and headers to another origin only where that is listed', async () => {
    const other = await startImageServer();
    other.serve('/b', { body });
    server.serve('/go', { redirectTo: other.url('/b') });
    const headers = [
      { name: 'X-Token', value: 'sesame' },
      { name: 'Cookie', value: 'a=b' },
      { name: 'Authorization', value: 'Bearer x' },
    ];
    const secrets: Secrets = { v: 1, origin: server.origin, headers };
    await look(server.url('/go'), undefined, undefined, secrets);
    await look(server.url('/go'), undefined, undefined, { ...secrets, alsoFor: ['http://127.0.0.1:1'] });
    for (const seen of other.seen('/b').requests) {
      for (const name of ['x-token', 'cookie', 'authorization', 'referer'])
        expect(seen).not.toHaveProperty(name);
    }
    await look(server.url('/go'), undefined, undefined, { ...secrets, alsoFor: [other.origin] });
    const sent = { 'x-token': 'sesame', cookie: 'a=b', authorization: 'Bearer x' };
    expect(other.seen('/b').requests[2]).toMatchObject(sent);
    expect(server.seen('/go').requests).toEqual(Array(3).fill(expect.objectContaining(sent)));
    await other.close();
  });
});
