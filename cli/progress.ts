/**
 * Shows the progress of deployments while a command waits: bars that are redrawn on a terminal, plain lines elsewhere.
 *
 * Bars: each frame goes out in one write, over the last frame. The cursor moves up over the lines of the last frame, each
 * line is overwritten and cleared to its end, and the cursor always rests below the last line. It is never hidden. So
 * whenever the command is killed, there is nothing to restore. A terminal that became narrower has wrapped the old lines,
 * so their height is computed for its present width. At the end the bars are cleared, and the result is printed.
 *
 * Plain lines: one line per deployment, whenever its state changes, and else at most every `PLAIN_MS`.
 */
import { describe, renderBars, renderPlain } from './bars.ts';
import type { Progress } from './deployments.ts';
import { styleFor } from './output.ts';
import type { Screen } from './output.ts';
import type { Style } from './text.ts';
import { stripVTControlCharacters } from 'node:util';
import { widthOfText } from './text.ts';

export interface ProgressView {
  update(rows: readonly Progress[]): void;
  /** Prints a line that stays, such as a warning. */
  say(line: string): void;
  /** Clears the bars; the caller prints the result. */
  end(): void;
}

/** A screen that emits an event when its size changes. */
interface Resizing extends Screen {
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
}

/** Milliseconds between two plain lines that differ in numbers only. */
const PLAIN_MS = 5000;

/** @param redraws whether the terminal can move its cursor */
export const createProgress = (
  screen: Screen,
  style: Style,
  redraws: boolean,
  now: () => number = Date.now,
): ProgressView =>
  screen.isTTY === true && redraws ? createBars(screen, styleFor(screen, style)) : createLines(screen, now);

/** Lines are cleared one by one, since many terminals copy a cleared screen into their scroll-back. */
function createBars(screen: Resizing, style: Style): ProgressView {
  let rows: readonly Progress[] = [];
  let drawn: readonly string[] = [];

  const size = (): { columns: number; rows: number } => ({
    columns: screen.columns ?? 80,
    rows: screen.rows ?? 24,
  });
  // A terminal that became narrower has wrapped the lines that were drawn for the wider one.
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

interface PrintedLine {
  readonly what: string;
  readonly at: number;
  readonly line: string;
}

function createLines(screen: Screen, now: () => number): ProgressView {
  const printed = new Map<string, PrintedLine>();
  return {
    update(rows) {
      for (const row of rows) {
        const last = printed.get(row.id);
        // The reason of a wait contains numbers that change all the time, so only the stage counts as a change.
        const what = row.stage === 'waiting' ? row.stage : describe(row);
        const line = renderPlain(row);
        const due = last === undefined || last.what !== what || now() - last.at >= PLAIN_MS;
        if (!due || line === last?.line) continue;
        printed.set(row.id, { what, at: now(), line });
        screen.write(`${line}\n`);
      }
    },
    say: (line) => void screen.write(`${line}\n`),
    end: () => undefined,
  };
}
