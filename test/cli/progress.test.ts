import { renderBars } from '../../cli/bars.ts';
import { progressAfter, progressOf, stateOf } from '../../cli/deployments.ts';
import type { Progress } from '../../cli/deployments.ts';
import { createProgress } from '../../cli/progress.ts';
import { createStyle, widthOfText } from '../../cli/text.ts';
import { Screen } from './terminal.ts';

const MIB = 1024 ** 2;
const style = createStyle({ unicode: true, color: false });

const row = (name: string, more: Partial<Progress> = {}): Progress => ({
  id: name,
  name,
  stage: 'running',
  text: 'downloading',
  bytes: 512 * MIB,
  total: 2048 * MIB,
  percent: 25,
  rate: 105 * MIB,
  secondsLeft: 14.6,
  host: 'kvm-1',
  source: 'https://mirror.example.org/images/ubuntu-24.04-server-cloudimg-amd64.qcow2',
  next: '',
  ...more,
});

describe('progress between two steps of one host, when the api reports none,', () => {
  const deployment = {
    id: 'a',
    templateid: 't',
    templatename: 'ubuntu',
    storageid: 's',
    storagename: 'local-1',
    state: 'Creating',
  } as const;
  const before = row('local-1');

  const after = (more: object) => progressAfter(before, { ...deployment, hostname: 'kvm-1', ...more });

  test('stays as it was', () => {
    expect(after({ percent: 0 })).toEqual({
      ...before,
      rate: 0,
      secondsLeft: undefined,
    });
  });

  test('does not stay on another host, nor when the deployment waits, runs or is ready', () => {
    expect(after({ hostname: 'kvm-2' })).toMatchObject({ text: 'starting', bytes: 0 });
    expect(after({ waitreason: 'no room' })).toMatchObject({ stage: 'waiting', text: 'no room' });
    expect(after({ phase: 'verifying', bytes: 5, total: 9 })).toMatchObject({ text: 'verifying', bytes: 5 });
    expect(after({ state: 'Ready' })).toMatchObject({ stage: 'ready', percent: 100 });
  });
});

test.each([
  [0, 'waiting, next in line'],
  [1, 'waiting, 1 before it'],
])('a copy with %d before it in the line of its host is "%s"', (ahead, text) => {
  const copy = { id: 'a', templateid: 't', templatename: 'u', storageid: 's', storagename: 'p' };
  expect(progressOf({ ...copy, state: 'Creating', phase: 'waiting', ahead })).toMatchObject({ text });
});

test('a wait says what happened and when it goes on before it names the URL', () => {
  const copy = { id: 'a', templateid: 't', templatename: 'u', storageid: 's', storagename: 'p' };
  const waiting = progressOf({
    ...copy,
    state: 'Creating',
    waitreason: 'https://mirror.example.org/a.qcow2 answers 503',
    nexttry: '2026-11-24T08:00:05+0000',
  });
  expect(waiting.text).toMatch(
    /^the source answers 503; next try \d\d:00:05 \(https:\/\/mirror\.example\.org\/a\.qcow2\)$/,
  );
  const [first = ''] = renderBars([waiting], { columns: 80, rows: 24 }, style);
  expect(first).toMatch(/next try \d\d:00:05$/);
});

test('a cancelled copy says how many bytes are kept, and how to free them', () => {
  const copy = { id: 'a', templateid: 't', templatename: 'u', storageid: 's', storagename: 'p' };
  const cancelled = { ...copy, state: 'Allocated', cancelledby: 'admin', bytes: 45 * MIB } as const;
  expect(progressOf(cancelled)).toMatchObject({
    stage: 'cancelled',
    text: 'cancelled by admin; 45.0 MiB are kept for a retry (bypass deploy remove frees them)',
  });
  expect(stateOf(cancelled)).toBe('Cancelled');
});

