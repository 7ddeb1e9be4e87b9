/** Comma-separated values (RFC 4180), for spreadsheets and scripts. */
import { plainOfCell } from './cells.ts';
import type { Column } from './table.ts';
import { clean } from './text.ts';

/** The head, then a line for each row; all columns, whatever the width of a terminal. Sizes are bytes, dates the api's. */
export function renderCsv<T>(columns: readonly Column<T>[], rows: readonly T[]): readonly string[] {
  const head = columns.map(({ title }) => title.toLowerCase());
  return [head, ...rows.map((row) => columns.map(({ value }) => plainOfCell(value(row))))].map(toLine);
}

/** A cell that a spreadsheet would take for a formula gets an apostrophe before it. */
const toLine = (cells: readonly string[]): string =>
  cells
    .map(clean)
    .map((cell) => (/^[=+\-@\t]/.test(cell) && !/^-?[\d.]+$/.test(cell) ? `'${cell}` : cell))
    .map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
    .join(',');
