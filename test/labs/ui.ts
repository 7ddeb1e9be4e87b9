/**
 * The page lab: an end-to-end lab, a real browser, and functions for what a person does on the page. `openBrowser` adds the same
 * to a lab that is there already.
 */
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, Locator, Page, Request } from 'playwright-core';
import { openEndToEnd } from './end-to-end.ts';
import type { EndToEnd, PoolPlace, RunningHost } from './end-to-end.ts';
import { findProgram, isFullRun } from '../support/programs.ts';
import { until } from '../support/until.ts';

export type Theme = 'light' | 'dark';

export interface Visitor {
  readonly page: Page;
  /** Complaints of the browser: script errors, violations of the content security policy, dialogs. */
  readonly faults: string[];
  /** Loads the page at an address such as `/templates`, as if typed into the address bar. */
  readonly load: (path: string) => Promise<void>;
  /** Opens a view anew, with empty forms, without a reload: that would compile and render the whole page again. */
  readonly go: (path: string) => Promise<void>;
  /** Opens an address as a link of the page does. A view that is shown already stays as it is. */
  readonly follow: (path: string) => Promise<void>;
  /** Clicks a link, button or menu item by its accessible name. */
  readonly press: (role: 'button' | 'link' | 'menuitem', name: string | RegExp) => Promise<void>;
  /** Waits for the heading of the view. */
  readonly heading: (name: string | RegExp) => Promise<void>;
  /** Table rows that contain a text. */
  readonly row: (text: string) => Locator;
  /** Waits until the first requests of the view are answered and their answers shown. */
  readonly settled: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface VisitorOptions {
  /** Default light. */
  readonly theme?: Theme;
  readonly width?: number;
  readonly height?: number;
  /** The user to log in. Default: the administrator; null: nobody. */
  readonly as?: { readonly username: string; readonly password: string } | null;
  /** Whether the visitor stays for the next tests. Default false. */
  readonly stays?: boolean;
}

/** A browser, and who visits the page in it. */
export interface Browsing {
  /**
   * The logged-in administrator, on a screen of 1280 px. All tests share this visitor, since a new browser loads
   * everything again.
   */
  readonly admin: Visitor;
  /** Opens another browser context. */
  visit(options?: VisitorOptions): Promise<Visitor>;
  /** Takes the faults of all open visitors since the last call. */
  takeFaults(): readonly string[];
  /** The text of all open pages, for the message of a failed test. */
  shown(): Promise<string>;
  /** Closes all visitors but those that stay. */
  leave(): Promise<void>;
  closeBrowser(): Promise<void>;
}

export interface UiLab extends EndToEnd, Browsing {
  /**
   * Starts a host that no supervisor restarts, with a pool of the same name and without decompression programs. A
   * test has to approve the host.
   */
  mortalHost(name: string): Promise<MortalHost>;
}

export interface MortalHost {
  /** Waits until the host is approved and Up. @returns its pool */
  pool(): Promise<PoolPlace>;
  /** Kills the host with SIGKILL, and waits for its end. */
  kill(): Promise<void>;
}

/** Defines a test of the page. A failure shows the text of all open pages; a fault of a browser fails the test. */
export const testOf =
  (opened: () => Browsing) =>
  (name: string, act: (admin: Visitor) => Promise<void>, timeoutMs?: number): void => {
    test(
      name,
      async () => {
        const lab = opened();
        try {
          await act(lab.admin);
          expect(lab.takeFaults()).toEqual([]);
        } catch (error) {
          lab.takeFaults();
          throw new Error(`${(error as Error).message}\n${await lab.shown()}`, { cause: error });
        } finally {
          await lab.leave();
        }
      },
      timeoutMs,
    );
  };

/** The same, for what the short form leaves to the full one: more of a kind that another test has. */
export const fullTestOf = (opened: () => UiLab): ReturnType<typeof testOf> =>
  isFullRun ? testOf(opened) : () => undefined;

/** Functions that playwright evaluates in the page, with an element. */
export const HAS_FOCUS = (one: { matches(selector: string): boolean }): boolean => one.matches(':focus');
export const IS_IN_SIGHT = (one: {
  getBoundingClientRect(): { readonly top: number; readonly bottom: number };
}): boolean => {
  const { top, bottom } = one.getBoundingClientRect();
  // The head of the page covers 56 pixels.
  return top >= 56 && bottom <= (globalThis as unknown as { readonly innerHeight: number }).innerHeight;
};

const CLOSE_NOTIFICATIONS = (): void => {
  const { document } = globalThis as unknown as {
    readonly document: { querySelectorAll(selector: string): Iterable<{ click(): void }> };
  };
  for (const button of document.querySelectorAll('.mantine-Notification-closeButton')) button.click();
};

export interface UiLabOptions {
  readonly hosts: number;
  /** Settings of all processes. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Links of the page lead there; no test follows one. */
const TEMPORAL_UI = 'http://127.0.0.1:8233';

export async function openUiLab({ hosts: count, env = {} }: UiLabOptions): Promise<UiLab> {
  const lab = await openEndToEnd({
    hosts: count,
    env: { BYPASS_API_CALLS: '0', BYPASS_TEMPORAL_UI_URL: TEMPORAL_UI, ...env },
  });
  const browsing = await openBrowser(lab);
  const hosts: RunningHost[] = [];
  return {
    ...lab,
    ...browsing,
    mortalHost: (name) => mortalHost(lab, hosts, name),
    async close() {
      await browsing.closeBrowser();
      await Promise.all(hosts.map((host) => host.stop()));
      await lab.close();
    },
  };
}

export async function openBrowser(lab: EndToEnd): Promise<Browsing> {
  const browser = await chromium.launch({
    executablePath: findProgram('chromium') ?? 'chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });
  const visitors: Visitor[] = [];
  const leaving: Visitor[] = [];
  const opened = async (visitor: VisitorOptions = {}): Promise<Visitor> => {
    const one = await visit(lab, browser, visitor);
    visitors.push(one);
    if (visitor.stays !== true) leaving.push(one);
    return one;
  };
  const admin = await opened({ stays: true });
  return {
    admin,
    visit: opened,
    takeFaults: () => visitors.flatMap(({ faults }) => faults.splice(0)),
    async shown() {
      const texts = await Promise.all(visitors.map(({ page }) => textOf(page)));
      return texts.join('\n');
    },
    async leave() {
      const closing = leaving.splice(0);
      await Promise.all(closing.map((one) => one.close()));
      for (const one of closing) visitors.splice(visitors.indexOf(one), 1);
    },
    closeBrowser: () => browser.close(),
  };
}

const MAX_SHOWN = 3000;

async function textOf(page: Page): Promise<string> {
  const text = await page.evaluate<string>('document.body.innerText').catch(String);
  return `${page.url()} shows:\n${text.slice(0, MAX_SHOWN)}`;
}

async function visit(lab: EndToEnd, browser: Browser, options: VisitorOptions): Promise<Visitor> {
  const { theme = 'light', width = 1280, height = 900, as } = options;
  const context = await browser.newContext({
    baseURL: lab.stack.pageUrl,
    viewport: { width, height },
    colorScheme: theme,
    reducedMotion: 'reduce',
    locale: 'en-GB',
  });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  const faults = watch(page);
  const open = openCalls(page);
  await context.addInitScript(STAND_STILL);
  if (as !== null) await logIn(context, as ?? adminOf(lab));
  const load = async (path: string): Promise<void> => void (await page.goto(path));
  const change = (how: 'pushState' | 'replaceState', path: string): Promise<void> =>
    page.evaluate(`history.${how}(null, '', ${JSON.stringify(path)})`);
  return {
    page,
    faults,
    load,
    async go(path) {
      if (!page.url().startsWith(lab.stack.pageUrl)) return load(path);
      // Errors stay until they are closed, and would cover buttons.
      await page.evaluate(CLOSE_NOTIFICATIONS);
      // By way of an address without a view, so that React makes the view anew even where it is shown already.
      await change('pushState', '/no-view');
      await change('replaceState', path);
    },
    follow: (path) => change('pushState', path),
    press: (role, name) => page.getByRole(role, { name, exact: typeof name === 'string' }).click(),
    heading: (name) => page.getByRole('heading', { level: 1, name }).waitFor(),
    row: (text) => page.locator('tbody tr').filter({ hasText: text }),
    async settled() {
      await page.getByRole('heading', { level: 1 }).waitFor();
      await until('the view is settled', async () => {
        if (open.size > 0) return false;
        await page.evaluate(PAINTED);
        return open.size === 0 && (await page.getByLabel('Loading').count()) === 0;
      });
    },
    close: () => context.close(),
  };
}

const adminOf = ({ stack }: EndToEnd) => ({ username: stack.adminUser, password: stack.adminPassword });

/** Ends the animation of spinners and bars, which without a graphics card takes half a processor. */
const STAND_STILL = `{
  const still = new CSSStyleSheet();
  still.replaceSync('*, *::before, *::after { animation: none !important; transition: none !important }');
  document.adoptedStyleSheets = [still];
}`;

/** Resolves after the next paint: answers are shown, and the requests that follow from them have begun. */
const PAINTED = 'new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))';

/** The unanswered requests of a page. */
function openCalls(page: Page): ReadonlySet<Request> {
  const open = new Set<Request>();
  page.on('request', (request) => open.add(request));
  page.on('requestfinished', (request) => open.delete(request));
  page.on('requestfailed', (request) => open.delete(request));
  return open;
}

function watch(page: Page): string[] {
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    // The page shows refusals of the api; the browser logs them too.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      faults.push(message.text());
    }
  });
  page.on('dialog', (dialog) => {
    faults.push(`a dialog opened: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return faults;
}

/** Logs in by the API, as the form of the page does; the form has its own test. */
async function logIn(
  context: BrowserContext,
  { username, password }: { readonly username: string; readonly password: string },
): Promise<void> {
  const answer = await context.request.post('/client/api', {
    form: { command: 'login', response: 'json', username, password },
  });
  const { loginresponse } = (await answer.json()) as {
    readonly loginresponse: { readonly account: string; readonly type: string };
  };
  const session = { username, account: loginresponse.account, isAdmin: loginresponse.type === '1' };
  const text = JSON.stringify(JSON.stringify(session));
  await context.addInitScript(`localStorage.setItem('bypass.session', ${text})`);
}

async function mortalHost(lab: EndToEnd, running: RunningHost[], name: string): Promise<MortalHost> {
  const folder = join(lab.stack.dataDir, name);
  const pools = `${name}=Filesystem:HOST:${join(folder, 'pool')}`;
  const programs = join(folder, 'programs');
  await Promise.all([programs, join(folder, 'pool')].map((path) => mkdir(path, { recursive: true })));
  await symlink(findProgram('flock') ?? 'flock', join(programs, 'flock'));
  const env = { PATH: programs };
  const host = await lab.runHost({ name, state: join(folder, 'state'), pools, env });
  running.push(host);
  return {
    pool: () =>
      until(`host ${name} is up`, async () => {
        const up = (await lab.hosts()).some((one) => one.name === name && one.state === 'Up');
        return up ? (await lab.listPools()).find((one) => one.name === name) : undefined;
      }),
    async kill() {
      process.kill(host.pid, 'SIGKILL');
      await host.ended;
    },
  };
}
