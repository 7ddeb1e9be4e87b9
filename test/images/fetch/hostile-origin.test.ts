/** What an origin may do wrong, and what is right then: the right bytes or the right failure, and nothing else. */
import { gzipSync } from 'node:zlib';
import { openDownloadLab } from '../../labs/download.ts';
import type { DownloadLab } from '../../labs/download.ts';
import { changedBody, HOSTILE } from '../../support/hostile-behaviours.ts';
import { startHostileOrigin } from '../../support/hostile-origin.ts';
import type { HostileOrigin } from '../../support/hostile-origin.ts';
import { checkDownload } from '../../support/hostile-outcome.ts';
import type { Expected, CheckOptions } from '../../support/hostile-outcome.ts';
import { rawDisk, sha256 } from '../../support/images.ts';
import { isFullRun } from '../../support/programs.ts';

const MIB = 1_048_576;
const SIZE = 4 * MIB;
const body = rawDisk(SIZE);
const CHECKSUM = `{SHA-256}${sha256(body)}`;
const PACKED_CHECKSUM = `{SHA-256}${sha256(gzipSync(body, { level: 1 }))}`;
let lab: DownloadLab;
let origin: HostileOrigin;
let other: HostileOrigin;

beforeEach(async () => {
  lab = await openDownloadLab();
  other = await startHostileOrigin({}, { body });
  origin = await startHostileOrigin(HOSTILE, { body, other: other.origin });
});
afterEach(async () => {
  await origin.close();
  await other.close();
  await lab.close();
});

/** The bytes are what the origin holds at first when nothing else is said. */
type Row = readonly [name: string, expected: Partial<Expected>, given?: CheckOptions];

const check = (url: string, expected: Partial<Expected>, given?: CheckOptions): Promise<void> =>
  checkDownload(lab, url, { bytes: body, ...expected }, given);

/** With titles short enough to read. */
const titled = (rows: readonly Row[]): [title: string, row: Row][] =>
  rows.map((row) => [
    [
      row[0],
      row[1].kind ?? 'right',
      row[2] === undefined ? '' : Object.keys(row[2].request ?? row[2].http ?? {}).join(),
    ].join(' → '),
    row,
  ]);

const short: CheckOptions = {
  http: { headersMs: 400, idleMs: 400, minimumRate: 10_000, minimumRateMs: 400 },
};
const registered: CheckOptions = { request: { size: SIZE } };
const summed: CheckOptions = { request: { checksum: CHECKSUM } };
const twice = { fetched: 2 * SIZE };

const RIGHT: readonly Row[] = [
  ['fine', {}],
  ['no ranges', {}],
  ['content-disposition ../../', {}],
  ['cut once at half', {}],
  ['cut every MiB', {}],
  ['cut each time at another offset', {}],
  ['encoding identity', {}],
  ['chunk extension of 1 MB', {}, registered],
  ['trailers', {}, registered],
  ['103, then the file', {}],
  ['100 twice, in pieces, then the file', {}],
  ['gzip unasked', {}],
  ['gzip file labelled as encoded, cut once', {}],
  ['gzip file labelled as encoded, cut once', {}, { request: { checksum: PACKED_CHECKSUM } }],
  ['HTTP/1.0 without length', {}, registered],
  ['redirect elsewhere', {}],
  ['redirect with a body', {}],
  ['redirect with user and password', {}],
  ['redirect 307, relative', {}],
  ['redirect 308', {}],
  ['redirect 10 times', {}],
  ['stalls once at half', {}, short],
  ['stalls once before the last byte', {}, short],
];

