import { checkNoProxy, checkProxy, goesAround } from '../../model/proxy.ts';
import {
  entryChecks,
  isLoopback,
  judge,
  judgeAddress,
  judgeRedirect,
  narrow,
  splitPart,
} from '../../model/url-policy.ts';
import type { UrlPolicy } from '../../model/url-policy.ts';

const rule = (address: string, policy: UrlPolicy = {}, port = 443, scheme = 'https'): string =>
  judge(policy, scheme, address, port)?.rule ?? 'allowed';

describe('what no policy says', () => {
  test.each([
    ['93.184.216.34', 'allowed'],
    ['2606:2800:220:1::1', 'allowed'],
    ['10.1.2.3', 'allowed'],
    ['172.31.255.255', 'allowed'],
    ['192.168.0.1', 'allowed'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['::1', 'loopback'],
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['::', 'unspecified'],
    ['169.254.169.254', 'metadata'],
    ['169.254.170.2', 'metadata'],
    ['100.100.100.200', 'metadata'],
    ['192.0.0.192', 'metadata'],
    ['168.63.129.16', 'metadata'],
    ['fd00:ec2::254', 'metadata'],
    ['169.254.1.1', 'link-local'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local'],
    ['100.64.0.1', 'shared'],
    ['fc00::1', 'unique-local'],
    ['fd12:3456::1', 'unique-local'],
    ['224.0.0.1', 'multicast'],
    ['ff02::1', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['240.0.0.1', 'reserved'],
    ['192.0.2.1', 'reserved'],
    ['198.18.0.1', 'reserved'],
    ['2001:db8::1', 'reserved'],
    ['fec0::1', 'reserved'],
    ['4000::1', 'reserved'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:7f00:1', 'loopback'],
    ['::ffff:169.254.169.254', 'metadata'],
    ['::ffff:93.184.216.34', 'allowed'],
    ['::127.0.0.1', 'translated'],
    ['::ffff:0:127.0.0.1', 'translated'],
    ['64:ff9b::7f00:1', 'loopback'],
    ['64:ff9b::169.254.169.254', 'metadata'],
    ['64:ff9b::93.184.216.34', 'allowed'],
    ['64:ff9b:1::1', 'translated'],
    ['2002:7f00:1::1', 'translated'],
    ['2001:0:1:2:3:4:80ff:fffe', 'translated'],
    ['2a00::5efe:7f00:1', 'loopback'],
    ['no address', 'reserved'],
  ])('%s: %s', (address, expected) => {
    expect(rule(address)).toBe(expected);
  });

  test.each([22, 25, 53, 111, 2049, 2379, 3306, 5432, 6379, 7233, 27017])(
    'port %d is that of another service',
    (port) => {
      expect(rule('93.184.216.34', {}, port)).toBe('port');
    },
  );

  test.each([80, 81, 443, 3128, 8000, 8080, 8443, 9000, 49152])('port %d is allowed', (port) => {
    expect(rule('93.184.216.34', {}, port)).toBe('allowed');
  });

  test('NFS has its own ports', () => {
    expect(rule('10.0.0.1', {}, 2049, 'nfs')).toBe('allowed');
    expect(rule('10.0.0.1', {}, 22, 'nfs')).toBe('port');
  });

  test.each(['file', 'ftp', 'gopher', 'data', 'javascript', ''])('scheme %j is refused', (scheme) => {
    expect(rule('93.184.216.34', {}, 443, scheme)).toBe('scheme');
  });
});

describe('a policy', () => {
  test('denies blocks, whatever the spelling of the address', () => {
    const policy = { denyAddresses: ['10.9.0.0/16', '::ffff:10.8.0.0/112'] };
    expect(rule('10.9.1.1', policy)).toBe('denied address');
    expect(rule('::ffff:10.9.1.1', policy)).toBe('denied address');
    expect(rule('64:ff9b::10.9.1.1', policy)).toBe('denied address');
    expect(rule('10.8.1.1', policy)).toBe('denied address');
    expect(rule('10.7.1.1', policy)).toBe('allowed');
  });

  test('allows only what it names, and nothing special by that', () => {
    const policy = { onlyAddresses: ['10.0.0.0/8', '127.0.0.0/8'] };
    expect(rule('10.1.1.1', policy)).toBe('allowed');
    expect(rule('93.184.216.34', policy)).toBe('allowed addresses');
    expect(rule('127.0.0.1', policy)).toBe('loopback');
    expect(rule('93.184.216.34', { onlyAddresses: [] })).toBe('allowed addresses');
  });

  test('opens special addresses, and no others', () => {
    const policy = { openAddresses: ['127.0.0.0/8', '::1/128'] };
    expect(rule('127.0.0.1', policy)).toBe('allowed');
    expect(rule('::1', policy)).toBe('allowed');
    expect(rule('::ffff:127.0.0.1', policy)).toBe('allowed');
    expect(rule('169.254.169.254', policy)).toBe('metadata');
    expect(rule('127.0.0.1', { ...policy, denyAddresses: ['127.0.0.1'] })).toBe('denied address');
  });

  test('has ports', () => {
    expect(rule('10.0.0.1', { onlyPorts: ['443', '6379'] }, 6379)).toBe('port');
    expect(rule('10.0.0.1', { openPorts: ['6379'] }, 6379)).toBe('allowed');
    expect(rule('10.0.0.1', { onlyPorts: ['443'] }, 80)).toBe('port');
    expect(rule('10.0.0.1', { onlyPorts: ['443'], denyPorts: ['400-500'] }, 443)).toBe('denied port');
  });

  test("keeps URLs from Bypass's own parts, and from no other port there", () => {
    const policy = { openAddresses: ['127.0.0.0/8'] };
    const parts = [
      { address: '10.0.0.5', port: 8080 },
      { address: '127.0.0.1', port: 8080 },
    ];
    expect(judgeAddress(policy, '10.0.0.5', 8080, parts)?.rule).toBe('own part');
    expect(judgeAddress(policy, '::ffff:10.0.0.5', 8080, parts)?.rule).toBe('own part');
    expect(judgeAddress(policy, '127.0.0.1', 8080, parts)?.rule).toBe('own part');
    expect(judgeAddress(policy, '10.0.0.5', 8081, parts)).toBeUndefined();
  });

  test('says the rule, and no address', () => {
    const { sentence = '' } = judge({}, 'https', '10.1.2.3', 6379) ?? {};
    expect(sentence).toContain('rule "port"');
    expect(judge({ denyAddresses: ['10.1.2.3'] }, 'https', '10.1.2.3', 443)?.sentence).not.toContain('10.1');
  });
});

describe('narrowing', () => {
  const host: UrlPolicy = {
    schemes: ['http', 'https'],
    onlyAddresses: ['10.0.0.0/8', '127.0.0.0/8'],
    openAddresses: ['127.0.0.0/8'],
    onlyPorts: ['80-9000'],
    denyAddresses: ['10.66.0.0/16'],
  };
  const widening: UrlPolicy = {
    schemes: ['https', 'nfs'],
    onlyAddresses: ['0.0.0.0/0', '::/0'],
    openAddresses: ['0.0.0.0/0', '::/0'],
    onlyPorts: ['1-65535'],
    denyAddresses: [],
    denyPorts: [],
    parts: [],
    allowDowngrade: true,
    proxyIsGuard: true,
  };

  test('is never widening, whatever a job says', () => {
    const schemes = ['http', 'https', 'nfs', 'ftp'];
    const addresses = [
      '10.1.1.1',
      '10.66.1.1',
      '127.0.0.1',
      '169.254.169.254',
      '93.184.216.34',
      '::1',
      '2606::1',
    ];
    const jobs: UrlPolicy[] = [
      {},
      widening,
      { onlyAddresses: ['10.1.0.0/16'] },
      { denyPorts: ['443'] },
      { onlyPorts: [] },
    ];
    for (const job of jobs) {
      for (const scheme of schemes)
        for (const address of addresses)
          for (const port of [22, 443, 8080, 9999]) {
            const narrowed = judge(narrow(host, job), scheme, address, port);
            const where = [job, scheme, address, port];
            if (judge(host, scheme, address, port) !== undefined)
              expect([...where, narrowed?.rule]).not.toContain(undefined);
            const alone = { ...job, openAddresses: ['0.0.0.0/0', '::/0'] };
            if (judge(alone, scheme, address, port) !== undefined)
              expect([...where, narrowed?.rule]).not.toContain(undefined);
          }
    }
    expect(rule('10.0.0.1', narrow({}, widening), 6379)).toBe('port');
    expect(rule('127.0.0.1', narrow({}, widening))).toBe('loopback');
  });

  test('takes flags only where both allow them', () => {
    expect(narrow({}, undefined)).toMatchObject({ allowDowngrade: false, proxyIsGuard: false });
    expect(narrow({}, { allowDowngrade: true, proxyIsGuard: true })).toMatchObject({
      allowDowngrade: true,
      proxyIsGuard: true,
    });
    expect(narrow({ allowDowngrade: false, proxyIsGuard: false }, widening)).toMatchObject({
      allowDowngrade: false,
      proxyIsGuard: false,
    });
  });

  test('joins what is denied, and the parts of Bypass', () => {
    const joined = narrow({ denyPorts: ['1'], parts: ['a:1'] }, { denyPorts: ['2'], parts: ['b:2'] });
    expect(joined).toMatchObject({ denyPorts: ['1', '2'], parts: ['a:1', 'b:2'] });
  });
});

test('redirects', () => {
  expect(judgeRedirect({}, 'https:', 'http:')?.rule).toBe('downgrade');
  expect(judgeRedirect({ allowDowngrade: true }, 'https:', 'http:')).toBeUndefined();
  expect(judgeRedirect({}, 'http:', 'https:')).toBeUndefined();
  expect(judgeRedirect({ followRedirects: false }, 'https:', 'https:')?.rule).toBe('redirect');
  expect(narrow({}, { followRedirects: false }).followRedirects).toBe(false);
  expect(narrow({ followRedirects: false }).followRedirects).toBe(false);
});

test('entries of lists', () => {
  expect(entryChecks.block('10.0.0.0/8')).toBeUndefined();
  expect(entryChecks.block('10.0.0.1/8')).toContain('not an address block');
  expect(entryChecks.ports('0')).toContain('not a port');
  expect(entryChecks.scheme('ftp')).toContain('not one of http, https, nfs');
  expect(entryChecks.part('db')).toContain('with a port');
  expect(splitPart('[::1]:80')).toEqual({ host: '::1', port: 80 });
  expect(isLoopback('::ffff:127.1.1.1')).toBe(true);
  expect(isLoopback('10.0.0.1')).toBe(false);
});

describe('proxies', () => {
  test('are http URLs without a path', () => {
    expect(checkProxy('http://proxy.example.org:3128')).toBeUndefined();
    expect(checkProxy('http://user:secret@proxy.example.org:3128')).toBeUndefined();
    expect(checkProxy('https://user:secret@proxy.example.org')).toBeUndefined();
    for (const wrong of ['proxy:3128', 'ftp://user:secret@p', 'http://p/x', 'socks5://p', '']) {
      expect(checkProxy(wrong)).toEqual(expect.any(String));
      expect(checkProxy(wrong)).not.toContain('secret');
    }
  });

  test.each([
    ['*', 'example.org', true],
    ['example.org', 'example.org', true],
    ['example.org', 'a.example.org', true],
    ['.example.org', 'a.example.org', true],
    ['example.org', 'notexample.org', false],
    ['EXAMPLE.org', 'a.example.org.', true],
    ['10.0.0.0/8', '10.2.3.4', true],
    ['10.0.0.0/8', '11.2.3.4', false],
    ['::1', '::1', true],
    ['example.org:8080', 'example.org', false],
    ['example.org:443', 'example.org', true],
    ['[::1]:443', '::1', true],
  ])('no_proxy %s goes around for %s: %s', (entry, host, expected) => {
    expect(checkNoProxy(entry)).toBeUndefined();
    expect(goesAround([entry], [host], 443)).toBe(expected);
  });

  test('what no_proxy cannot hold is told', () => {
    expect(checkNoProxy('a b')).toContain("'a b' is not");
  });
});
