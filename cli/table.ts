/** Renders tables: as wide as their contents, and never wider than the terminal. */
import { textOfCell } from './cells.ts';
import type { CellValue } from './cells.ts';
import { clean, cut, padEnd, padStart, paint, widthOfText } from './text.ts';
import type { Style, Tone } from './text.ts';

export interface Column<T> {
  readonly title: string;
  readonly value: (row: T) => CellValue;
  readonly right?: boolean;
  /** The width to which the column may be cut. Default: it is never cut. */
  readonly atLeast?: number;
  /** If cutting does not make enough room, columns are left out: those with 1 first, then 2. Default: never. */
  readonly drop?: number;
  readonly tone?: (row: T) => Tone | undefined;
}

const GAP = 2;

/**
 * @param width columns of the terminal; nothing is cut when it is undefined
 * @returns the lines, a head first
 */
export function renderTable<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  width: number | undefined,
  style: Style,
): readonly string[] {
  const texts = new Map(columns.map((column) => [column, rows.map((row) => textOf(column, row))]));
  const natural = (column: Column<T>): number =>
    Math.max(widthOfText(column.title), ...(texts.get(column) ?? []).map(widthOfText));
  const shown = width === undefined ? columns : withoutSuperfluous(columns, natural, width);
  const widths = fit(shown, natural, width);

  const line = (cells: readonly string[], tones: readonly (Tone | undefined)[]): string =>
    shown
      .map((column, i) => {
        const room = widths[i] ?? 0;
        const text = cut(cells[i] ?? '', room, style);
        const last = i === shown.length - 1;
        const padded = column.right ? padStart(text, room) : last ? text : padEnd(text, room);
        return paint(padded, tones[i], style);
      })
      .join(' '.repeat(GAP))
      .trimEnd();

  const head = line(
    shown.map(({ title }) => title),
    shown.map(() => 'strong'),
  );
  const body = rows.map((row, y) =>
    line(
      shown.map((column) => texts.get(column)?.[y] ?? ''),
      shown.map((column) => column.tone?.(row)),
    ),
  );
  return [head, ...body];
}

const textOf = <T>(column: Column<T>, row: T): string => clean(textOfCell(column.value(row)));

const total = (widths: readonly number[]): number =>
  widths.reduce((sum, width) => sum + width, 0) + GAP * Math.max(0, widths.length - 1);

/** Leaves columns out, the least important first, until the rest fits at its narrowest. */
function withoutSuperfluous<T>(
  columns: readonly Column<T>[],
  natural: (column: Column<T>) => number,
  width: number,
): readonly Column<T>[] {
  let kept = columns;
  while (total(kept.map((column) => narrowest(column, natural(column)))) > width) {
    const next = kept
      .filter(({ drop }) => drop !== undefined)
      .toSorted((a, b) => (a.drop ?? 0) - (b.drop ?? 0))[0];
    if (next === undefined) return kept;
    kept = kept.filter((column) => column !== next);
  }
  return kept;
}

const narrowest = <T>({ atLeast, title }: Column<T>, natural: number): number =>
  atLeast === undefined ? natural : Math.min(natural, Math.max(atLeast, title.length));

/** Natural widths; where they are too many, the widest columns that may be cut give. */
function fit<T>(
  columns: readonly Column<T>[],
  natural: (column: Column<T>) => number,
  width: number | undefined,
): readonly number[] {
  const widths = columns.map(natural);
  if (width === undefined) return widths;
  const least = columns.map((column, i) => narrowest(column, widths[i] ?? 0));
  for (let excess = total(widths) - width; excess > 0; excess -= 1) {
    const givers = widths.map((value, i) => (value > (least[i] ?? 0) ? value : 0));
    const widest = Math.max(...givers);
    if (widest === 0) break;
    widths[givers.indexOf(widest)] = widest - 1;
  }
  return widths;
}
