/** Parses options that are whole numbers. */
import { UsageError } from './errors.ts';

/**
 * @param option such as `--cpus`
 * @param what the unit or the things, such as `processors`
 * @returns a parser that accepts whole numbers from 1 on, and throws UsageError for all else
 */
export const wholeNumber =
  (option: string, what: string) =>
  (text: string): number => {
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
    throw new UsageError(`${option} takes a whole number of ${what}, not '${text}'`);
  };

const MIB: Readonly<Record<string, number>> = { '': 1, M: 1, G: 1024, T: 1024 ** 2 };

/** Parses a size of memory such as `512M`, `2G` or `512`, which is in MiB. @returns MiB @throws UsageError */
export function parseMemory(text: string): number {
  const [, number = '', unit = ''] = /^([1-9]\d{0,8})(?:([MGT])(?:i?B)?)?$/i.exec(text) ?? [];
  const factor = MIB[unit.toUpperCase()];
  if (number !== '' && factor !== undefined) return Number(number) * factor;
  throw new UsageError(`--memory takes a size such as 512M or 2G, not '${text}'`);
}
