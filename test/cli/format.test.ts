import {
  formatAmount,
  formatBytes,
  formatClock,
  formatDuration,
  formatRate,
  formatTime,
  parseTime,
} from '../../cli/format.ts';

const [KIB, MIB, GIB] = [1024, 1024 ** 2, 1024 ** 3] as const;

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1023, '1023 B'],
  [KIB, '1.0 KiB'],
  [KIB * 1023.9, '1.0 MiB'],
  [105 * MIB, '105 MiB'],
  [99.96 * MIB, '100 MiB'],
  [1.2 * GIB, '1.2 GiB'],
  [5000 * GIB, '4.9 TiB'],
])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test('a part of a whole is shown in the unit of the whole', () => {
  expect(formatAmount(700 * MIB, 2 * GIB)).toBe('0.7/2.0 GiB');
  expect(formatAmount(700 * MIB, 0)).toBe('700 MiB');
  expect(formatRate(105.4 * MIB)).toBe('105 MiB/s');
});

test.each([
  [0.4, '<1 s', '0:00'],
  [8, '8 s', '0:08'],
  [59.6, '1 min 00 s', '1:00'],
  [185, '3 min 05 s', '3:05'],
  [7440, '2 h 04 min', '2:04:00'],
  [273_600, '3 d 4 h', '76:00:00'],
])('%d seconds are %s, on a clock %s', (seconds, words, clock) => {
  expect(formatDuration(seconds)).toBe(words);
  expect(formatClock(seconds)).toBe(clock);
});

test('dates of the api are shown in local time, and other texts are left out', () => {
  expect(parseTime('2026-11-24T07:00:01+0000')).toBe(Date.UTC(2026, 10, 24, 7, 0, 1));
  expect(parseTime('2026-11-24T07:00:01+0130')).toBe(Date.UTC(2026, 10, 24, 5, 30, 1));
  expect(formatTime('2026-11-24T07:00:01+0000')).toMatch(/^2026-11-2[345] \d\d:\d\d:01$/);
  expect(formatTime(undefined)).toBe('');
  expect(formatTime('soon')).toBe('');
});
