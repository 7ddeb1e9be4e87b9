/** Every view, in both themes, on a screen and on a phone: without a serious finding of axe, and without overflow. */
import axe from 'axe-core';
import type { AxeResults } from 'axe-core';
import type { Theme, UiLab, Visitor } from './lab.ts';

const WIDTHS = [1280, 390] as const;
const THEMES = ['light', 'dark'] as const satisfies readonly Theme[];

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
  let visitor: Visitor;
  let addresses: readonly string[];
  beforeAll(async () => {
    visitor = await opened().visit();
    addresses = await addressesOf(opened());
  });
  afterAll(() => visitor.close());

  test('every view', async () => {
    for (const address of addresses) {
      await visitor.go(address);
      await settled(visitor);
      expect({ address, faults: await faultsOf(visitor) }).toEqual({ address, faults: [] });
    }
    expect(visitor.faults).toEqual([]);
  }, 240_000);

  test('the form to log in, dialogs, and the menu of a phone', async () => {
    const stranger = await opened().visit({ as: null });
    await stranger.go('/');
    await settled(stranger);
    expect(await faultsOf(stranger)).toEqual([]);
    await stranger.close();
    const [template] = await opened().templates({ name: 'two-mirrors' });
    await visitor.go(`/templates/${template?.id ?? ''}`);
    const { page, press } = visitor;
    for (const button of ['Deploy', 'Delete']) {
      await press('button', button);
      await page.getByRole('dialog').getByRole('button').last().waitFor();
      expect(await faultsOf(visitor)).toEqual([]);
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
    }
    await page.setViewportSize({ width: 390, height: 800 });
    await press('button', 'Open the menu');
    await page.getByRole('link', { name: 'Events' }).waitFor();
    expect(await examine(visitor)).toEqual([]);
    expect(visitor.faults).toEqual([]);
  }, 120_000);
}

/** The other rules find in one theme what they find in the other. */
const COLOURS = ['color-contrast', 'link-in-text-block'];

/** Colours on their way from one theme to the other are neither's. */
export const TRANSITIONS_OVER = `Promise.allSettled(
  document.getAnimations().filter((one) => one instanceof CSSTransition).map(({ finished }) => finished)
).then(() => undefined)`;

/** In both themes, on a screen and on a phone. */
async function faultsOf(visitor: Visitor): Promise<readonly string[]> {
  const found: string[] = [];
  for (const width of WIDTHS) {
    await visitor.page.setViewportSize({ width, height: 900 });
    for (const colorScheme of THEMES) {
      await visitor.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await visitor.page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor();
      await visitor.page.evaluate(TRANSITIONS_OVER);
      const faults = await examine(visitor, colorScheme === 'light' ? undefined : COLOURS);
      found.push(...faults.map((fault) => `${colorScheme}, ${width} px: ${fault}`));
    }
  }
  return found;
}

/** What it asks at first is answered. */
export async function settled({ page }: Visitor): Promise<void> {
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.getByLabel('Loading').waitFor({ state: 'detached' });
  await page.waitForLoadState('networkidle');
}

/** What axe finds that is serious, and whether something sticks out to the right. */
async function examine({ page }: Visitor, rules?: readonly string[]): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<AxeResults>(
    `axe.run(document, ${JSON.stringify({ resultTypes: ['violations'], ...(rules === undefined ? {} : { runOnly: rules }) })})`,
  );
  const overflow = await page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  );
  return [
    ...violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(describeFinding),
    ...(overflow > 0 ? [`wider than the window by ${overflow} px`] : []),
  ];
}

const describeFinding = ({ id, nodes }: AxeResults['violations'][number]): readonly string[] =>
  nodes.map(({ target, failureSummary = '' }) => `${id}: ${String(target)}: ${failureSummary}`);
