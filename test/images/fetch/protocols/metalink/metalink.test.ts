import { PROTOCOLS } from '../../../../../images/fetch/protocols/registry.ts';
import {
  MAX_MIRRORS,
  METALINK_LIMIT,
  parseMetalink,
} from '../../../../../images/fetch/protocols/metalink/metalink.ts';
import type { Metalink } from '../../../../../images/fetch/protocols/metalink/metalink.ts';

const sha256 = 'ab'.repeat(32);
const v4 = (file: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<metalink xmlns="urn:ietf:params:xml:ns:metalink">${file}</metalink>`;
const v3 = (file: string): string =>
  `<metalink version="3.0" xmlns="http://www.metalinker.org/"><files>${file}</files></metalink>`;
const parse = (text: string): Metalink => parseMetalink(Buffer.from(text), PROTOCOLS);
const urls = (count: number): string =>
  Array.from({ length: count }, (_, n) => `<url>http://m${n}/</url>`).join('');
const attributes = (count: number, prefix = ''): string =>
  Array.from({ length: count }, (_, n) => ` ${prefix}a${n}="u"`).join('');
const invalid = (sentence: string): Error =>
  expect.objectContaining({
    kind: 'MetalinkInvalid',
    message: expect.stringContaining(sentence) as string,
  }) as Error;

describe('HttpsDirectTemplateDownloaderTest', () => {
  test('testGetMetalinkUrls (1): the one URL of a version 4 document is given, with its location', () => {
    const { mirrors } = parse(
      v4('<file name="a.qcow2"><url location="FR" priority="1">http://fr.example.org/a.qcow2</url></file>'),
    );
    expect(mirrors).toEqual([{ url: 'http://fr.example.org/a.qcow2', priority: 1, location: 'fr' }]);
  });
});

describe('version 4', () => {
  test('its mirrors are tried by ascending priority, equal ones as they stand, those without one last', () => {
    const { mirrors } = parse(
      v4(`<file name="x">
        <url>http://none/</url>
        <url priority="20">http://twenty/</url>
        <url priority="3">http://three/</url>
        <url priority="20">http://twenty-again/</url>
      </file>`),
    );
    expect(mirrors.map(({ url, priority }) => [priority, url])).toEqual([
      [1, 'http://three/'],
      [2, 'http://twenty/'],
      [3, 'http://twenty-again/'],
      [4, 'http://none/'],
    ]);
  });

  test('size, the strongest of its hashes, and pieces', () => {
    const metalink = parse(
      v4(`<file name="x"><size> 4096 </size>
        <hash type="md5">${'0'.repeat(32)}</hash>
        <hash type="sha-256">${sha256.toUpperCase()}</hash>
        <hash type="whirlpool">zz</hash>
        <pieces length="2048" type="sha-1"><hash>${'AA'.repeat(20)}</hash><hash>${'bb'.repeat(20)}</hash></pieces>
        <url>http://a/</url></file>`),
    );
    expect(metalink).toMatchObject({
      size: 4096,
      checksum: `{SHA-256}${sha256}`,
      pieces: { algorithm: 'SHA-1', length: 2048, hashes: ['aa'.repeat(20), 'bb'.repeat(20)] },
    });
    expect(metalink.hashes).toHaveLength(2);
  });

  test('the name of the file is not used for anything', () => {
    const metalink = parse(v4('<file name="../../etc/passwd"><url>http://a/</url></file>'));
    expect(JSON.stringify(metalink)).not.toContain('passwd');
  });
});

describe('version 3', () => {
  test('its mirrors are tried by descending preference, those without one last', () => {
    const { mirrors } = parse(
      v3(`<file name="x"><resources>
        <url type="http">http://none/</url>
        <url type="http" preference="10" location="de">http://ten/</url>
        <url type="http" preference="100">http://hundred/</url>
      </resources></file>`),
    );
    expect(mirrors).toEqual([
      { url: 'http://hundred/', priority: 1 },
      { url: 'http://ten/', priority: 2, location: 'de' },
      { url: 'http://none/', priority: 3 },
    ]);
  });

  test('its hashes and pieces lie within its verification', () => {
    const metalink = parse(
      v3(`<file name="x"><size>1500</size>
        <verification><hash type="sha256">${sha256}</hash>
          <pieces length="1024" type="sha1"><hash piece="0">${'00'.repeat(20)}</hash><hash piece="1">${'11'.repeat(20)}</hash></pieces></verification>
        <resources><url>http://a/</url></resources></file>`),
    );
    expect(metalink).toMatchObject({
      size: 1500,
      checksum: `{SHA-256}${sha256}`,
      pieces: { algorithm: 'SHA-1', length: 1024, hashes: ['00'.repeat(20), '11'.repeat(20)] },
    });
  });

  test('the preference of version 3 means nothing in version 4, nor priority in version 3', () => {
    const four = parse(
      v4('<file name="x"><url preference="1">http://a/</url><url preference="100">http://b/</url></file>'),
    );
    const three = parse(
      v3(
        '<file name="x"><resources><url priority="9">http://a/</url><url priority="1">http://b/</url></resources></file>',
      ),
    );
    for (const { mirrors } of [four, three]) {
      expect(mirrors.map(({ url }) => url)).toEqual(['http://a/', 'http://b/']);
    }
  });
});

describe('unusable URLs are reported and not tried', () => {
  test.each([
    ['<url>http://a/file.torrent</url>', 'BitTorrent'],
    ['<url>http://a/file.torrent?x=y</url>', 'BitTorrent'],
    ['<url type="bittorrent">http://a/file</url>', 'BitTorrent'],
    ['<metaurl mediatype="torrent">http://a/file</metaurl>', 'link to another description'],
    ['<url>ftp://a/file</url>', 'has scheme ftp'],
    ['<url>nfs://a/file;rm -rf</url>', 'has a path that is not'],
    ['<url>file:///etc/passwd</url>', 'has scheme file'],
    ['<url></url>', 'is not a URL'],
    ['<url>http://user:secret@a/</url>', 'has a user name in it'],
  ])('%s', (element, reason) => {
    const { mirrors, skipped } = parse(v4(`<file name="x">${element}<url>http://good/</url></file>`));
    expect(mirrors.map(({ url }) => url)).toEqual(['http://good/']);
    expect(skipped).toEqual([expect.objectContaining({ reason: expect.stringContaining(reason) as string })]);
    expect(JSON.stringify(skipped)).not.toContain('secret');
  });

  test('of the same URL one is enough, and of many so many', () => {
    const many = Array.from({ length: MAX_MIRRORS + 2 }, (_, n) => `<url>http://m${n}/</url>`).join('');
    const { mirrors, skipped } = parse(v4(`<file name="x"><url>http://m0/</url>${many}</file>`));
    expect(mirrors).toHaveLength(MAX_MIRRORS);
    expect(skipped.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('is one too many'),
      expect.stringContaining('is one too many'),
    ]);
  });

  test('what cannot be decoded or is too long spoils no other, and is not repeated in full', () => {
    const bad = '<url>http://%zz:%zz@h/</url>';
    const long = `<url>http://h/${'a'.repeat(1_000_000)}</url><url>http://h/${'字'.repeat(1000)}</url>`;
    const { mirrors, skipped } = parse(v4(`<file name="x">${bad}${long}<url>http://good/</url></file>`));
    expect(mirrors.map(({ url }) => url)).toEqual(['http://good/']);
    expect(skipped.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('user name'),
      expect.stringContaining('characters long'),
      expect.stringContaining('characters long'),
    ]);
    expect(JSON.stringify(skipped).length).toBeLessThan(2000);
  });

  test('elements of other namespaces are passed over', () => {
    const { mirrors } = parse(
      v4('<file name="x"><url>http://a/</url><o:url xmlns:o="urn:other">http://b/</o:url></file>'),
    );
    expect(mirrors.map(({ url }) => url)).toEqual(['http://a/']);
  });
});

