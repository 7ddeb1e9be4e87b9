/** Lines that show deployments in progress, laid out for the terminal they are drawn on. */
import type { Progress, Stage } from './deployments.ts';
import { TONES } from './deployments.ts';
import { formatAmount, formatClock, formatRate } from './format.ts';
import { clean, cut, padEnd, padStart, paint, widthOfText } from './text.ts';
import type { Style } from './text.ts';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Columns of the parts of a line. */
const NAME_MAX = 24;
const BAR_MAX = 40;
/** With fewer columns than this, the bar is left out. */
const BAR_MIN = 8;
/** From this width on, a deployment takes one line instead of two. */
const WIDE = 132;
const PERCENT = 4;
const AMOUNT = 13;
const RATE = 11;
const LEFT = 12;
const GAP = '  ';

/**
 * One bar for each pool or virtual machine. On a wide terminal each takes one line; otherwise a second line names the host and the source, and
 * is left out when the terminal is not high enough. Every line is narrower than the terminal, which would wrap it otherwise.
 */
export function renderBars(all: readonly Progress[], size: Size, style: Style): readonly string[] {
  const columns = Math.max(1, size.columns - 1);
  const room = Math.max(1, size.rows - 1);
  const name = Math.min(NAME_MAX, Math.max(0, ...all.map(({ name: title }) => widthOfText(clean(title)))));
  const line = (row: Progress): string => firstLine(row, name, columns, style);
  if (columns >= WIDE && all.length <= room) {
    return all.map((row) => clip(`${line(row)}${GAP}${describe(row)}`, columns, style, row.stage));
  }
  const blocks = all.map((row) => [
    clip(line(row), columns, style, row.stage),
    ...(isOver(row) ? [] : [paint(cut(`${GAP}${describe(row)}`, columns, style), 'faint', style)]),
  ]);
  const lines = blocks.flat();
  return lines.length <= room ? lines : shortened(all, blocks, room, columns, style);
}

const isOver = ({ stage }: Progress): boolean =>
  stage === 'ready' || stage === 'failed' || stage === 'cancelled';

/** The first lines only. When even these do not fit: those of unfinished deployments, and a count of the others. */
function shortened(
  all: readonly Progress[],
  blocks: readonly (readonly string[])[],
  room: number,
  columns: number,
  style: Style,
): readonly string[] {
  const firsts = all.map((row, i) => ({ row, line: blocks[i]?.[0] ?? '' }));
  if (firsts.length <= room) return firsts.map(({ line }) => line);
  const ordered = firsts.toSorted((a, b) => Number(isOver(a.row)) - Number(isOver(b.row)));
  const shown = ordered.slice(0, room - 1);
  const hidden = ordered.slice(room - 1).map(({ row }) => row.stage);
  const counts = [...new Set(hidden)].map(
    (stage) => `${hidden.filter((each) => each === stage).length} ${stage}`,
  );
  return [...shown.map(({ line }) => line), cut(`and ${counts.join(', ')}`, columns, style)];
}

const SIGNS: Partial<Record<Stage, 'good' | 'bad'>> = { ready: 'good', failed: 'bad' };

function firstLine(row: Progress, nameWidth: number, columns: number, style: Style): string {
  const name = padEnd(cut(clean(row.name), nameWidth, style), nameWidth);
  const sign = SIGNS[row.stage];
  if (isOver(row)) return `${name}${GAP}${sign === undefined ? '' : `${style[sign]} `}${clean(row.text)}`;
  const numbers = numbersOf(row);
  const inColumns = [
    padStart(numbers.percent, PERCENT),
    padStart(numbers.amount, AMOUNT),
    padStart(numbers.rate, RATE),
    padEnd(numbers.left, LEFT),
  ].join(GAP);
  const room = Math.min(BAR_MAX, columns - nameWidth - widthOfText(inColumns) - 2 * GAP.length);
  if (room >= BAR_MIN) return `${name}${GAP}${drawBar(row, room, style)}${GAP}${inColumns}`.trimEnd();
  return [name, ...Object.values(numbers).filter((text) => text !== '')].join(GAP);
}

interface Numbers {
  readonly percent: string;
  readonly amount: string;
  readonly rate: string;
  readonly left: string;
}

/** The numbers of a row as texts; unknown ones are empty. */
const numbersOf = ({ percent, bytes, total, rate, secondsLeft, next }: Progress): Numbers => ({
  percent: total > 0 || percent > 0 ? `${percent}%` : '',
  amount: bytes > 0 || total > 0 ? formatAmount(bytes, total) : '',
  rate: rate > 0 ? formatRate(rate) : '',
  left: secondsLeft === undefined ? next : `${formatClock(secondsLeft)} left`,
});

function drawBar({ percent }: Progress, width: number, { full, empty }: Style): string {
  const filled = Math.round((Math.min(100, percent) / 100) * width);
  return full.repeat(filled) + empty.repeat(width - filled);
}

/** The phase, the host and the source. */
export function describe({ text, host, source, stage }: Progress): string {
  if (stage !== 'running') return clean(host === '' || stage !== 'waiting' ? text : `${text} (${host})`);
  const by = host === '' ? '' : ` on ${host}`;
  return clean(`${text}${by}${source === '' ? '' : ` from ${source}`}`);
}

const clip = (line: string, columns: number, style: Style, stage: Stage): string =>
  paint(
    cut(line, columns, style),
    stage === 'running' || stage === 'waiting' ? undefined : TONES[stage],
    style,
  );

/** One plain line, for output that cannot be redrawn. */
export function renderPlain(row: Progress): string {
  if (isOver(row) || row.stage === 'removing') return `${row.name}: ${clean(row.text)}`;
  // The sentence of a wait already names the time of the next try.
  const numbers = Object.values(numbersOf({ ...row, next: '' })).filter((text) => text !== '');
  const amount = numbers.length === 0 ? '' : `, ${numbers.join(', ')}`;
  return `${clean(row.name)}: ${describe(row)}${amount}`;
}
