/** Writes quantities for people. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** Such as `1.5 GiB`, without a line break. */
export function bytes(count: number | undefined): string {
  if (count === undefined) return 'unknown';
  const power = count < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(count) / 10));
  const value = count / 1024 ** power;
  return `${value >= 100 || power === 0 ? Math.round(value) : value.toFixed(1)}\u00a0${UNITS[power]}`;
}

export const rate = (bytesPerSecond: number): string => `${bytes(bytesPerSecond)}/s`;

/** Such as `2 h 5 min`: the two largest units, without a line break. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}\u00a0${unit}`)
    .join('\u00a0');
}

/** Parses a time of the API, such as `2026-01-31T08:00:00+0000`. */
export const moment = (text: string): Date => new Date(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));

const NEAR = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
const STEPS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const;

/** Such as `5 min. ago`. */
export function ago(time: Date, now: number = Date.now()): string {
  const seconds = Math.round((time.getTime() - now) / 1000);
  const [unit, length] = STEPS.find(([, step]) => Math.abs(seconds) >= step) ?? ['second', 1];
  return NEAR.format(Math.trunc(seconds / length), unit);
}

const TIME = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const;
const DAY = { day: 'numeric', month: 'short' } as const;

/** As short as unambiguous: `12:45:03` of today, `29 Nov, 12:45` of this year, `29 Nov 2025, 12:45` of others. */
export function clock(time: Date, now: number = Date.now()): string {
  const today = new Date(now);
  if (time.toDateString() === today.toDateString()) return time.toLocaleTimeString(undefined, TIME);
  const { second: _, ...minutes } = TIME;
  const year = time.getFullYear() === today.getFullYear() ? {} : { year: 'numeric' as const };
  return time.toLocaleString(undefined, { ...DAY, ...year, ...minutes });
}
