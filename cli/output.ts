/** The output of commands: results on stdout, as tables, JSON or CSV; remarks and progress on stderr. */
import { showableJson } from '../model/control-characters.ts';
import { textOfCell } from './cells.ts';
import type { CellValue } from './cells.ts';
import { renderCsv } from './csv.ts';
import { renderTable } from './table.ts';
import type { Column } from './table.ts';
import { clean, hang, padEnd, paint, widthOfText, wrap } from './text.ts';
import type { Style, Tone } from './text.ts';

export type { Column } from './table.ts';

/** Where text is written to: a stream of the process, or the screen of a test. */
export interface Screen {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

export const OUTPUT_FORMATS = ['table', 'json', 'csv'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export interface ListOutput<T> {
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  /** The remark that takes the place of an empty table. */
  readonly none: string;
}

/** One line of the output of one thing. An empty title continues the field before. */
export interface TitledValue {
  readonly title: string;
  readonly value: CellValue;
  readonly tone?: Tone | undefined;
}

export interface Output {
  readonly format: OutputFormat;
  readonly style: Style;
  /** Columns of the terminal that shows the results; undefined when stdout is no terminal. */
  readonly width: number | undefined;
  /** Prints a list. @param value the list in JSON. Default: the rows */
  list<T>(listing: ListOutput<T>, value?: unknown): void;
  /** Prints one thing; fields without a value are left out. */
  item(fields: readonly TitledValue[], value: unknown): void;
  /** Prints the outcome of an action. */
  done(sentence: string, value: unknown): void;
  /** Prints further lines as they are; only in the format table. */
  lines(lines: readonly string[]): void;
  /** Prints a remark on stderr that is no result, such as what to do next. */
  remark(text: string): void;
}

/** Writes output in one format. Each format has a renderer. */
type Renderer = Pick<Output, 'list' | 'item' | 'done' | 'lines' | 'remark'>;

export function createOutput(
  format: OutputFormat,
  streams: { readonly stdout: Screen; readonly stderr: Screen },
  style: Style,
): Output {
  const width = streams.stdout.isTTY ? Math.max(20, streams.stdout.columns ?? 80) : undefined;
  const own = styleFor(streams.stdout, style);
  const renderers: Readonly<Record<OutputFormat, () => Renderer>> = {
    table: () => createTables(streams, own, width),
    json: () => createJson(streams.stdout),
    csv: () => createCsv(streams),
  };
  return { format, style: own, width, ...renderers[format]() };
}

/** The style without its colours when the stream is no terminal. */
export const styleFor = ({ isTTY }: Screen, style: Style): Style => ({
  ...style,
  color: style.color && isTTY === true,
});

/** JSON without raw control characters, which could steer a terminal; parsed, the values are the same. */
export const shownAsJson = (value: unknown): string => showableJson(JSON.stringify(value, null, 2));

function createJson(stdout: Screen): Renderer {
  const print = (value: unknown): void => void stdout.write(`${shownAsJson(value)}\n`);
  return {
    list: ({ rows }, value = rows) => print(value),
    item: (_fields, value) => print(value),
    done: (_sentence, value) => print(value),
    lines: () => undefined,
    remark: () => undefined,
  };
}

/** The column of a field in CSV. A field without a title continues the one before it: `pools`, `pools 2`. */
function titleAt(fields: readonly TitledValue[], at: number): string {
  const first = fields.findLastIndex(({ title }, i) => i <= at && title !== '');
  return `${fields[first]?.title ?? ''}${first === at ? '' : ` ${at - first + 1}`}`;
}

/** CSV has only tables: one thing becomes a table with one row. */
function createCsv({ stdout, stderr }: { readonly stdout: Screen; readonly stderr: Screen }): Renderer {
  const print = (lines: readonly string[]): void => void stdout.write(`${lines.join('\r\n')}\r\n`);
  return {
    list: ({ columns, rows }) => print(renderCsv(columns, rows)),
    item: (fields) =>
      print(
        renderCsv(
          fields.map((field, at) => ({ title: titleAt(fields, at), value: () => field.value })),
          [fields],
        ),
      ),
    done: (sentence) => print(renderCsv([{ title: 'done', value: (text: string) => text }], [sentence])),
    lines: () => undefined,
    remark: (text) => void stderr.write(`${clean(text)}\n`),
  };
}

function createTables(
  { stdout, stderr }: { readonly stdout: Screen; readonly stderr: Screen },
  style: Style,
  width: number | undefined,
): Renderer {
  const print = (lines: readonly string[]): void => {
    if (lines.length > 0) stdout.write(`${lines.join('\n')}\n`);
  };
  const remark = (text: string): void =>
    void stderr.write(`${paint(clean(text), 'faint', styleFor(stderr, style))}\n`);
  return {
    list: ({ columns, rows, none }) =>
      rows.length === 0 ? remark(none) : print(renderTable(columns, rows, width, style)),
    item: (fields) => print(renderFields(fields, width, style)),
    done: (sentence) => print(hang(clean(sentence), width, '  ')),
    lines: print,
    remark,
  };
}

/** A line `title  value` for each field; a long value continues below its beginning. */
function renderFields(
  fields: readonly TitledValue[],
  width: number | undefined,
  style: Style,
): readonly string[] {
  const shown = fields.filter(({ value }) => textOfCell(value) !== '');
  const indent = Math.max(0, ...shown.map(({ title }) => widthOfText(title))) + 2;
  return shown.flatMap(({ title, value, tone }) => {
    const text = clean(textOfCell(value));
    const lines = width === undefined ? [text] : wrap(text, Math.max(20, width - indent));
    return lines.map(
      (line, i) => paint(padEnd(i === 0 ? title : '', indent), 'faint', style) + paint(line, tone, style),
    );
  });
}
