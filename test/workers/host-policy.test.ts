import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { pino } from 'pino';
import { judge, narrow } from '../../model/url-policy.ts';
import { announcePolicy, hostPolicy, hostProxies } from '../../workers/host-policy.ts';
import { readSettings, SettingError } from '../../workers/settings.ts';
import type { Flags } from '../../workers/settings.ts';

const policy = (given: Flags = {}) => hostPolicy(readSettings(given, {}), 'temporal.example.org:7233');
const rule = (given: Flags, address: string, port = 443, scheme = 'https'): string | undefined =>
  judge(policy(given), PROTOCOLS, { scheme, address, port })?.rule;

describe('the policy of a host', () => {
  test('is strict when nothing is set, and leaves flags to the zone', () => {
    expect(rule({}, '93.184.216.34')).toBeUndefined();
    expect(rule({}, '10.1.2.3', 80, 'http')).toBeUndefined();
    expect(rule({}, '127.0.0.1')).toBe('loopback');
    expect(rule({}, '10.1.2.3', 6379)).toBe('port');
    expect(narrow(policy(), { allowDowngrade: true })).toMatchObject({
      allowDowngrade: true,
      proxyIsGuard: false,
    });
    expect(policy().parts).toEqual(['temporal.example.org:7233']);
  });

  test('follows its settings', () => {
    expect(rule({ urlAllow: 'fd00::/8, 127.0.0.0/8' }, '127.0.0.1')).toBeUndefined();
    expect(rule({ urlAllow: 'fd00::/8' }, 'fd12::1')).toBeUndefined();
    expect(rule({ urlOnly: '10.0.0.0/8' }, '93.184.216.34')).toBe('allowed addresses');
    expect(rule({ urlDeny: '10.0.0.0/8,db.example.org:5432,[fd00::1]:80' }, '10.0.0.1')).toBe(
      'denied address',
    );
    expect(
      policy({ urlDeny: '10.0.0.0/8,db.example.org:5432,[fd00::1]:80', healthPort: '9100' }).parts,
    ).toEqual(['db.example.org:5432', '[fd00::1]:80', 'temporal.example.org:7233', '127.0.0.1:9100']);
    expect(rule({ urlPorts: '443,6379' }, '10.0.0.1', 6379)).toBeUndefined();
    expect(rule({ urlPorts: '443,6379' }, '10.0.0.1', 80)).toBe('port');
    expect(rule({ urlDenyPorts: '443' }, '10.0.0.1')).toBe('denied port');
    expect(rule({ urlSchemes: 'https' }, '10.0.0.1', 80, 'http')).toBe('scheme');
    const never = policy({ urlDowngrade: 'never', proxyGuard: 'never' });
    const job = { allowDowngrade: true, proxyIsGuard: true };
    expect(narrow(never, job)).toMatchObject({ allowDowngrade: false, proxyIsGuard: false });
  });

  test.each([
    [
      { urlAllow: '10.0.0.1/8' },
      "--url-allow (or BYPASS_URL_ALLOW) is not right: '10.0.0.1/8' is not an address block",
    ],
    [{ urlDeny: 'example.org' }, "'example.org' is not an address block"],
    [{ urlPorts: '99999' }, "'99999' is not a port"],
    [{ urlSchemes: 'ftp' }, "'ftp' is not one of http, https, nfs"],
    [{ urlDowngrade: 'always' }, 'must be zone or never'],
  ] as const)('refuses the settings %j', (given, sentence) => {
    expect(() => policy(given)).toThrow(SettingError);
    expect(() => policy(given)).toThrow(sentence);
  });

  test('warns in the log when it allows loopback', () => {
    const lines: string[] = [];
    const logger = pino({}, { write: (line) => void lines.push(line) });
    announcePolicy(readSettings({}, {}), logger);
    expect(lines).toEqual([]);
    announcePolicy(readSettings({ urlAllow: '127.0.0.0/8' }, {}), logger);
    expect(lines.join('')).toContain('URLs may lead to 127.0.0.0/8, loopback among them');
  });
});

const of = (environment: NodeJS.ProcessEnv) => hostProxies(readSettings({}, environment));
const wrong = () => hostProxies(readSettings({ httpsProxy: 'socks5://u:secret@proxy:1' }, {}));

describe('proxies', () => {
  test("are read from Bypass's variables, else from the usual ones", () => {
    expect(of({})).toEqual({ none: [] });
    expect(
      of({
        http_proxy: 'proxy:3128',
        HTTPS_PROXY: 'http://u:p@proxy:3129/',
        no_proxy: 'localhost, .example.org',
      }),
    ).toEqual({
      http: 'http://proxy:3128',
      https: 'http://u:p@proxy:3129/',
      none: ['localhost', '.example.org'],
    });
    expect(of({ http_proxy: 'http://other', BYPASS_HTTP_PROXY: 'http://ours' })).toMatchObject({
      http: 'http://ours',
    });
  });

  test('that cannot be used are refused, and the message hides their password', () => {
    expect(wrong).toThrow('--https-proxy (or BYPASS_HTTPS_PROXY) must begin with http:// or https://');
    expect(wrong).not.toThrow('secret');
  });
});
