import { judgeRegistration } from '../../model/registration.ts';
import type { ProbeReport } from '../../model/payloads.ts';
import type { UrlReport } from '../../model/source.ts';

const up = (url: string, changes: Partial<UrlReport> = {}): UrlReport => ({
  url,
  reachable: true,
  size: 1000,
  ranges: true,
  format: 'QCOW2',
  virtualSize: 4000,
  priority: 1,
  ...changes,
});
const down = (url: string, reason = 'answers 404 Not Found'): UrlReport => ({
  ...up(url),
  reachable: false,
  reason,
  size: 0,
  virtualSize: 0,
});
const report = (urls: readonly UrlReport[], metalink?: ProbeReport['metalink']): ProbeReport => ({
  v: 1,
  hostId: 'h',
  urls,
  ...(metalink === undefined ? {} : { metalink }),
});
const lenient = { demandAllMirrors: false };
const SHA = (digit: string): string => `{SHA-256}${digit.repeat(64)}`;

const message = (verdict: ReturnType<typeof judgeRegistration>): string =>
  verdict.accepted ? 'accepted' : `${verdict.apiCode} ${verdict.message}`;

test('one reachable URL is enough for a registration', () => {
  const mirrors = [down('http://a/'), up('http://b/')];
  expect(judgeRegistration(lenient, report(mirrors))).toEqual({
    accepted: true,
    size: 1000,
    virtualSize: 4000,
    mirrors,
  });
});

test('a zone that demands all URLs refuses a template with an unreachable one', () => {
  const verdict = judgeRegistration({ demandAllMirrors: true }, report([down('http://a/'), up('http://b/')]));
  expect(message(verdict)).toBe(
    '530 The zone demands that every URL can be downloaded from, and 1 cannot: http://a/: answers 404 Not Found',
  );
});

test('a refusal names the only URL and its reason', () => {
  const verdict = judgeRegistration(lenient, report([down('http://a/')]));
  expect(message(verdict)).toBe('530 Cannot download http://a/: answers 404 Not Found');
});

test('a refusal names each of several URLs and its reason', () => {
  const verdict = judgeRegistration(lenient, report([down('http://a/'), down('http://b/', 'is empty')]));
  expect(message(verdict)).toBe(
    '530 None of 2 URLs can be downloaded: http://a/: answers 404 Not Found; http://b/: is empty',
  );
});

test('many URLs with the same reason are counted in one sentence', () => {
  const silent = Array.from({ length: 64 }, (_, n) => down(`http://${n}/`, 'did not answer within 4 s'));
  const verdict = judgeRegistration(lenient, report([down('http://a/'), ...silent]));
  expect(message(verdict)).toBe(
    '530 None of 65 URLs can be downloaded: http://a/: answers 404 Not Found; 64 of them (http://0/, http://1/ and 62 more): did not answer within 4 s',
  );
});

test('mirrors that disagree in size are refused', () => {
  const sizes = [up('http://a/'), up('http://b/', { size: 999 }), down('http://c/')];
  expect(message(judgeRegistration(lenient, report(sizes)))).toBe(
    '431 The mirrors disagree in size (bytes): http://a/ has 1000, http://b/ has 999',
  );
  const disks = [up('http://a/'), up('http://b/', { virtualSize: 5000 })];
  expect(message(judgeRegistration(lenient, report(disks)))).toMatch(/disagree in virtual size/);
});

test('a template whose size is unknown is refused', () => {
  const silent = up('http://a/', { size: 0 });
  expect(message(judgeRegistration(lenient, report([silent])))).toMatch(/^530 .*does not tell the size/);
  const flat = up('http://a/', { virtualSize: 0 });
  expect(message(judgeRegistration(lenient, report([flat])))).toMatch(/^530/);
});

test("the metalink's size replaces an unknown size of mirrors, and contradicts a different one", () => {
  const silent = report([up('http://a/', { size: 0 })], { digest: 'd', size: 1234 });
  expect(judgeRegistration(lenient, silent)).toMatchObject({ accepted: true, size: 1234 });
  const other = report([up('http://a/')], { digest: 'd', size: 1234 });
  expect(message(judgeRegistration(lenient, other))).toBe(
    '431 The metalink says 1234 bytes, but http://a/ has 1000',
  );
});

test("the user's checksum counts, else the metalink's", () => {
  const metalink = { digest: 'd', size: 1000, checksum: SHA('b') };
  const probed = report([up('http://a/')], metalink);
  expect(judgeRegistration(lenient, probed)).toMatchObject({
    accepted: true,
    checksum: SHA('b'),
    metalinkDigest: 'd',
  });
  const md5 = 'c'.repeat(32);
  expect(judgeRegistration({ ...lenient, checksum: md5 }, probed)).toMatchObject({ checksum: md5 });
  expect(judgeRegistration({ ...lenient, checksum: SHA('b').toUpperCase() }, probed)).toMatchObject({
    accepted: true,
  });
});

test("a user's checksum that contradicts the metalink's is refused", () => {
  const probed = report([up('http://a/')], { digest: 'd', size: 1000, checksum: SHA('b') });
  expect(message(judgeRegistration({ ...lenient, checksum: SHA('a') }, probed))).toMatch(
    /^431 The SHA-256 checksum given \(a{64}\) is not the one in the metalink \(b{64}\)$/,
  );
});

test('a URL that is named twice is one mirror, the first by priority', () => {
  const twice = [up('http://a/', { priority: 2 }), up('http://a/', { priority: 1 }), up('http://b/')];
  const verdict = judgeRegistration(lenient, report(twice));
  expect(verdict).toMatchObject({ mirrors: [{ url: 'http://a/', priority: 1 }, { url: 'http://b/' }] });
});

test('a metalink without a URL is refused', () => {
  expect(message(judgeRegistration(lenient, report([])))).toBe('530 There is no URL to download from');
});
