/** Measures first visits of the page in a browser: Lighthouse's figures, and the loaded bytes. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { startStack } from './stack.ts';
import type { Stack } from './stack.ts';
import { atMost, median } from './statistics.ts';
import type { Goal } from './statistics.ts';
import type { Watch } from './watch.ts';

/** Maximum kilobytes of compressed script for the overview. */
const SCRIPT_GOAL = 300;
/** Thresholds that Lighthouse and Web Vitals call good; milliseconds, and shares of the window. */
const LARGEST_PAINT_GOAL = 2500;
const BLOCKED_GOAL = 200;
const SHIFT_GOAL = 0.1;

export interface PageReport {
  readonly visits: readonly VisitReport[];
  readonly goals: readonly Goal[];
}

/** Medians of the rounds; each visit with an empty cache. */
export interface VisitReport {
  readonly name: string;
  /** Milliseconds until the first content is painted (first contentful paint). */
  readonly paintMs: number;
  /** Milliseconds until the largest element is painted (largest contentful paint). */
  readonly largestPaintMs: number;
  /** Milliseconds of tasks beyond 50 each, during which a click would wait (total blocking time). */
  readonly blockedMs: number;
  /** How far visible content moved (cumulative layout shift): share of the window times share of the distance. */
  readonly layoutShift: number;
  /** Milliseconds until the heading of the view appears. */
  readonly shownMs: number;
  readonly requests: number;
  /** Transferred bytes, compressed. */
  readonly scriptBytes: number;
  readonly allBytes: number;
}

type Visit = Omit<VisitReport, 'name'>;

/** @returns undefined where no browser is installed */
export async function benchPage({ rounds, signal, onStep }: Watch & { readonly rounds: number }) {
  const folders = (process.env['PATH'] ?? '').split(':');
  const executablePath = folders.map((path) => join(path, 'chromium')).find((path) => existsSync(path));
  if (executablePath === undefined) return undefined;
  const { chromium } = await import('playwright-core');
  const folder = await mkdtemp(join(tmpdir(), 'bypass-bench-'));
  onStep('starting Bypass');
  try {
    const stack = await startStack(folder, { signal });
    try {
      onStep('page: visits');
      const args = ['--no-sandbox', '--disable-dev-shm-usage'];
      const browser = await chromium.launch({ executablePath, args });
      try {
        return await measure(browser, stack, rounds);
      } finally {
        await browser.close();
      }
    } finally {
      await stack.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(browser: Browser, { ready }: Stack, rounds: number): Promise<PageReport> {
  const strangers: Visit[] = [];
  const overviews: Visit[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const context = await browser.newContext({ baseURL: ready.pageUrl });
    const page = await context.newPage();
    strangers.push(await visit(page, 'Bypass'));
    await page.getByLabel('User').fill(ready.adminUser);
    await page.locator('input[type=password]').fill(ready.adminPassword);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    const session = await context.storageState();
    await context.close();
    // Logged in, with an empty cache.
    const again = await browser.newContext({ baseURL: ready.pageUrl, storageState: session });
    overviews.push(await visit(await again.newPage(), 'Overview'));
    await again.close();
  }
  const visits = [summary('the form to log in', strangers), summary('the overview', overviews)];
  const maxOf = (read: (visit: VisitReport) => number): number => Math.max(...visits.map(read));
  return {
    visits,
    goals: [
      atMost('of script in a first visit', maxOf(({ scriptBytes }) => scriptBytes) / 1000, SCRIPT_GOAL, 'kB'),
      atMost(
        'until the largest paint',
        maxOf(({ largestPaintMs }) => largestPaintMs),
        LARGEST_PAINT_GOAL,
        'ms',
      ),
      atMost(
        'blocked in all',
        maxOf(({ blockedMs }) => blockedMs),
        BLOCKED_GOAL,
        'ms',
      ),
      atMost(
        'of layout shift',
        maxOf(({ layoutShift }) => layoutShift),
        SHIFT_GOAL,
        '',
      ),
    ],
  };
}

/** Performance entries that a browser reports only to observers. */
const WATCHED = ['largest-contentful-paint', 'longtask', 'layout-shift'] as const;
const WATCH = `globalThis.watched = [];
  for (const type of ${JSON.stringify(WATCHED)}) {
    new PerformanceObserver((list) => watched.push(...list.getEntries())).observe({ type, buffered: true });
  }`;

/** Performance entries that the browser keeps by itself. */
const ENTRIES = `JSON.stringify([...performance.getEntriesByType('navigation'),
  ...performance.getEntriesByType('resource'), ...performance.getEntriesByType('paint'), ...watched])`;

interface Entry {
  readonly entryType: 'navigation' | 'resource' | 'paint' | (typeof WATCHED)[number];
  readonly name: string;
  readonly startTime: number;
  readonly duration: number;
  readonly transferSize?: number;
  /** Value of a layout shift. */
  readonly value?: number;
  readonly hadRecentInput?: boolean;
}

/** A task longer than this keeps a click waiting. */
const LONG_TASK_MS = 50;

async function visit(page: Page, heading: string): Promise<Visit> {
  await page.addInitScript(WATCH);
  const started = performance.now();
  await page.goto('/');
  await page.getByRole('heading', { level: 1, name: heading }).waitFor();
  const shownMs = performance.now() - started;
  await page.waitForLoadState('networkidle');
  const entries = JSON.parse(await page.evaluate<string>(ENTRIES)) as readonly Entry[];
  const of = (...types: readonly Entry['entryType'][]): readonly Entry[] =>
    entries.filter(({ entryType }) => types.includes(entryType));
  const loaded = of('navigation', 'resource');
  const bytes = (some: readonly Entry[]): number =>
    some.reduce((sum, one) => sum + (one.transferSize ?? 0), 0);
  const paintMs = of('paint').find(({ name }) => name === 'first-contentful-paint')?.startTime ?? shownMs;
  return {
    paintMs,
    largestPaintMs: of('largest-contentful-paint').at(-1)?.startTime ?? paintMs,
    blockedMs: of('longtask')
      .filter(({ startTime }) => startTime >= paintMs)
      .reduce((sum, { duration }) => sum + Math.max(0, duration - LONG_TASK_MS), 0),
    layoutShift: of('layout-shift')
      .filter(({ hadRecentInput }) => hadRecentInput !== true)
      .reduce((sum, { value = 0 }) => sum + value, 0),
    shownMs,
    requests: loaded.length,
    scriptBytes: bytes(loaded.filter(({ name }) => name.endsWith('.js'))),
    allBytes: bytes(loaded),
  };
}

const summary = (name: string, rounds: readonly Visit[]): VisitReport => ({
  name,
  paintMs: median(rounds.map((one) => one.paintMs)),
  largestPaintMs: median(rounds.map((one) => one.largestPaintMs)),
  blockedMs: median(rounds.map((one) => one.blockedMs)),
  layoutShift: median(rounds.map((one) => one.layoutShift)),
  shownMs: median(rounds.map((one) => one.shownMs)),
  requests: median(rounds.map((one) => one.requests)),
  scriptBytes: median(rounds.map((one) => one.scriptBytes)),
  allBytes: median(rounds.map((one) => one.allBytes)),
});
