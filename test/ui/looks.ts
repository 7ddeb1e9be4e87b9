/** Views, in both themes, on a screen and on a phone, have no serious finding of axe and no overflow. */
import axe from 'axe-core';
import type { AxeResults } from 'axe-core';
import { isFullRun } from '../support/programs.ts';
import { fullTestOf, testOf } from '../labs/ui.ts';
import { MACHINE_VIEWS } from './machines.ts';
import type { Theme, UiLab, Visitor } from '../labs/ui.ts';

/** The short form checks each theme at one width, since few problems depend on both. */
const LOOKS: readonly (readonly [Theme, number])[] = isFullRun
  ? [
      ['light', 1280],
      ['light', 390],
      ['dark', 390],
      ['dark', 1280],
    ]
  : [
      ['light', 1280],
      ['dark', 390],
    ];

/**
 * In the short form, views that share their parts with another one are left out, and the dark theme on a phone is checked
 * on the overview and on a template; other views differ little.
 */
const isChecked = (address: string, theme: Theme): boolean =>
  isFullRun || (theme === 'light' ? !TWIN.test(address) : address === '/' || TEMPLATE.test(address));

const SHORT_VIEWS: Readonly<Record<Theme, string>> = {
  light: 'each kind of view',
  dark: 'the overview and a template',
};

/**
 * ISOs and changes have the lists and forms of templates; an address without a view has a heading alone; these lists have the
 * parts of the list of hosts.
 */
const TWIN = /^\/isos|\/edit$|\/nothing-here$|^\/(?:pools|zones|accounts|certificates)$/;
const TEMPLATE = /^\/templates\/[^/]{36}$/;

/** Addresses of all views, with ids of existing things. */
async function addressesOf(lab: UiLab): Promise<readonly string[]> {
  const [host] = await lab.hosts();
  const { account: [account] = [] } = await lab.call<{
    readonly account?: readonly { readonly id: string }[];
  }>('listAccounts');
  const [template] = await lab.templates({ name: 'two-mirrors' });
  const [deployment] = await lab.deployments({ state: 'Ready' });
  return [
    '/',
    '/templates',
    '/templates/register',
    `/templates/${template?.id ?? ''}`,
    `/templates/${template?.id ?? ''}/edit`,
    '/isos',
    '/isos/register',
    '/deployments',
    `/deployments/${deployment?.id ?? ''}`,
    '/rollouts',
    '/hosts',
    `/hosts/${host?.id ?? ''}`,
    '/pools',
    `/pools/${lab.pool.id}`,
    '/zones',
    '/accounts',
    `/accounts/${account?.id ?? ''}`,
    '/settings',
    '/jobs',
    '/me',
    '/certificates',
    '/certificates/upload',
    '/events',
    '/events/nothing-here',
    ...MACHINE_VIEWS,
  ];
}

export function looks(opened: () => UiLab): void {
  const check = testOf(opened);
  const fully = fullTestOf(opened);
  let addresses: readonly string[] = [];
  let stranger: Visitor;
  beforeAll(async () => {
    addresses = await addressesOf(opened());
    stranger = await opened().visit({ as: null, stays: true });
    await stranger.go('/');
  });
  afterAll(() => lookAs(opened().admin, 'light', 1280));

  for (const [theme, width] of LOOKS) {
    const rules = theme === 'light' ? RULES : COLOURS;
    const views = isFullRun ? 'every view' : SHORT_VIEWS[theme];
    check(`${views}, ${theme}, ${width} px`, async (admin) => {
      await admin.go('/');
      await lookAs(admin, theme, width);
      for (const address of addresses.filter((one) => isChecked(one, theme))) {
        await admin.follow(address);
        await admin.settled();
        expect({ address, faults: await faultsOf(admin, rules) }).toEqual({ address, faults: [] });
      }
    });

    fully(`the form to log in, and dialogs, ${theme}, ${width} px`, async (admin) => {
      await lookAs(stranger, theme, width);
      await stranger.settled();
      expect(await faultsOf(stranger, rules)).toEqual([]);
      const { page, press, follow, settled } = admin;
      await follow(addresses.find((address) => TEMPLATE.test(address)) ?? '');
      for (const button of ['Deploy', 'Share', 'Delete']) {
        await press('button', button);
        await page.getByRole('dialog').getByRole('button').last().waitFor();
        await settled();
        expect(await faultsOf(admin, rules)).toEqual([]);
        await page.keyboard.press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'hidden' });
      }
      if (width > 400) return;
      await press('button', 'Open the menu');
      await page.getByRole('link', { name: 'Events' }).waitFor();
      expect(await faultsOf(admin, rules)).toEqual([]);
    });
  }
}

