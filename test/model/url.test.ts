import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { createSources } from '../../images/fetch/sources.ts';
import {
  displayUrl,
  isShownUrl,
  isMetalinkUrl,
  MAX_URL_LENGTH,
  parseImageUrl,
  splitCredentials,
  UrlSyntaxError,
} from '../../model/url.ts';

describe('DirectDownloadManagerImplTest: the protocol of a URL', () => {
  test('testGetProtocolMetalink (10): by its path, whatever the query and the case', () => {
    expect(isMetalinkUrl('http://example.org/a.metalink')).toBe(true);
    expect(isMetalinkUrl('https://example.org/a.META4?x=y.iso')).toBe(true);
    expect(isMetalinkUrl('https://example.org/a.iso?file=a.metalink')).toBe(false);
  });

  test('testGetProtocolHttp (11) and testGetProtocolHttps (12)', () => {
    const sources = createSources();
    expect(sources.for('http://example.org/a.iso')).toBe(sources.for('https://example.org/a.iso'));
  });

  test('testGetProtocolNfs (13)', () => {
    const sources = createSources();
    const nfs = sources.for('nfs://example.org/a.iso');
    expect(nfs).not.toBe(sources.for('http://example.org/a.iso'));
    expect(() => sources.for('smb://example.org/a.iso')).toThrow("no source knows the scheme 'smb'");
  });
});

const refused = (url: string, sentence: string): void =>
  expect(() => parseImageUrl(url, PROTOCOLS)).toThrow(sentence);

describe('NfsDirectTemplateDownloaderTest: an NFS URL', () => {
  test.each([
    'nfs://nfs.example.org/exports/images/a.qcow2',
    'nfs://10.0.0.5:12049/exports/a-1.2_x86+64~rc1.iso?version=3',
    'nfs://[2001:db8::1]/exports/a.iso?version=4',
  ])('testValidNfsUrlIsAccepted: %s', (url) => {
    expect(parseImageUrl(url, PROTOCOLS).href).toBe(url);
  });

  test('testRejectsSemicolonInPath', () => refused('nfs://h/exports/a;reboot', 'letters, digits and'));
  test('testRejectsCommandSubstitutionInPath', () => refused('nfs://h/$(id)', 'letters, digits and'));
  test('testRejectsBacktickInPath', () => refused('nfs://h/`id`', 'letters, digits and'));
  test('testRejectsPipeInPath', () => refused('nfs://h/a|id', 'letters, digits and'));
  test('testRejectsHostStartingWithDash', () => refused('nfs://-oProxy/a/b', 'no host name or address'));
  test('testRejectsPathTraversal', () => {
    refused('nfs://h/exports/../etc/shadow', "'.' or '..'");
    refused('nfs://h/exports/..', "'.' or '..'");
    refused('nfs://h/exports/%2e%2e/etc/shadow', 'letters, digits and');
  });

  test.each([
    ['nfs://h', 'has a path'],
    ['nfs://h/', 'has a path'],
    ['nfs://h/a/', 'has a path'],
    ['nfs://h//a', 'has a path'],
    ['nfs://h/a b', 'has a path'],
    ['nfs://h/a\nb', 'has a path'],
    ['nfs://h/a%20b', 'has a path'],
    ['nfs://h/\u00e4', 'has a path'],
    ['nfs://h$(id)/a', 'host'],
    ['nfs://u:p@h/a', 'has a user name'],
    ['nfs://h:0/a', 'has port 0'],
    ['nfs://h/a?uid=0', 'has a query'],
    ['nfs://h/a?version=4&debug=9', 'has a query'],
    ['nfs://h/a#b', 'has a query or fragment'],
    ['nfs:/h/a', 'host'],
  ])('%j is refused', (url, sentence) => {
    expect(() => parseImageUrl(url, PROTOCOLS)).toThrow(UrlSyntaxError);
    expect(() => parseImageUrl(url, PROTOCOLS)).toThrow(sentence);
  });
});

describe('a URL that is registered', () => {
  test.each([
    ['', 'is not a URL'],
    ['example.org/a', 'is not a URL'],
    ['http://', 'is not a URL'],
    ['file:///etc/passwd', 'has scheme file'],
    ['javascript:alert(1)', 'has scheme javascript'],
    ['http://example.org:0/a', 'has port 0'],
    [`http://example.org/${'a'.repeat(MAX_URL_LENGTH)}`, `at most ${MAX_URL_LENGTH} are taken`],
    [`http://example.org/${'字'.repeat(1000)}`, 'is 9019 characters long with everything percent-encoded'],
  ])("'%.40s' is refused", (url, sentence) => {
    expect(() => parseImageUrl(url, PROTOCOLS)).toThrow(sentence);
  });

  test.each([
    'https://example.org/a.qcow2?token=x',
    'http://[2001:db8::1]:8080/a',
    'HTTP://EXAMPLE.ORG/download',
    'http://user:secret@example.org/a',
    `https://example.org/a?X-Amz-Security-Token=${'a'.repeat(8000)}`,
  ])("'%.60s' is taken", (url) => {
    expect(parseImageUrl(url, PROTOCOLS).href.toLowerCase()).toContain('http');
  });

  test('is shown and sent without its credentials', () => {
    expect(splitCredentials(new URL('http://us%40er:s%3Acret@example.org/a?b'))).toEqual({
      url: 'http://example.org/a?b',
      username: 'us@er',
      password: 's:cret',
    });
    expect(splitCredentials(new URL('http://example.org/'))).toEqual({ url: 'http://example.org/' });
    expect(displayUrl('https://u:p@example.org/a')).toBe('https://example.org/a');
  });

  test.each([
    ['https://u:p@h/a.qcow2?X-Amz-Signature=token#part', 'https://h/a.qcow2?…'],
    ['https://h/a?…', 'https://h/a?…'],
    ['https://h/a?', 'https://h/a?'],
    ['nfs://h/a?version=4', 'nfs://h/a?version=4'],
    ['http://[no address/a?sig=token', 'http://[no address/a?…'],
    [`http://h/a?${'token'.repeat(100_000)}`, 'http://h/a?…'],
  ])('its query, which may be a token, is shown nowhere: %.40s', (url, shown) => {
    expect(displayUrl(url)).toBe(shown);
    expect(displayUrl(displayUrl(url))).toBe(shown);
    if (URL.canParse(shown)) expect(isShownUrl(new URL(shown))).toBe(shown.endsWith('…'));
  });

  test('is shown without control characters', () => {
    expect(displayUrl('no\nurl')).toBe('no?url');
  });

  test('never throws, is never long, and shows no credentials, whatever it is given', () => {
    expect(displayUrl('http://%zz:%zz@example.org/a')).toBe('http://example.org/a');
    expect(displayUrl('http://user:secret@exa mple.org/a')).toBe('http://exa mple.org/a');
    expect(displayUrl(`http://user:secret@h/${'a'.repeat(10_000_000)}`)).toBe(
      `http://h/${'a'.repeat(191)}...`,
    );
    expect(displayUrl(`http://${'u'.repeat(5000)}:secret@h/a`)).toBe('http://h/a');
    expect(displayUrl(`http://h/${'字'.repeat(2000)}`).length).toBeLessThanOrEqual(203);
  });
});
