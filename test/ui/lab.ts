/** What tests of the page share: an installation, a browser, and words for what a person does there. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { openEndToEnd } from '../end-to-end/lab.ts';
import type { EndToEnd, RunningHost } from '../end-to-end/lab.ts';
import { findProgram } from '../support/programs.ts';
import { until } from '../support/until.ts';

export type Theme = 'light' | 'dark';

export interface Visitor {
  readonly page: Page;
  /** What the browser complained of: errors of scripts, violations of the policy, dialogs. */
  readonly faults: string[];
  /** Follows an address of the page, such as `/templates`, as typed into the address bar. */
  readonly go: (path: string) => Promise<void>;
  /** Follows a link or button of the page by its accessible name. */
  readonly press: (role: 'button' | 'link' | 'menuitem', name: string | RegExp) => Promise<void>;
  /** The heading of the view. */
  readonly heading: (name: string | RegExp) => Promise<void>;
  readonly row: (text: string) => Locator;
  readonly close: () => Promise<void>;
}

export interface VisitorOptions {
  readonly theme?: Theme;
  readonly width?: number;
  readonly height?: number;
  /** Default the administrator of the installation; null for nobody. */
  readonly as?: { readonly username: string; readonly password: string } | null;
}

export interface UiLab extends EndToEnd {
  readonly browser: Browser;
  /** Somebody with a browser of his own, logged in. */
  visit(options?: VisitorOptions): Promise<Visitor>;
  /** A host that nobody starts again, with a pool of its own name. */
  mortalHost(name: string): Promise<MortalHost>;
}

export interface MortalHost {
  readonly poolId: string;
  /** SIGKILL; resolves once it is gone. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

export async function openUiLab(options: { readonly hosts: number }): Promise<UiLab> {
  const lab = await openEndToEnd({ ...options, env: { BYPASS_API_CALLS: '0' } });
  const browser = await chromium.launch({
    executablePath: findProgram('chromium') ?? 'chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  const hosts: RunningHost[] = [];
  return {
    ...lab,
    browser,
    visit: (visitor = {}) => visit(lab, browser, visitor),
    mortalHost: (name) => mortalHost(lab, hosts, name),
    async close() {
      await browser.close();
      await Promise.all(hosts.map((host) => host.stop()));
      await lab.close();
    },
  };
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
  if (as !== null) await logIn(context, as ?? adminOf(lab));
  return {
    page,
    faults,
    async go(path) {
      await page.goto(path);
    },
    press: (role, name) => page.getByRole(role, { name, exact: typeof name === 'string' }).click(),
    heading: (name) => page.getByRole('heading', { level: 1, name }).waitFor(),
    row: (text) => page.locator('tbody tr').filter({ hasText: text }),
    close: () => context.close(),
  };
}

const adminOf = ({ stack }: EndToEnd) => ({ username: stack.adminUser, password: stack.adminPassword });

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
  await mkdir(join(folder, 'pool'), { recursive: true });
  const run = (invite?: string): Promise<RunningHost> =>
    lab.runHost({ name, state: join(folder, 'state'), pools, ...(invite === undefined ? {} : { invite }) });
  let host = await run(await lab.invite());
  running.push(host);
  const pool = await until(`host ${name} is up`, async () => {
    const up = (await lab.hosts()).some((one) => one.name === name && one.state === 'Up');
    return up ? (await lab.listPools()).find((one) => one.name === name) : undefined;
  });
  return {
    poolId: pool.id,
    async kill() {
      process.kill(host.pid, 'SIGKILL');
      await host.ended;
    },
    async start() {
      host = await run();
      running.push(host);
    },
  };
}
