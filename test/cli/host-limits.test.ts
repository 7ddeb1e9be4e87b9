import { describeLimits, parseDownloads, parseRate } from '../../cli/host-limits.ts';

test.each([
  ['1000', '1000'],
  ['50M', '52428800'],
  ['1.5g', '1610612736'],
  ['800K', '819200'],
  ['none', '0'],
  ['0', '0'],
  ['own', '-1'],
])('the rate %s is %s', (text, bytes) => {
  expect(parseRate(text)).toBe(bytes);
});

test.each(['', 'fast', '-1', '5T', '5 M', '1e9'])('the rate %p is refused', (text) => {
  expect(() => parseRate(text)).toThrow('--rate takes bytes per second such as 50M');
});

test('a limit of downloads is a number, or own', () => {
  expect([parseDownloads('4'), parseDownloads('own')]).toEqual(['4', '-1']);
  expect(() => parseDownloads('0')).toThrow('--downloads takes a whole number from 1 on, or own');
});

test('the description has the limits that are set and those in force', () => {
  const host = { id: 'h', name: 'kvm-1' };
  expect(describeLimits(host)).toBe('Host kvm-1: nothing is set; in force: not known yet');
  expect(describeLimits({ ...host, downloadlimit: 4, currentdownloadlimit: 2, currentratelimit: 0 })).toBe(
    'Host kvm-1: set to 4 downloads at once; in force: 2 downloads at once, any rate',
  );
});
