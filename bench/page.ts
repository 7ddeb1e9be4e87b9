/** What the first visits of the page cost a browser: time until something is seen, and what is loaded for it. */
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

/** Kilobytes of script, compressed, until the overview is there. */
const SCRIPT_GOAL = 300;

export interface PageReport {
  readonly visits: readonly VisitReport[];
  readonly goals: readonly Goal[];
}

/** Medians of the rounds; each visit with an empty cache. */
export interface VisitReport {
  readonly name: string;
  /** Milliseconds until something is seen (first contentful paint). */
  readonly paintMs: number;
  /** Milliseconds until the heading of the view is there. */
  readonly shownMs: number;
  readonly requests: number;
  /** Bytes as they were sent, compressed. */
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
    const stack = await startStack(folder, signal);
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
    // Logged in, with nothing in its cache.
    const again = await browser.newContext({ baseURL: ready.pageUrl, storageState: session });
    overviews.push(await visit(await again.newPage(), 'Overview'));
    await again.close();
  }
  const visits = [summary('the form to log in', strangers), summary('the overview', overviews)];
  const script = Math.max(...visits.map(({ scriptBytes }) => scriptBytes)) / 1000;
  return { visits, goals: [atMost('of script in a first visit', script, SCRIPT_GOAL, 'kB')] };
}

/** What the browser itself wrote down. */
const ENTRIES = `JSON.stringify([...performance.getEntriesByType('navigation'),
  ...performance.getEntriesByType('resource'), ...performance.getEntriesByType('paint')])`;

interface Entry {
  readonly entryType: 'navigation' | 'resource' | 'paint';
  readonly name: string;
  readonly startTime: number;
  readonly transferSize?: number;
}

async function visit(page: Page, heading: string): Promise<Visit> {
  const started = performance.now();
  await page.goto('/');
  await page.getByRole('heading', { level: 1, name: heading }).waitFor();
  const shownMs = performance.now() - started;
  await page.waitForLoadState('networkidle');
  const entries = JSON.parse(await page.evaluate<string>(ENTRIES)) as readonly Entry[];
  const loaded = entries.filter(({ entryType }) => entryType !== 'paint');
  const bytes = (some: readonly Entry[]): number =>
    some.reduce((sum, one) => sum + (one.transferSize ?? 0), 0);
  return {
    paintMs: entries.find(({ name }) => name === 'first-contentful-paint')?.startTime ?? shownMs,
    shownMs,
    requests: loaded.length,
    scriptBytes: bytes(loaded.filter(({ name }) => name.endsWith('.js'))),
    allBytes: bytes(loaded),
  };
}

const summary = (name: string, rounds: readonly Visit[]): VisitReport => ({
  name,
  paintMs: median(rounds.map((one) => one.paintMs)),
  shownMs: median(rounds.map((one) => one.shownMs)),
  requests: median(rounds.map((one) => one.requests)),
  scriptBytes: median(rounds.map((one) => one.scriptBytes)),
  allBytes: median(rounds.map((one) => one.allBytes)),
});
