/** Shows what is waited for: bars that are drawn over on a terminal, plain lines elsewhere. */
import { describe, renderBars, renderPlain } from './bars.ts';
import type { Progress } from './deployments.ts';
import { styleFor } from './output.ts';
import type { Screen } from './output.ts';
import type { Style } from './text.ts';
import { stripVTControlCharacters } from 'node:util';
import { widthOfText } from './text.ts';

export interface ProgressView {
  update(rows: readonly Progress[]): void;
  /** A line that stays, such as a remark on trouble. */
  say(line: string): void;
  /** Takes the bars away: what comes of it is told as a result. */
  end(): void;
}

/** A screen that tells when its size changes. */
interface Resizing extends Screen {
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
}

/** Between two plain lines that differ in numbers only. */
const PLAIN_MS = 5000;

/** @param redraws whether the terminal can be drawn over */
export const createProgress = (
  screen: Screen,
  style: Style,
  redraws: boolean,
  now: () => number = Date.now,
): ProgressView =>
  screen.isTTY === true && redraws ? createBars(screen, styleFor(screen, style)) : createLines(screen, now);

/**
 * Every frame goes out in one write, over the last one. Lines are cleared one by one: a terminal that keeps history
 * would put a cleared screen into it. The cursor stays visible and always rests below, so that however the command
 * ends there is nothing to restore.
 */
function createBars(screen: Resizing, style: Style): ProgressView {
  let rows: readonly Progress[] = [];
  let drawn: readonly string[] = [];

  const size = (): { columns: number; rows: number } => ({
    columns: screen.columns ?? 80,
    rows: screen.rows ?? 24,
  });
  // A terminal that became narrower has broken the lines that were drawn for the wider one.
  const height = (line: string): number =>
    Math.max(1, Math.ceil(widthOfText(stripVTControlCharacters(line)) / size().columns));
  const frame = (lines: readonly string[]): string => {
    const before = Math.min(
      drawn.reduce((sum, line) => sum + height(line), 0),
      size().rows - 1,
    );
    const spare = Math.max(0, before - lines.length);
    const cleared = [...lines, ...Array.from({ length: spare }, () => '')];
    return `${up(before)}${cleared.map((line) => `\r${line}${CLEAR_TO_END}\n`).join('')}${up(spare)}`;
  };
  const draw = (said: readonly string[]): void => {
    const lines = renderBars(rows, size(), style);
    screen.write(frame([...said, ...lines]));
    drawn = lines;
  };
  const redraw = (): void => draw([]);
  screen.on?.('resize', redraw);

  return {
    update(next) {
      rows = next;
      redraw();
    },
    say: (line) => draw([line]),
    end() {
      screen.off?.('resize', redraw);
      rows = [];
      redraw();
    },
  };
}

const CLEAR_TO_END = '\x1b[K';
const up = (lines: number): string => (lines === 0 ? '' : `\x1b[${lines}A`);

interface Told {
  readonly what: string;
  readonly at: number;
  readonly line: string;
}

function createLines(screen: Screen, now: () => number): ProgressView {
  const told = new Map<string, Told>();
  return {
    update(rows) {
      for (const row of rows) {
        const last = told.get(row.id);
        // Why it waits may change with every number in it.
        const what = row.stage === 'waiting' ? row.stage : describe(row);
        const line = renderPlain(row);
        const due = last === undefined || last.what !== what || now() - last.at >= PLAIN_MS;
        if (!due || line === last?.line) continue;
        told.set(row.id, { what, at: now(), line });
        screen.write(`${line}\n`);
      }
    },
    say: (line) => void screen.write(`${line}\n`),
    end: () => undefined,
  };
}
