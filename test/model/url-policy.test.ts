import { schemeCheck } from '../../model/protocols.ts';
import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
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
  judge(policy, PROTOCOLS, { scheme, address, port })?.rule ?? 'allowed';

describe('the rules without any policy', () => {
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

  test.each([80, 81, 443, 3128, 8000, 8080, 8443, 9000, 49151, 49216])('port %d is allowed', (port) => {
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

  test('allows, opens and denies ports', () => {
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
    expect(judgeAddress(policy, '10.0.0.5', 8080, { parts })?.rule).toBe('own part');
    expect(judgeAddress(policy, '::ffff:10.0.0.5', 8080, { parts })?.rule).toBe('own part');
    expect(judgeAddress(policy, '127.0.0.1', 8080, { parts })?.rule).toBe('own part');
    expect(judgeAddress(policy, '10.0.0.5', 8081, { parts })).toBeUndefined();
  });

  test.each(['127.0.0.1', '0.0.0.0', '::', '10.9.9.9'])(
    'keeps URLs from a part that listens at %s of this machine, by whichever of its addresses',
    (address) => {
      const policy = { openAddresses: ['127.0.0.0/8', '::1/128', '10.9.9.9'] };
      const here = { parts: [{ address, port: 8080 }], ownAddresses: ['10.9.9.9'] };
      for (const alias of [
        '127.0.0.1',
        '127.0.0.2',
        '127.255.255.254',
        '::1',
        '::ffff:127.9.9.9',
        '10.9.9.9',
      ]) {
        expect([alias, judgeAddress(policy, alias, 8080, here)?.rule]).toEqual([alias, 'own part']);
        expect([alias, judgeAddress(policy, alias, 8081, here)?.rule]).toEqual([alias, undefined]);
      }
      expect(judgeAddress(policy, '10.9.9.8', 8080, here)).toBeUndefined();
    },
  );

  test("refuses the host's own addresses, unless the host opens them", () => {
    const ownAddresses = ['10.9.9.9', '2606::9'];
    for (const address of ['10.9.9.9', '::ffff:10.9.9.9', '2606::9'])
      expect([address, judgeAddress({}, address, 443, { ownAddresses })?.rule]).not.toEqual([
        address,
        undefined,
      ]);
    expect(judgeAddress({}, '10.9.9.9', 443, { ownAddresses })?.rule).toBe('own address');
    expect(judgeAddress({ openAddresses: ['10.9.9.9'] }, '10.9.9.9', 443, { ownAddresses })).toBeUndefined();
    expect(judgeAddress({}, '10.9.9.8', 443, { ownAddresses })).toBeUndefined();
  });

  test.each([
    ['Consul', 8500],
    ['Vault', 8200],
    ['VNC', 5901],
    ['VNC', 5999],
    ["QEMU's migration", 49_152],
    ["QEMU's migration", 49_215],
    ['NBD', 10_809],
    ['a BMC', 623],
    ['iSCSI', 3260],
    ['Ceph', 6789],
    ['etcd', 2379],
    ['Nomad', 4646],
    ['libvirt', 16_509],
  ])('keeps URLs from the port of %s (%d)', (_, port) => {
    expect(rule('10.0.0.1', {}, port)).toBe('port');
    expect(rule('10.0.0.1', { openPorts: [`${port}`] }, port)).toBe('allowed');
  });

  test('takes a port of migrations for any other where the host opened the address', () => {
    expect(rule('127.0.0.1', { openAddresses: ['127.0.0.0/8'] }, 49_200)).toBe('allowed');
    expect(rule('10.0.0.1', { openAddresses: ['127.0.0.0/8'] }, 49_200)).toBe('port');
  });

  test('names the rule, and no address', () => {
    const { sentence = '' } =
      judge({}, PROTOCOLS, { scheme: 'https', address: '10.1.2.3', port: 6379 }) ?? {};
    expect(sentence).toContain('rule "port"');
    expect(
      judge({ denyAddresses: ['10.1.2.3'] }, PROTOCOLS, { scheme: 'https', address: '10.1.2.3', port: 443 })
        ?.sentence,
    ).not.toContain('10.1');
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
            const narrowed = judge(narrow(host, job), PROTOCOLS, { scheme, address, port });
            const where = [job, scheme, address, port];
            if (judge(host, PROTOCOLS, { scheme, address, port }) !== undefined)
              expect([...where, narrowed?.rule]).not.toContain(undefined);
            const alone = { ...job, openAddresses: ['0.0.0.0/0', '::/0'] };
            if (judge(alone, PROTOCOLS, { scheme, address, port }) !== undefined)
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

  test('joins denied addresses, denied ports and the parts of Bypass', () => {
    const joined = narrow({ denyPorts: ['1'], parts: ['a:1'] }, { denyPorts: ['2'], parts: ['b:2'] });
    expect(joined).toMatchObject({ denyPorts: ['1', '2'], parts: ['a:1', 'b:2'] });
  });
});

test('redirects are refused when they are off, or go from https to http', () => {
  expect(judgeRedirect({}, 'https:', 'http:')?.rule).toBe('downgrade');
  expect(judgeRedirect({ allowDowngrade: true }, 'https:', 'http:')).toBeUndefined();
  expect(judgeRedirect({}, 'http:', 'https:')).toBeUndefined();
  expect(judgeRedirect({ followRedirects: false }, 'https:', 'https:')?.rule).toBe('redirect');
  expect(narrow({}, { followRedirects: false }).followRedirects).toBe(false);
  expect(narrow({ followRedirects: false }).followRedirects).toBe(false);
});

test('a wrong entry of a list is refused with a sentence; parts of Bypass are split into host and port', () => {
  expect(entryChecks.block('10.0.0.0/8')).toBeUndefined();
  expect(entryChecks.block('10.0.0.1/8')).toContain('not an address block');
  expect(entryChecks.ports('0')).toContain('not a port');
  expect(schemeCheck(PROTOCOLS)('ftp')).toContain('not one of http, https, nfs');
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

  test('an entry that no_proxy cannot hold is refused with a sentence', () => {
    expect(checkNoProxy('a b')).toContain("'a b' is not");
  });
});
