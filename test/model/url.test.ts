import { createSources } from '../../images/sources/index.ts';
import {
  displayUrl,
  isMetalinkUrl,
  MAX_URL_LENGTH,
  parseImageUrl,
  splitCredentials,
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

  test('testGetProtocolNfs (13): there is no source for it, and it is refused by name', () => {
    expect(() => createSources().for('nfs://example.org/a.iso')).toThrow("no source knows the scheme 'nfs'");
    expect(() => parseImageUrl('nfs://example.org/a.iso')).toThrow(
      'has scheme nfs; http and https are taken',
    );
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
    [`http://example.org/${'字'.repeat(300)}`, 'is 2719 characters long with everything percent-encoded'],
  ])("'%.40s' is refused", (url, sentence) => {
    expect(() => parseImageUrl(url)).toThrow(sentence);
  });

  test.each([
    'https://example.org/a.qcow2?token=x',
    'http://[2001:db8::1]:8080/a',
    'HTTP://EXAMPLE.ORG/download',
    'http://user:secret@example.org/a',
  ])("'%s' is taken", (url) => {
    expect(parseImageUrl(url).href.toLowerCase()).toContain('http');
  });

  test('is shown and sent without its credentials', () => {
    expect(splitCredentials(new URL('http://us%40er:s%3Acret@example.org/a?b'))).toEqual({
      url: 'http://example.org/a?b',
      username: 'us@er',
      password: 's:cret',
    });
    expect(splitCredentials(new URL('http://example.org/'))).toEqual({ url: 'http://example.org/' });
    expect(displayUrl('https://u:p@example.org/a')).toBe('https://example.org/a');
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
