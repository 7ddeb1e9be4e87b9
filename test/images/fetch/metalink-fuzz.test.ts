/** Random metalinks: the outcome is one that can be used, or a failure that says why not, soon and in little memory. */
import { PROTOCOLS } from '../../../images/fetch/protocols/registry.ts';
import {
  MAX_MIRRORS,
  METALINK_LIMIT,
  parseMetalink,
} from '../../../images/fetch/protocols/metalink/metalink.ts';
import type { Metalink } from '../../../images/fetch/protocols/metalink/metalink.ts';
import { parseChecksum } from '../../../model/checksum.ts';
import { ImageError } from '../../../model/failures.ts';
import { parseImageUrl } from '../../../model/url.ts';
import { fuzz, fuzzTimeout } from '../../support/fuzzing.ts';
import { isFullRun } from '../../support/programs.ts';
import { metalink3, metalink4 } from '../../support/metalinks.ts';
import { below, createRandom, mutate, pick } from '../../support/mutations.ts';
import type { Random } from '../../support/mutations.ts';

const hex = (length: number): string => 'a7'.repeat(length / 2);
const KNOWN = ['http://a/1', 'https://b.example.org/2'];
const SEEDS: readonly Buffer[] = [
  metalink4(KNOWN, { size: 5, sha256: hex(64) }),
  metalink3(KNOWN, { sha256: hex(64) }),
  Buffer.from(
    metalink4(KNOWN)
      .toString()
      .replace('<url', `<pieces length="4" type="sha-1"><hash>${hex(40)}</hash></pieces><url location="fr"`),
  ),
];

const ELEMENTS = 'metalink files file url metaurl hash pieces size resources verification p:url é'.split(' ');
const ATTRIBUTES = 'priority preference location type length name xmlns xmlns:p xml:space'.split(' ');
const VALUES: readonly string[] = [
  ...KNOWN,
  ...'1 0 -1 1e9 999999999999999 99999999999999999999 NaN fr FRA sha-256 sha1 md5 bittorrent'.split(' '),
  ...[8, 32, 40, 64, 66].map(hex),
  'urn:ietf:params:xml:ns:metalink',
  'http://www.metalinker.org/',
  '',
  ' ',
  '&lt;&#x41;',
  '&unknown;',
  '&#0;',
  '&#x110000;',
  '\u0000',
  '\ufffe',
  '../../etc/passwd',
  'file:///etc/passwd',
  'http://u:p@h/',
  'http://[::1]:99999/',
  'http://[',
  'nfs://h/exp/$(id)',
  'nfs://h/exp/a.img',
  'javascript:alert(1)',
  'http://a/x.torrent?y',
  `http://a/${'x'.repeat(70_000)}`,
  '<![CDATA[http://c/]]>',
  '<!-- -- -->',
  '<?xml version="1.0"?>',
  '<!DOCTYPE a [<!ENTITY b "c">]>',
  ']]>',
];

/** Mostly well-formed, seldom right. */
function element(random: Random, depth: number): string {
  const name = pick(random, ELEMENTS);
  const attributes = Array.from(
    { length: below(random, 4) },
    () => ` ${pick(random, ATTRIBUTES)}="${pick(random, VALUES)}"`,
  ).join('');
  const inner = Array.from({ length: below(random, 4) }, () =>
    depth === 0 || below(random, 2) === 0 ? pick(random, VALUES) : element(random, depth - 1),
  ).join('');
  return below(random, 50) === 0
    ? `<${name}${attributes}>${inner}`
    : `<${name}${attributes}>${inner}</${name}>`;
}

function document(seed: number): Buffer {
  const random = createRandom(seed);
  const known = pick(random, SEEDS);
  if (below(random, 3) === 0) return mutate(known, [[0, known.length]], random);
  const text = known.toString();
  const at = text.indexOf('>', below(random, text.length)) + 1;
  const added = Array.from({ length: 1 + below(random, 4) }, () => element(random, 6)).join('');
  return Buffer.from(`${text.slice(0, at)}${added}${text.slice(at + below(random, 2) * below(random, 80))}`);
}

/** As long as a document may be, made of one thing. */
const LONG: readonly string[] = [
  '<a/>',
  '<url>http://a/</url>',
  '<p:a xmlns:p="u"/>',
  `<a ${Array.from({ length: 99 }, (_, n) => `xmlns:a${n}="u"`).join(' ')}/>`,
  `<hash type="sha-1">${hex(40)}</hash>`,
  '<size>1</size>',
  '<![CDATA[a]]>',
  '<!---->',
  '<?a?>',
  '<a>',
  '<',
  '<a ',
  '&lt;',
  '&#x41;',
  '&',
  '\r\n',
  '\n',
  '\t',
  'x',
  'é',
  '字',
  '𝒳',
  '\u0000',
  '\ufffd',
];
const SURROUNDINGS: readonly [before: string, after: string][] = [
  [
    '<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="x">',
    '<url>http://a/</url></file></metalink>',
  ],
  [
    '<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file><pieces length="1" type="md5">',
    '</pieces></file></metalink>',
  ],
  ['<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file><url>http://a/', '</url></file></metalink>'],
  ['<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="', '"/></metalink>'],
  ['', ''],
];
const SEVERAL = LONG.flatMap((unit) => SURROUNDINGS.map((around) => ({ unit, around })));

function long(seed: number): Buffer {
  const { unit, around } = SEVERAL[seed % SEVERAL.length] ?? { unit: '', around: ['', ''] };
  // Of what takes long the longest that is still read counts most.
  const most = seed % 2 === 0 ? METALINK_LIMIT : METALINK_LIMIT / 20;
  const times = Math.floor((most - 300) / Buffer.byteLength(unit));
  return Buffer.from(`${around[0]}${unit.repeat(times)}${around[1]}`);
}

function check(bytes: Buffer): void {
  let metalink: Metalink;
  try {
    metalink = parseMetalink(bytes, PROTOCOLS);
  } catch (error) {
    if (error instanceof ImageError && error.kind === 'MetalinkInvalid' && error.message.length < 500) return;
    throw error;
  }
  const { mirrors, skipped, hashes, checksum, pieces, size } = metalink;
  const urls = mirrors.map(({ url }) => parseImageUrl(url, PROTOCOLS));
  const sound =
    mirrors.every(({ priority }, index) => priority === index + 1) &&
    urls.every(({ username, password }) => username === '' && password === '') &&
    mirrors.length <= MAX_MIRRORS &&
    skipped.length <= MAX_MIRRORS &&
    skipped.every(({ reason }) => reason !== '') &&
    Number.isSafeInteger(size) &&
    (checksum === undefined) === (hashes.length === 0) &&
    (pieces === undefined || (Number.isSafeInteger(pieces.length) && pieces.length > 0));
  if (checksum !== undefined) parseChecksum(checksum);
  if (!sound) throw new Error(`is taken for ${JSON.stringify(metalink).slice(0, 1000)}`);
}

test(
  'a changed metalink',
  () => fuzz({ rounds: { short: 300, full: 400_000 } }, document, check),
  fuzzTimeout,
);

test(
  'a metalink as long as it may be',
  () =>
    fuzz(
      { rounds: { short: 2, full: 4 * SEVERAL.length }, measureEvery: 1 },
      (seed) => long(seed * (isFullRun ? 5 : 10)),
      check,
    ),
  fuzzTimeout,
);
