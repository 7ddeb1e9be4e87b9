/** Comma-separated values (RFC 4180), for spreadsheets and scripts. */
import { plainOfCell } from './cells.ts';
import type { Column } from './table.ts';
import { clean } from './text.ts';

/** A header, then a line for each row, always with all columns. Sizes are bytes; dates are as the api gives them. */
export function renderCsv<T>(columns: readonly Column<T>[], rows: readonly T[]): readonly string[] {
  const head = columns.map(({ title }) => title.toLowerCase());
  return [head, ...rows.map((row) => columns.map(({ value }) => plainOfCell(value(row))))].map(toLine);
}

/** An apostrophe keeps a spreadsheet from reading a cell as a formula. */
const toLine = (cells: readonly string[]): string =>
  cells
    .map(clean)
    .map((cell) => (/^[=+\-@\t]/.test(cell) && !/^-?[\d.]+$/.test(cell) ? `'${cell}` : cell))
    .map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
    .join(',');
