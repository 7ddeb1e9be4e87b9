/** How the page writes times and sentences of the api. */
import { ago, clock } from '../../ui/elements/quantities.ts';
import { inShort, readable } from '../../ui/elements/sentence.ts';

const NOW = new Date(2026, 10, 29, 12, 45, 3).getTime();

test.each([
  ['today', new Date(2026, 10, 29, 8, 5, 9), /^08:05:09$/],
  ['another day of this year', new Date(2026, 1, 3, 8, 5, 9), /3.*08:05$/],
  ['another year', new Date(2025, 1, 3, 8, 5, 9), /2025.*08:05$/],
])('a time of %s is written with as much of its date as it needs', (_, time, written) => {
  expect(clock(time, NOW)).toMatch(written);
  expect(clock(time, NOW).includes(String(time.getFullYear()))).toBe(time.getFullYear() !== 2026);
});

test.each([
  [-3, '3 sec. ago'],
  [-130, '2 min. ago'],
  [-7300, '2 hr. ago'],
  [90_000, 'tomorrow'],
  [5 * 86_400, 'in 5 days'],
])('%i seconds from now is %s', (seconds, written) => {
  expect(ago(new Date(NOW + seconds * 1000), NOW)).toBe(written);
});

test('bytes in a sentence are written in larger units', () => {
  expect(readable('host1 fetched 12582912 bytes; 4194304 were registered')).toBe(
    'host1 fetched 12.0\u00a0MiB; 4.0\u00a0MiB were registered',
  );
  expect(readable('answers 404 for 512 bytes')).toBe('answers 404 for 512 bytes');
});

test('sizes that would look equal in larger units keep all their digits', () => {
  expect(inShort('https://example.org/a.raw: has 8388624 bytes; 8388608 were registered')).toBe(
    'has 8,388,624\u00a0bytes; 8,388,608\u00a0bytes were registered',
  );
});

test('a failure in a list names neither the address nor all digits of a checksum', () => {
  const [given, found] = ['a', 'b'].map((digit) => digit.repeat(64)) as [string, string];
  expect(inShort(`https://example.org/a.raw: has SHA-256 ${found}; ${given} was registered`)).toBe(
    'has SHA-256 bbbbbbbb…; aaaaaaaa… was registered',
  );
});