/** Axe's rules that WCAG asks for; the full form has axe's own as well, among which few are serious. */
const RULES = isFullRun ? undefined : ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
/** Rules that depend on the theme; the others find the same in both. */
const COLOURS = ['color-contrast', 'link-in-text-block'];

/** Ends transitions, whose intermediate colours do not count, and spinners, which never end. */
export const TRANSITIONS_OVER = `(async () => {
  const isEnding = ({ effect, playState }) =>
    playState === 'running' && Number.isFinite(effect.getComputedTiming().endTime);
  for (let round = 0; round < 50; round += 1) {
    const ending = document.getAnimations().filter(isEnding);
    if (ending.length === 0) return;
    await Promise.allSettled(ending.map(({ finished }) => finished));
  }
})()`;

async function lookAs({ page }: Visitor, colorScheme: Theme, width: number): Promise<void> {
  await page.setViewportSize({ width, height: 900 });
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor();
  await page.evaluate(TRANSITIONS_OVER);
}

/** Texts of elements that clip their content. Elements for screen readers are one pixel wide and do not count. */
const CUT = `[...document.querySelectorAll('main *')]
  .filter((one) => one.clientWidth > 1 && one.scrollWidth > one.clientWidth + 1
    && ['hidden', 'clip'].includes(getComputedStyle(one).overflowX) && !['INPUT', 'TEXTAREA'].includes(one.tagName))
  .map((one) => one.innerText)`;

/** Texts that overlap the next table column by more than a pixel of rounding. */
const OUTSIDE_CELLS = `[...document.querySelectorAll('main td *')]
  .filter((one) => one.getBoundingClientRect().right > one.closest('td').getBoundingClientRect().right + 1)
  .map((one) => one.textContent)`;

/** The page has no frames, and no rule that needs style sheets and media to be fetched again. */
const AXE = { resultTypes: ['violations'], iframes: false, preload: false };

/** Serious findings of axe, horizontal overflow, clipped texts, and texts that overlap the next column. */
async function faultsOf({ page }: Visitor, rules?: readonly string[]): Promise<readonly string[]> {
  if (await page.evaluate("typeof axe === 'undefined'")) await page.evaluate(axe.source);
  await page.evaluate(TRANSITIONS_OVER);
  const { violations } = await page.evaluate<AxeResults>(
    `axe.run(document, ${JSON.stringify({ ...AXE, ...(rules === undefined ? {} : { runOnly: rules }) })})`,
  );
  const overflow = await page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  );
  const cut = await page.evaluate<readonly string[]>(CUT);
  const outside = await page.evaluate<readonly string[]>(OUTSIDE_CELLS);
  return [
    ...violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(describeFinding),
    ...(overflow > 0 ? [`wider than the window by ${overflow} px`] : []),
    ...cut.map((text) => `cut off: ${text}`),
    ...outside.map((text) => `over the next column: ${text}`),
  ];
}

const describeFinding = ({ id, nodes }: AxeResults['violations'][number]): readonly string[] =>
  nodes.map(({ target, failureSummary = '' }) => `${id}: ${String(target)}: ${failureSummary}`);