describe('a document that is refused', () => {
  test.each([
    ['two files', v4('<file name="a"><url>http://a/</url></file><file name="b"/>'), 'more than one file'],
    ['no file', v4(''), 'names no file'],
    ['another document', '<html xmlns="http://www.w3.org/1999/xhtml"></html>', 'is another kind of document'],
    ['no XML', '{"a": 1}', 'not well-formed XML'],
    ['cut short', v4('<file name="x"><url>http://a/</url></file>').slice(0, -5), 'not well-formed XML'],
    [
      'a DOCTYPE',
      `<!DOCTYPE metalink [<!ENTITY x SYSTEM "file:///etc/passwd">]>${v3('<file name="x"/>')}`,
      'has a DOCTYPE',
    ],
    ['an entity', v4('<file name="x"><url>&xxe;</url></file>'), 'not well-formed XML'],
    ['a priority', v4('<file name="x"><url priority="x">http://a/</url></file>'), "priority 'x'"],
    ['a priority of 0', v4('<file name="x"><url priority="0">http://a/</url></file>'), "priority '0'"],
    [
      'a preference',
      v3('<file name="x"><resources><url preference="-1">http://a/</url></resources></file>'),
      "preference '-1'",
    ],
    ['a size', v4('<file name="x"><size>4 GB</size><url>http://a/</url></file>'), "size '4 GB'"],
    ['a size of nothing', v4('<file name="x"><size/><url>http://a/</url></file>'), "size ''"],
    ['a wrong hash', v4('<file name="x"><hash type="sha-256">abc</hash></file>'), 'has a wrong hash'],
    ['a deep nest', v4(`<file>${'<a>'.repeat(20)}${'</a>'.repeat(20)}</file>`), 'nests elements deeper than'],
    ['many URLs', v4(`<file name="x">${urls(1001)}</file>`), 'names more than 1000 URLs'],
    [
      'many hashes',
      v4(`<file name="x">${`<hash type="sha-256">${sha256}</hash>`.repeat(1001)}</file>`),
      'has more than 1000 hashes',
    ],
    ['many attributes', v4(`<file name="x"${attributes(101)}/>`), 'more than 100 attributes'],
    ['many namespaces', v4(`<file name="x"${attributes(101, 'xmlns:')}/>`), 'more than 100 attributes'],
    ['an empty document', '', 'not well-formed XML'],
  ])('%s', (_name, text, sentence) => {
    expect(() => parse(text)).toThrow(invalid(sentence));
  });

  test('with text that is not UTF-8 is refused', () => {
    expect(() => parseMetalink(Buffer.from([0x3c, 0xff, 0xfe]), PROTOCOLS)).toThrow(invalid('is not UTF-8'));
  });

  test('of more than the maximum length is refused', () => {
    expect(() => parseMetalink(Buffer.alloc(METALINK_LIMIT + 1, 0x20), PROTOCOLS)).toThrow(
      invalid('is longer than'),
    );
  });
});