const CHANGED: readonly Row[] = [
  [
    'file changes after a cut',
    { bytes: changedBody(SIZE), note: 'the file at the source changed', ...twice },
  ],
  [
    'file changes after a cut, If-Range ignored',
    { bytes: changedBody(SIZE), note: 'the file at the source changed', ...twice },
  ],
  [
    'file changes after a cut, same tag, other size',
    { bytes: changedBody(SIZE + 512), note: 'the file at the source has another size now', ...twice },
  ],
  ['file changes after a cut', { kind: 'ChecksumMismatch' }, summed],
  ['file changes after a cut, same tag, other size', { kind: 'SizeMismatch' }, registered],
  // A tag that lies can be met by a checksum only.
  ['file changes after a cut, same tag, same size', { kind: 'ChecksumMismatch' }, summed],
  ['weak tag, cut once', { kind: 'ConnectionLost', kept: true }],
  ['no tag but a date, cut once', { kind: 'ConnectionLost', kept: true }],
  ['two tags', { kind: 'ConnectionLost', kept: true }],
  ['another tag each time, cut each time', { kind: 'ConnectionLost', kept: true }],
  ['200 for the rest', { note: 'the source sent the whole file again', ...twice }],
  ['416 for the rest', { note: 'the file at the source became shorter', ...twice }],
  [
    '416 for the rest, then 404',
    { kind: 'NotFound', note: 'the file at the source became shorter', kept: true },
  ],
  ['400 Bad Request for any range', { note: 'the source does not give the rest of the file', ...twice }],
  ['403 Forbidden for any range', { note: 'the source does not give the rest of the file', ...twice }],
  ['501 Not Implemented for any range', { note: 'the source does not give the rest of the file', ...twice }],
  ['206 shifted', { kind: 'ProtocolError', message: /other bytes than asked for/, kept: true }],
  ['gzip for the rest', { kind: 'ProtocolError', message: /a Content-Encoding/, kept: true }],
  ['401 for the rest', { kind: 'Refused', kept: true }],
  ['403 for the rest', { kind: 'Refused', kept: true }],
  ['404 for the rest', { kind: 'NotFound', kept: true }],
  ['503 for the rest', { kind: 'Throttled', retryAfterMs: 7000, kept: true }],
];

const WRONG: readonly Row[] = [
  ['206 unasked', { kind: 'ProtocolError', message: /unasked/ }],
  ['cut always at half, no ranges', { kind: 'ConnectionLost', kept: true }],
  ['bytes of another file', { kind: 'ChecksumMismatch' }, summed],
  ['gzip bomb', { kind: 'HostileArchive' }],
  ['gzip twice', { kind: 'ProtocolError', message: /a Content-Encoding/ }],
  ['transfer-encoding gzip', { kind: 'ProtocolError', message: /a Transfer-Encoding/ }, registered],
  ['login page', { kind: 'FormatMismatch', message: /HTML/ }],
  ['JSON error', { kind: 'FormatMismatch', message: /JSON/ }],
  ['XML error', { kind: 'FormatMismatch', message: /XML/ }],
  ['Git LFS pointer', { kind: 'FormatMismatch', message: /Git LFS/ }],
  ['longer than its length', { kind: 'SizeMismatch' }, registered],
  ['shorter than its length', { kind: 'SizeMismatch' }, registered],
  ['shorter than its length', { kind: 'ConnectionLost', kept: true }],
  ['two lengths', { kind: 'ProtocolError', message: /does not keep to HTTP/ }],
  ['length -5', { kind: 'ProtocolError', message: /does not keep to HTTP/ }],
  ['length 2^63', { kind: 'ProtocolError' }],
  ['length 2^64', { kind: 'ProtocolError' }],
  ['HTTP/1.0 without length', { kind: 'ProtocolError', message: /does not say how long the file is/ }],
  ['HTTP/1.0 without length, cut', { kind: 'ConnectionLost', kept: true }, registered],
  ['HTTP/1.0 without length, cut', { kind: 'ChecksumMismatch' }, summed],
  ['no end, no length', { kind: 'SizeMismatch' }, registered],
  ['no end, length 2^40', { kind: 'SizeMismatch' }, registered],
  ['no end of chunks', { kind: 'SizeMismatch' }, registered],
  ['bad chunk size', { kind: 'ProtocolError', kept: true }, registered],
  ['chunks cut', { kind: 'ConnectionLost', kept: true }, registered],
  ['503 Retry-After seconds', { kind: 'Throttled', retryAfterMs: 1000 }],
  ['429 Retry-After date', { kind: 'Throttled', retryAfterMs: [60_000, 90_000] }],
  ['429 Retry-After a year', { kind: 'Throttled', retryAfterMs: 3_600_000 }],
  ['503 Retry-After nonsense', { kind: 'Throttled' }],
  ['500', { kind: 'ServerError' }],
  ['redirect loop', { kind: 'TooManyRedirects' }],
  ['redirect 11 times', { kind: 'TooManyRedirects' }],
  ['redirect to file:', { kind: 'NotAllowed' }],
  ['redirect to ftp:', { kind: 'NotAllowed' }],
  ['redirect to gopher:', { kind: 'NotAllowed' }],
  ['redirect to data:', { kind: 'NotAllowed' }],
  ['redirect to nfs:', { kind: 'NotAllowed' }],
  ['300 with Location', { kind: 'ProtocolError', message: /answers 300/ }],
  ['304', { kind: 'ProtocolError', message: /answers 304/ }],
  ['305', { kind: 'ProtocolError', message: /answers 305/ }],
  ['redirect to nowhere', { kind: 'ProtocolError', message: /without saying where to/ }],
  ['redirect to an empty Location', { kind: 'ProtocolError', message: /without saying where to/ }],
  ['redirect to http:///', { kind: 'ProtocolError', message: /without saying where to/ }],
  ['redirect to two', { kind: 'ProtocolError', message: /more than one Location/ }],
  ['redirect of 64 kB', { kind: 'ProtocolError', message: /at most 8192 are taken/ }],
  ['header of 1 MB', { kind: 'ProtocolError', message: /does not keep to HTTP/ }],
  ['headers without end', { kind: 'ProtocolError', message: /does not keep to HTTP/ }],
  ['headers byte by byte', { kind: 'Stalled', message: /limit for headers/ }, short],
  ['silent before the answer', { kind: 'Stalled', message: /limit for headers/ }, short],
  ['100 without end', { kind: 'ProtocolError', message: /answers 100 over and over/ }],
  ['103 without end', { kind: 'ProtocolError', message: /answers 103 over and over/ }],
  ['101 unasked', { kind: 'ProtocolError' }],
  ['byte by byte', { kind: 'Stalled', message: /minimum rate: 10000 bytes\/s/, kept: true }, short],
  ['stalls at 1 %', { kind: 'Stalled', message: /idle limit/, kept: true }, short],
  ['no HTTP', { kind: 'ProtocolError', message: /does not keep to HTTP/ }],
  ['resets in the middle', { kind: 'ConnectionLost', kept: 'perhaps' }],
  ['hangs up', { kind: 'ConnectionLost', message: /before it answered/ }],
];

