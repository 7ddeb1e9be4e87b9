import { PROTOCOLS } from '../../images/fetch/protocols/registry.ts';
import { hostResults } from '../../model/messages/answers.ts';
import { downloadJob, removeJob } from '../../model/messages/jobs.ts';
import { peerSource } from '../../model/messages/lineages.ts';
import { progress } from '../../model/messages/progress.ts';
import { read, readJson } from '../../model/messages/schema.ts';
import { reachable } from '../support/scripted-host.ts';

const HOST = '00000000-0000-4000-8000-000000000001';

test('an unknown phase counts as downloading, and an odd number as 0', () => {
  const beat = { v: 2, phase: 'polishing', bytes: 'many', total: 10, rate: null, source: 'http://a/' };
  expect(read(progress, beat).value).toEqual({
    v: 1,
    phase: 'downloading',
    bytes: 0,
    total: 10,
    rate: 0,
    source: 'http://a/',
  });
  expect(read(progress, null).problem).toBe('it is no object');
});

test('a URL with an unknown compression is reported as unreachable', () => {
  const packed = { ...reachable('http://a/x'), compression: 'brotli', sparkle: 1 };
  const { value } = read(hostResults.probe, { v: 1, hostId: HOST, urls: [packed, reachable('http://b/x')] });
  expect(value?.urls).toMatchObject([
    { reachable: false, reason: 'is packed with brotli, which this release of Bypass does not know' },
    { reachable: true },
  ]);
});

test('a problem names the field', () => {
  expect(read(hostResults.remove, { v: 1, hostId: HOST, files: 1 }).problem).toBe('pool is missing');
  expect(read(hostResults.probe, { v: 1, hostId: HOST, urls: [{}] }).problem).toBe('urls.0.url is missing');
  expect(read(downloadJob(PROTOCOLS), { v: 1, templateId: 'x' }).problem).toBe(
    'templateId is not a UUID in lower case',
  );
});

test.each([
  ['{"v":1', 'it is no JSON'],
  [undefined, 'it is no object'],
  ['{"v":1,"poolId":"x"}', 'poolId is not a UUID in lower case'],
])('the text %p is read to the problem: %s', (json, problem) => {
  expect(readJson(removeJob, json)).toEqual({ problem });
});

test('a text is read to what it holds', () => {
  const job = { v: 1, poolId: HOST, copyId: HOST };
  expect(readJson(removeJob, JSON.stringify(job)).value).toEqual(job);
});

test.each([
  [{}, undefined],
  [{ address: '[2001:db8::1]:7443', sha256: 'a'.repeat(64), unpacked: true }, undefined],
  [{ address: 'kvm-7.example:7443' }, undefined],
  [{ address: '10.0.0.7' }, 'address is no host:port'],
  [{ address: 'user@10.0.0.7:7443' }, 'address is no host:port'],
  [{ address: '10.0.0.7:7443/v1' }, 'address is no host:port'],
  [{ address: '10.0.0.7:74430' }, 'address is no host:port'],
  [{ copyId: '../x' }, 'copyId is not a UUID in lower case'],
  [{ ticket: 'a.b.c\r\nX-Header: 1' }, 'ticket is not right'],
  [{ sha256: 'abc' }, 'sha256 is no SHA-256'],
])('a parent with %j is read, or refused: %s', (changes, problem) => {
  const parent = { hostId: HOST, copyId: HOST, address: '10.0.0.7:7443', ticket: 'a.b.c' };
  const found = read(peerSource, { ...parent, ...changes });
  expect(found.problem).toBe(problem);
  if (problem === undefined) expect(found.value).toEqual({ ...parent, ...changes });
});