/** A terminal with the control sequences that the bars use: it returns the lines that it shows after a text, and its cursor. */
function show(text: string, columns: number): { readonly lines: readonly string[]; readonly y: number } {
  const lines: string[] = [''];
  let [x, y] = [0, 0];
  for (const [piece] of text.matchAll(/\x1b\[(\d+)A|\x1b\[K|\r|\n|[^\x1b\r\n]/g)) {
    if (piece === '\n') y += 1;
    else if (piece === '\r') x = 0;
    else if (piece === '\x1b[K') lines[y] = (lines[y] ?? '').slice(0, x);
    else if (piece.startsWith('\x1b')) y -= Number(/\d+/.exec(piece)?.[0]);
    else {
      lines[y] = (lines[y] ?? '').padEnd(x).slice(0, x) + piece + (lines[y] ?? '').slice(x + 1);
      x += 1;
    }
    if (piece === '\n') x = 0;
    if (y < 0 || x > columns) throw new Error(`the cursor left the screen: ${x}, ${y}`);
    lines[y] ??= '';
  }
  return { lines: lines.map((line) => line.trimEnd()), y };
}

test('at 80 columns a deployment has a bar with numbers, and a line with phase, host and source', () => {
  expect(
    renderBars(
      [row('local-1'), row('shared', { stage: 'ready', text: 'ready' })],
      { columns: 80, rows: 24 },
      style,
    ),
  ).toEqual([
    'local-1  ██████░░░░░░░░░░░░░░░░   25%    0.5/2.0 GiB    105 MiB/s  0:15 left',
    '  downloading on kvm-1 from https://mirror.example.org/images/ubuntu-24.04-ser…',
    'shared   ✓ ready',
  ]);
});

test('on a wide terminal a deployment takes one line', () => {
  const [line = '', ...others] = renderBars([row('local-1')], { columns: 200, rows: 24 }, style);
  expect(others).toEqual([]);
  expect(line).toMatch(/local-1 .* 25% .* 0:15 left .*downloading on kvm-1 from https.*qcow2$/);
});

test.each([10, 30, 50, 79, 80, 100, 131, 132, 250])('no line reaches the edge at %d columns', (columns) => {
  const rows = [
    row('local-1'),
    row('a-pool-with-a-name-that-is-much-too-long-for-any-table', { total: 0, bytes: 0, rate: 0 }),
    row('waiting', {
      stage: 'waiting',
      text: 'no room: 2.0 GiB are needed, 1.1 GiB are free',
      secondsLeft: undefined,
    }),
    row('日本語のプール', { stage: 'failed', text: 'x'.repeat(400) }),
  ];
  for (const height of [3, 5, 24]) {
    const lines = renderBars(rows, { columns, rows: height }, style);
    expect(lines.length).toBeLessThan(height);
    for (const line of lines) expect(widthOfText(line)).toBeLessThan(columns);
  }
});

test('of more pools than lines, unfinished ones are shown and the others counted', () => {
  const rows = Array.from({ length: 30 }, (_, i) =>
    row(
      `pool-${i}`,
      i < 20 ? { stage: 'ready', text: 'ready' } : i < 22 ? { stage: 'failed', text: 'no' } : {},
    ),
  );
  const lines = renderBars(rows, { columns: 80, rows: 12 }, style);
  expect(lines).toHaveLength(11);
  expect(lines[0]).toMatch(/^pool-22 /);
  expect(lines.at(-1)).toBe('and 18 ready, 2 failed');
});

test('bars are redrawn in place, follow the size of the terminal, and leave nothing behind', () => {
  const screen = new Screen({ columns: 80, rows: 24 });
  screen.write('before\n');
  const view = createProgress(screen, style, true);
  for (let done = 0; done <= 100; done += 20) {
    view.update([row('local-1', { percent: done }), row('local-2', { percent: done })]);
  }
  expect(show(screen.text, 80).lines.filter((line) => line !== '')).toHaveLength(5);
  view.say('The api does not answer');
  expect(show(screen.text, 80).lines.slice(0, 3)).toEqual([
    'before',
    'The api does not answer',
    expect.stringMatching(/^local-1 .*100%/),
  ]);
  screen.columns = 150;
  screen.emit('resize');
  expect(show(screen.text, 150).lines.filter((line) => line !== '')).toHaveLength(4);
  view.update([row('local-1')]);
  view.end();
  const { lines, y } = show(screen.text, 150);
  expect(lines.filter((line) => line !== '')).toEqual(['before', 'The api does not answer']);
  expect(y).toBe(2);
  expect(screen.listenerCount('resize')).toBe(0);
  // The cursor is never hidden, so there is nothing to restore when the command is killed.
  expect(screen.text).not.toContain('\x1b[?');
});

test('lines that a narrower terminal has wrapped are overwritten in full', () => {
  const screen = new Screen({ columns: 80, rows: 24 });
  const view = createProgress(screen, style, true);
  view.update([row('local-1')]);
  screen.columns = 50;
  screen.text = '';
  screen.emit('resize');
  expect(screen.text).toContain('\x1b[4A');
});

test('without a terminal plain lines appear when something changes, and else every few seconds', () => {
  const screen = new Screen();
  let now = 0;
  const view = createProgress(screen, style, true, () => now);
  const lines = (): readonly string[] => screen.text.split('\n').slice(0, -1);
  view.update([
    row('local-1', { text: 'connecting', bytes: 0, rate: 0, secondsLeft: undefined, percent: 0 }),
  ]);
  now = 1000;
  view.update([row('local-1')]);
  for (now = 2000; now < 6000; now += 1000) view.update([row('local-1', { percent: now / 100 })]);
  now = 6000;
  view.update([row('local-1', { percent: 60 })]);
  view.update([row('local-1', { stage: 'ready', text: 'ready' })]);
  view.update([row('local-1', { stage: 'ready', text: 'ready' })]);
  view.end();
  const source = 'https://mirror.example.org/images/ubuntu-24.04-server-cloudimg-amd64.qcow2';
  expect(lines()).toEqual([
    `local-1: connecting on kvm-1 from ${source}, 0%, 0.0/2.0 GiB`,
    `local-1: downloading on kvm-1 from ${source}, 25%, 0.5/2.0 GiB, 105 MiB/s, 0:15 left`,
    `local-1: downloading on kvm-1 from ${source}, 60%, 0.5/2.0 GiB, 105 MiB/s, 0:15 left`,
    'local-1: ready',
  ]);
  expect(screen.text).not.toContain('\x1b');
});

test('a terminal that cannot move its cursor gets plain lines', () => {
  const screen = new Screen({ columns: 80, rows: 24 });
  createProgress(screen, style, false).update([row('local-1')]);
  expect(screen.text).not.toContain('\x1b');
});
