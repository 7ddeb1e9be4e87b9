/** The table of settings as the README has it. */
import { SETTINGS } from '../../workers/settings.ts';

const COLUMNS = ['flag', 'variable', 'default', 'of', 'meaning'] as const;

/** Rows of cells, the head first. */
export function settingsRows(): readonly (readonly string[])[] {
  const rows = Object.values(SETTINGS).map(({ flag, variable, fallback, processes, meaning }) => [
    code(flag),
    code(variable),
    fallback === '' ? '' : code(fallback),
    processes.join(', '),
    meaning.replaceAll('|', '\\|'),
  ]);
  return [COLUMNS, ...rows];
}

/** The same as Markdown, its columns aligned as Prettier aligns them. */
export function settingsTable(): string {
  const rows = settingsRows();
  const widths = COLUMNS.map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)));
  const line = (row: readonly string[], fill = ' '): string =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0, fill)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  const rule = line(
    COLUMNS.map(() => ''),
    '-',
  );
  return [line(head), rule, ...body.map((row) => line(row))].join('\n');
}

const code = (text: string): string => `\`${text}\``;
