/** Every view, in both themes, on a screen and on a phone: without a serious finding of axe, and without overflow. */
import axe from 'axe-core';
import type { AxeResults } from 'axe-core';
import { isFullRun } from '../support/programs.ts';
import { testOf } from './lab.ts';
import type { Theme, UiLab, Visitor } from './lab.ts';

/** In the short form each theme is seen at one width: what differs by both is rare. */
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

/** Addresses of all views, with things that are there. */
export async function addressesOf(lab: UiLab): Promise<readonly string[]> {
  const [host] = await lab.hosts();
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
    '/hosts',
    `/hosts/${host?.id ?? ''}`,
    '/pools',
    '/certificates',
    '/certificates/upload',
    '/events',
    '/events/nothing-here',
  ];
}

export function looks(opened: () => UiLab): void {
  const check = testOf(opened);
  let addresses: readonly string[] = [];
  beforeAll(async () => {
    addresses = await addressesOf(opened());
  });
  afterAll(() => lookAs(opened().admin, 'light', 1280));

  for (const [theme, width] of LOOKS) {
    const rules = theme === 'light' ? undefined : COLOURS;
    check(`every view, ${theme}, ${width} px`, async (admin) => {
      await admin.go('/');
      await lookAs(admin, theme, width);
      for (const address of addresses) {
        await admin.follow(address);
        await admin.settled();
        expect({ address, faults: await faultsOf(admin, rules) }).toEqual({ address, faults: [] });
      }
    });

    check(`the form to log in, and dialogs, ${theme}, ${width} px`, async (admin) => {
      const stranger = await opened().visit({ as: null, theme, width });
      await stranger.go('/');
      await stranger.settled();
      expect(await faultsOf(stranger, rules)).toEqual([]);
      const { page, press, follow, settled } = admin;
      await follow(addresses.find((address) => /^\/templates\/[^/]{36}$/.test(address)) ?? '');
      for (const button of ['Deploy', 'Delete']) {
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

/** The other rules find in one theme what they find in the other. */
const COLOURS = ['color-contrast', 'link-in-text-block'];

/** Colours on their way, to the other theme or because the mouse came, are no colours of the page; spinners never end. */
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

/** Texts of what is wider than it may be and hides the rest; what is for screen readers only is a pixel wide. */
const CUT = `[...document.querySelectorAll('main *')]
  .filter((one) => one.clientWidth > 1 && one.scrollWidth > one.clientWidth + 1
    && ['hidden', 'clip'].includes(getComputedStyle(one).overflowX) && !['INPUT', 'TEXTAREA'].includes(one.tagName))
  .map((one) => one.innerText)`;

/** What axe finds that is serious, whether something sticks out to the right, and what is cut off. */
async function faultsOf({ page }: Visitor, rules?: readonly string[]): Promise<readonly string[]> {
  if (await page.evaluate("typeof axe === 'undefined'")) await page.evaluate(axe.source);
  await page.evaluate(TRANSITIONS_OVER);
  const { violations } = await page.evaluate<AxeResults>(
    `axe.run(document, ${JSON.stringify({ resultTypes: ['violations'], ...(rules === undefined ? {} : { runOnly: rules }) })})`,
  );
  const overflow = await page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  );
  const cut = await page.evaluate<readonly string[]>(CUT);
  return [
    ...violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(describeFinding),
    ...(overflow > 0 ? [`wider than the window by ${overflow} px`] : []),
    ...cut.map((text) => `cut off: ${text}`),
  ];
}

const describeFinding = ({ id, nodes }: AxeResults['violations'][number]): readonly string[] =>
  nodes.map(({ target, failureSummary = '' }) => `${id}: ${String(target)}: ${failureSummary}`);
