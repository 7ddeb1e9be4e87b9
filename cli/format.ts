/** Formats numbers and times for people. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/** Bytes as `512 B`, `1.2 GiB`, `105 MiB`. */
export function formatBytes(bytes: number): string {
  const { value, unit } = scale(bytes, unitOf(bytes));
  return `${value} ${unit}`;
}

/** How much of how much, in the unit of the whole: `1.2/2.0 GiB`; only the first while the whole is unknown. */
export function formatAmount(bytes: number, total: number): string {
  if (total <= 0) return formatBytes(bytes);
  const exponent = unitOf(total);
  return `${scale(bytes, exponent).value}/${formatBytes(total)}`;
}

/** Bytes per second. */
export const formatRate = (rate: number): string => `${formatBytes(Math.round(rate))}/s`;

/** The power of 1024 in which a number of bytes has at most four digits. */
function unitOf(bytes: number): number {
  let exponent = 0;
  // A number that would round to 1024 of a unit is shown as 1.0 of the next unit.
  while (exponent < UNITS.length - 1 && bytes / 1024 ** exponent >= 1023.5) exponent += 1;
  return exponent;
}

function scale(bytes: number, exponent: number): { readonly value: string; readonly unit: string } {
  const number = bytes / 1024 ** exponent;
  // 99.95 would be shown as 100.0.
  const digits = exponent === 0 || number >= 99.95 ? 0 : 1;
  return { value: number.toFixed(digits), unit: UNITS[exponent] ?? 'B' };
}

/** Seconds as `<1 s`, `42 s`, `3 min 05 s`, `2 h 04 min`, `3 d 4 h`. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 1) return '<1 s';
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min ${two(whole % MINUTE)} s`;
  if (whole < DAY) return `${Math.floor(whole / HOUR)} h ${two(Math.floor((whole % HOUR) / MINUTE))} min`;
  return `${Math.floor(whole / DAY)} d ${Math.floor((whole % DAY) / HOUR)} h`;
}

/** Seconds as a clock shows them: `0:08`, `1:02:03`. */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor((whole % HOUR) / MINUTE);
  const rest = two(whole % MINUTE);
  return whole < HOUR ? `${minutes}:${rest}` : `${Math.floor(whole / HOUR)}:${two(minutes)}:${rest}`;
}

/** Milliseconds of an API date, such as 2026-11-24T07:00:01+0000; NaN for any other text. */
export const parseTime = (text: string | undefined): number =>
  Date.parse((text ?? '').replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));

/** An API date in local time, as `2026-11-24 07:00:01`. */
export function formatTime(text: string | undefined): string {
  const time = new Date(parseTime(text));
  if (Number.isNaN(time.getTime())) return '';
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-');
  return `${day} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')}`;
}

const two = (number: number): string => String(number).padStart(2, '0');

/** `1 pool`, `2 pools`. @param plural default: the noun with an s */
export const count = (number: number, noun: string, plural = `${noun}s`): string =>
  `${number} ${number === 1 ? noun : plural}`;