/** Rows of one kind stand together, so every fifth has nearly each kind. */
const rowsOfForm = (rows: readonly Row[]): readonly Row[] =>
  isFullRun ? rows : rows.filter((_, at) => at % 5 === 0);

describe('right bytes in spite of', () => {
  test.each(titled(rowsOfForm(RIGHT)))('%s', (_title, [name, expected, given]) =>
    check(origin.url(name), expected, given),
  );
});
describe('a file that changes, or whose rest is not to be had:', () => {
  test.each(titled(rowsOfForm(CHANGED)))('%s', (_title, [name, expected, given]) =>
    check(origin.url(name), expected, given),
  );
});
describe('a failure that says what is wrong, for', () => {
  test.each(titled(rowsOfForm(WRONG)))('%s', (_title, [name, expected, given]) =>
    check(origin.url(name), expected, given),
  );
});

test('every behaviour has a row', () => {
  const named = new Set([...RIGHT, ...CHANGED, ...WRONG].map(([name]) => name));
  expect(Object.keys(HOSTILE).filter((name) => !named.has(name))).toEqual([]);
});

test('to another origin go neither credentials nor headers of the user; to none goes a Referer', async () => {
  const secrets = {
    v: 1 as const,
    origin: origin.origin,
    username: 'u',
    password: 'p',
    headers: [
      { name: 'Cookie', value: 'a=b' },
      { name: 'X-Token', value: 'sesame' },
    ],
  };
  await check(origin.url('redirect elsewhere'), {}, { request: { secrets } });
  expect([...(origin.requests('redirect elsewhere')[0]?.keys() ?? [])]).toEqual(
    expect.arrayContaining(['authorization', 'cookie', 'x-token']),
  );
  const sent = [...(other.requests('good')[0]?.keys() ?? [])];
  expect(sent).toContain('accept-encoding');
  expect(sent.filter((name) => /authorization|cookie|x-token|referer/.test(name))).toEqual([]);
});
