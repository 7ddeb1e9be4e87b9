/** Parses and describes the limits of a host. */
import type { Host } from '../model/api-answers.ts';
import { UsageError } from './errors.ts';
import { count, formatRate } from './format.ts';

/** In place of a limit: the host uses the limit of its own settings. */
const OWN = '-1';

const FACTORS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

export function parseDownloads(text: string): string {
  if (text.toLowerCase() === 'own') return OWN;
  if (/^[1-9]\d*$/.test(text)) return text;
  throw new UsageError(`--downloads takes a whole number from 1 on, or own, not '${text}'`);
}

/** Parses bytes per second such as `50M`, `1.5G`, `800K` or `1000`, in powers of 1024. @throws UsageError */
export function parseRate(text: string): string {
  if (text.toLowerCase() === 'own') return OWN;
  if (text.toLowerCase() === 'none') return '0';
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)([KMG]?)$/i.exec(text) ?? [];
  const factor = FACTORS[unit.toUpperCase()];
  if (number !== '' && factor !== undefined) return String(Math.round(Number(number) * factor));
  throw new UsageError(`--rate takes bytes per second such as 50M, or none, or own, not '${text}'`);
}

/** The limits that are set, and the limits in force by the last report of the host. */
export function describeLimits(host: Pick<Host, 'name'> & Partial<Host>): string {
  const { downloadlimit, ratelimit, currentdownloadlimit, currentratelimit } = host;
  const set = sentence(downloadlimit, ratelimit);
  const current = sentence(currentdownloadlimit, currentratelimit) || 'not known yet';
  return `Host ${host.name}: ${set === '' ? 'nothing is set' : `set to ${set}`}; in force: ${current}`;
}

function sentence(downloads: number | undefined, rate: number | undefined): string {
  return [
    ...(downloads === undefined ? [] : [`${count(downloads, 'download')} at once`]),
    ...(rate === undefined ? [] : [rate === 0 ? 'any rate' : formatRate(rate)]),
  ].join(', ');
}
