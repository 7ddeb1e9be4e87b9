import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import {
  configurations,
  findConfiguration,
  headerOriginsOf,
  policyOf,
  timeoutsOf,
} from '../../model/configurations.ts';
import { checkPolicy, judge, narrow } from '../../model/url-policy.ts';

const read = (name: string, value: string): string =>
  findConfiguration(`direct.download.url.${name}`, PROTOCOLS)?.read(value) ?? 'no such setting';

test('every configuration accepts its own default', () => {
  for (const { name, fallback, read: take } of configurations(PROTOCOLS))
    expect([name, take(fallback)]).toEqual([name, fallback]);
  expect(new Set(configurations(PROTOCOLS).map(({ name }) => name)).size).toBe(
    configurations(PROTOCOLS).length,
  );
  expect(findConfiguration('Direct.Download.URL.allow.cidr', PROTOCOLS)?.scope).toBe('Zone');
});

test.each([
  ['allow.cidr', '10.0.0.0/8, fd00::/8 10.0.0.0/8', '10.0.0.0/8,fd00::/8'],
  ['deny.ports', '22, 8000-8999', '22,8000-8999'],
  ['allow.downgrade', 'TRUE', 'true'],
  ['http.proxy', 'http://proxy.example.org:3128/', 'http://proxy.example.org:3128'],
  ['header.origins', 'https://cdn.example.org', 'https://cdn.example.org'],
  ['deny.endpoints', '10.0.0.5:8080', '10.0.0.5:8080'],
])('%s takes %s', (name, value, kept) => {
  expect(read(name, value)).toBe(kept);
});

test.each([
  ['allow.cidr', '10.0.0.1/8', "'10.0.0.1/8' is not an address block"],
  ['deny.cidr', 'example.org', "'example.org' is not an address block"],
  ['allow.ports', '0', "'0' is not a port"],
  ['schemes', 'ftp', "'ftp' is not one of http, https, nfs"],
  ['allow.downgrade', 'yes', "'yes' is neither true nor false"],
  ['http.proxy', 'socks5://proxy', 'the proxy must begin with http:// or https://'],
  ['http.proxy', 'http://u:secret@proxy', 'the proxy has a password in it'],
  ['header.origins', 'https://cdn.example.org/x', 'is not an origin'],
  ['header.origins', 'ftp://cdn', 'is not an origin'],
  ['deny.endpoints', '10.0.0.5', 'is not an address or name with a port'],
])('%s refuses %s', (name, value, sentence) => {
  expect(() => read(name, value)).toThrow(sentence);
  expect(() => read(name, value)).not.toThrow('secret');
});

describe('the policy of a zone', () => {
  test('without values restricts only what needs a permission', () => {
    const policy = policyOf({}, true, PROTOCOLS);
    expect(policy).toEqual({ schemes: ['http', 'https', 'nfs'], allowDowngrade: false, proxyIsGuard: false });
    expect(
      judge(narrow({}, policy), PROTOCOLS, { scheme: 'https', address: '93.184.216.34', port: 443 }),
    ).toBeUndefined();
  });

  test("allows users' templates http and https only, unless an administrator sets other schemes", () => {
    expect(policyOf({}, false, PROTOCOLS).schemes).toEqual(['http', 'https']);
    const [all, users] = ['direct.download.url.schemes', 'direct.download.url.user.schemes'];
    expect(policyOf({ [users]: 'https,nfs' }, false, PROTOCOLS).schemes).toEqual(['https', 'nfs']);
    expect(policyOf({ [all]: 'https', [users]: 'http,https,nfs' }, false, PROTOCOLS).schemes).toEqual([
      'https',
    ]);
    expect(policyOf({ [users]: 'https' }, true, PROTOCOLS).schemes).toEqual(['http', 'https', 'nfs']);
    const nothing = policyOf({ [all]: 'nfs' }, false, PROTOCOLS);
    expect(
      judge(narrow({}, nothing), PROTOCOLS, { scheme: 'nfs', address: '93.184.216.34', port: 2049 })?.rule,
    ).toBe('scheme');
    expect(
      judge(narrow({}, nothing), PROTOCOLS, { scheme: 'https', address: '93.184.216.34', port: 443 })?.rule,
    ).toBe('scheme');
  });

  test('has the values that are set, and a host can read it', () => {
    const policy = policyOf(
      {
        'direct.download.url.allow.cidr': '10.0.0.0/8',
        'direct.download.url.deny.cidr': '10.9.0.0/16',
        'direct.download.url.allow.ports': '443',
        'direct.download.url.deny.ports': '8443',
        'direct.download.url.schemes': 'https',
        'direct.download.url.deny.endpoints': '10.0.0.5:443',
        'direct.download.url.allow.downgrade': 'true',
        'store.download.follow.redirects': 'false',
        'direct.download.url.https.proxy': 'http://proxy:1',
        'direct.download.url.no.proxy': '.local',
        'direct.download.url.proxy.is.guard': 'true',
        'of.another.release': 'x',
      },
      true,
      PROTOCOLS,
    );
    expect(policy).toEqual({
      onlyAddresses: ['10.0.0.0/8'],
      denyAddresses: ['10.9.0.0/16'],
      onlyPorts: ['443'],
      denyPorts: ['8443'],
      schemes: ['https'],
      parts: ['10.0.0.5:443'],
      allowDowngrade: true,
      followRedirects: false,
      proxyIsGuard: true,
      proxies: { https: 'http://proxy:1', none: ['.local'] },
    });
    expect(checkPolicy(policy)).toBeUndefined();
  });

  test('is refused when a host cannot read it', () => {
    for (const wrong of [
      'all',
      null,
      { onlyAddresses: '10.0.0.0/8' },
      { onlyAddresses: ['10.0.0.1/8'] },
      { denyPorts: [443] },
      { proxies: { http: 'socks://x' } },
      { proxies: { none: 'x' } },
    ])
      expect(checkPolicy(wrong)).toEqual(expect.any(String));
  });

  test('names the origins that are trusted with headers', () => {
    expect(headerOriginsOf({ 'direct.download.url.header.origins': 'https://a,https://b' })).toEqual([
      'https://a',
      'https://b',
    ]);
    expect(headerOriginsOf({})).toEqual([]);
  });
});

test("timeouts are CloudStack's, in milliseconds; an empty one leaves that of each host", () => {
  const setting = findConfiguration('direct.download.socket.timeout', PROTOCOLS);
  expect(setting?.read(' 05000 ')).toBe('5000');
  expect(setting?.read('')).toBe('');
  for (const wrong of ['0', '-1', '1.5', '5 s', '3600001'])
    expect(() => setting?.read(wrong)).toThrow(`'${wrong}' is not a whole number from 1 to 3600000`);
  expect(timeoutsOf({ 'direct.download.socket.timeout': '' })).toEqual({});
  expect(
    timeoutsOf({
      'direct.download.connect.timeout': '1000',
      'direct.download.connection.request.timeout': '2000',
      'direct.download.socket.timeout': '3000',
    }),
  ).toEqual({ connectMs: 1000, headersMs: 2000, idleMs: 3000 });
});
