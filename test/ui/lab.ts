/** What tests of the page share: an installation, a browser, and words for what a person does there. */
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, Locator, Page, Request } from 'playwright-core';
import { openEndToEnd } from '../end-to-end/lab.ts';
import type { EndToEnd, PoolPlace, RunningHost } from '../end-to-end/lab.ts';
import { findProgram } from '../support/programs.ts';
import { until } from '../support/until.ts';

export type Theme = 'light' | 'dark';

export interface Visitor {
  readonly page: Page;
  /** What the browser complained of: errors of scripts, violations of the policy, dialogs. */
  readonly faults: string[];
  /** Follows an address of the page, such as `/templates`, as typed into the address bar. */
  readonly go: (path: string) => Promise<void>;
  /** Goes there as a link of the page does, without loading the page anew. */
  readonly follow: (path: string) => Promise<void>;
  /** Follows a link or button of the page by its accessible name. */
  readonly press: (role: 'button' | 'link' | 'menuitem', name: string | RegExp) => Promise<void>;
  /** The heading of the view. */
  readonly heading: (name: string | RegExp) => Promise<void>;
  readonly row: (text: string) => Locator;
  /** Waits until all that the view asks at first is answered and shown. */
  readonly settled: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface VisitorOptions {
  /** Default light. */
  readonly theme?: Theme;
  readonly width?: number;
  readonly height?: number;
  /** Default the administrator of the installation; null for nobody. */
  readonly as?: { readonly username: string; readonly password: string } | null;
}

export interface UiLab extends EndToEnd {
  /** The administrator, logged in, on a screen of 1280 px; one for all tests, since a new browser loads all anew. */
  readonly admin: Visitor;
  /** Somebody with a browser of his own. */
  visit(options?: VisitorOptions): Promise<Visitor>;
  /** Those who still visit; what their browsers complained of since this was asked last is taken away. */
  takeFaults(): readonly string[];
  /** All that is shown in all browsers, to tell why a test failed. */
  shown(): Promise<string>;
  /** All but the administrator leave. */
  leave(): Promise<void>;
  /** A host that nobody starts again, with a pool of its own name, without the programs that unpack; it is to be approved. */
  mortalHost(name: string): Promise<MortalHost>;
}

export interface MortalHost {
  /** Resolves with its pool, once it is approved and Up. */
  pool(): Promise<PoolPlace>;
  /** SIGKILL; resolves once it is gone. */
  kill(): Promise<void>;
}

/** A test of what the administrator, or somebody else, sees. It says what was shown when it fails. */
export const testOf =
  (opened: () => UiLab) =>
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

export async function openUiLab(options: { readonly hosts: number }): Promise<UiLab> {
  const lab = await openEndToEnd({ ...options, env: { BYPASS_API_CALLS: '0' } });
  const browser = await chromium.launch({
    executablePath: findProgram('chromium') ?? 'chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  const hosts: RunningHost[] = [];
  const visitors: Visitor[] = [];
  const opened = async (visitor: VisitorOptions = {}): Promise<Visitor> => {
    const one = await visit(lab, browser, visitor);
    visitors.push(one);
    return one;
  };
  const admin = await opened();
  return {
    ...lab,
    admin,
    visit: opened,
    takeFaults: () => visitors.flatMap(({ faults }) => faults.splice(0)),
    async shown() {
      const texts = await Promise.all(visitors.map(({ page }) => textOf(page)));
      return texts.join('\n');
    },
    async leave() {
      await Promise.all(visitors.splice(1).map((one) => one.close()));
    },
    mortalHost: (name) => mortalHost(lab, hosts, name),
    async close() {
      await browser.close();
      await Promise.all(hosts.map((host) => host.stop()));
      await lab.close();
    },
  };
}

const MOST_SHOWN = 3000;

async function textOf(page: Page): Promise<string> {
  const text = await page.evaluate<string>('document.body.innerText').catch(String);
  return `${page.url()} shows:\n${text.slice(0, MOST_SHOWN)}`;
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
  if (as !== null) await logIn(context, as ?? adminOf(lab));
  return {
    page,
    faults,
    async go(path) {
      await page.goto(path);
    },
    follow: (path) => page.evaluate(`history.pushState(null, '', ${JSON.stringify(path)})`),
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

/** What was answered is shown, and what is asked because of it has been asked. */
const PAINTED = 'new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))';

/** Requests of the page that are not answered yet. */
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
    // A refusal of the api is shown by the page; the browser writes it down as well.
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

/** By the API, as the form of the page does it; the form has a test of its own. */
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
