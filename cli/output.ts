/** What a command says: results on stdout, as tables for people or as JSON; remarks and progress on stderr. */
import { textOfCell } from './cells.ts';
import type { CellValue } from './cells.ts';
import { renderCsv } from './csv.ts';
import { renderTable } from './table.ts';
import type { Column } from './table.ts';
import { clean, hang, padEnd, paint, widthOfText, wrap } from './text.ts';
import type { Style, Tone } from './text.ts';

export type { Column } from './table.ts';

/** Where text goes: a stream of the process, or what a test gives. */
export interface Screen {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

export const OUTPUT_FORMATS = ['table', 'json', 'csv'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export interface Listing<T> {
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  /** Said in place of an empty table. */
  readonly none: string;
}

export interface Field {
  readonly title: string;
  readonly value: CellValue;
  readonly tone?: Tone | undefined;
}

export interface Output {
  readonly format: OutputFormat;
  readonly style: Style;
  /** Columns of the terminal that results go to; undefined when it is none. */
  readonly width: number | undefined;
  /** @param value what stands for it in JSON; the rows when absent */
  list<T>(listing: Listing<T>, value?: unknown): void;
  /** One thing: what has no value is left out. */
  item(fields: readonly Field[], value: unknown): void;
  /** The outcome of an action. */
  done(sentence: string, value: unknown): void;
  /** Further lines for people; nothing in other formats. */
  lines(lines: readonly string[]): void;
  /** A remark that is no result, such as what to do next. */
  remark(text: string): void;
}

/** One way to write what commands have to say. Another format is another of these. */
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

/** Colours are for terminals only. */
export const styleFor = ({ isTTY }: Screen, style: Style): Style => ({
  ...style,
  color: style.color && isTTY === true,
});

function createJson(stdout: Screen): Renderer {
  const print = (value: unknown): void => void stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  return {
    list: ({ rows }, value = rows) => print(value),
    item: (_fields, value) => print(value),
    done: (_sentence, value) => print(value),
    lines: () => undefined,
    remark: () => undefined,
  };
}

/** A field without a title goes on with the one before it: `pools`, `pools 2`. */
function titleAt(fields: readonly Field[], at: number): string {
  const first = fields.findLastIndex(({ title }, i) => i <= at && title !== '');
  return `${fields[first]?.title ?? ''}${first === at ? '' : ` ${at - first + 1}`}`;
}

/** What is no list is a table of one row. */
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

/** `title  value` a line; long values go on under their beginning. */
export function renderFields(
  fields: readonly Field[],
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