const sha1 = (digits: string): string => `<hash>${digits.repeat(20)}</hash>`;
const list = (type: string, length: number, hashes: string): string =>
  `<pieces type="${type}" length="${length}">${hashes}</pieces>`;
const piecesOf = (lists: string, size = '<size>2048</size>') =>
  parse(v4(`<file name="x">${size}${lists}<url>http://a/</url></file>`)).pieces;

describe('pieces', () => {
  test('of several lists the strongest that fits counts, and each keeps its own hashes', () => {
    const weak = list('sha-1', 1024, sha1('aa') + sha1('bb'));
    const strong = list('sha-512', 2048, `<hash>${'cc'.repeat(64)}</hash>`);
    const unknown = list('whirlpool', 2048, `<hash>${'dd'.repeat(64)}</hash>`);
    expect(piecesOf(strong + weak + unknown)).toMatchObject({
      algorithm: 'SHA-512',
      hashes: ['cc'.repeat(64)],
    });
    const short = list('sha-512', 1024, `<hash>${'cc'.repeat(64)}</hash>`);
    expect(piecesOf(short + weak)).toMatchObject({
      algorithm: 'SHA-1',
      hashes: ['aa'.repeat(20), 'bb'.repeat(20)],
    });
  });

  test.each([
    ['fewer than the file has', list('sha-1', 1024, sha1('aa'))],
    ['more than the file has', list('sha-1', 1024, sha1('aa') + sha1('bb') + sha1('cc'))],
    ['one of another length', list('sha-1', 1024, `${sha1('aa')}<hash>bb</hash>`)],
    ['one that is no hexadecimal number', list('sha-1', 1024, sha1('aa') + sha1('xy'))],
    ['too short to be of use', list('sha-1', 16, sha1('aa').repeat(128))],
    ['no length', list('sha-1', 0, sha1('aa') + sha1('bb'))],
  ])('%s: no pieces are used, the rest of the document is, and a note says so', (_name, lists) => {
    const { pieces, remarks, mirrors } = parse(
      v4(`<file name="x"><size>2048</size>${lists}<url>http://a/</url></file>`),
    );
    expect([pieces, mirrors.length]).toEqual([undefined, 1]);
    expect(remarks).toEqual([expect.stringMatching(/^the hashes of its pieces cannot be used: /)]);
  });

  test('without the size of the file, or out of order (version 3): none are used', () => {
    expect(piecesOf(list('sha-1', 1024, sha1('aa') + sha1('bb')), '')).toBeUndefined();
    const wrong = `<hash piece="1">${'aa'.repeat(20)}</hash><hash piece="0">${'bb'.repeat(20)}</hash>`;
    expect(piecesOf(list('sha-1', 1024, wrong))).toBeUndefined();
  });
});
