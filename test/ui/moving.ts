/** Addresses of views, the back button, the keyboard, and what a first visit costs. */
import { gzipSync } from 'node:zlib';
import { testOf } from './lab.ts';
import type { UiLab } from './lab.ts';

const SCRIPT_LIMIT = 300_000;

export function moving(opened: () => UiLab): void {
  const check = testOf(opened);
  check(
    'every view has an address of its own, and the back button goes where one was',
    async ({ page, go, press, heading }) => {
      const [template] = await opened().templates({ name: 'from-the-form' });
      await go(`/templates/${template?.id ?? ''}`);
      await heading('from-the-form');
      await page.reload();
      await heading('from-the-form');
      await press('link', 'Deployments');
      await heading('Deployments');
      await page.getByText('Failed', { exact: true }).first().click();
      await page.waitForURL('**/deployments?state=Failed');
      await page.getByText('Ready', { exact: true }).first().click();
      await page.waitForURL('**/deployments?state=Ready');
      await page.goBack();
      await page.waitForURL('**/deployments?state=Failed');
      expect(await page.getByRole('radio', { name: 'Failed' }).isChecked()).toBe(true);
      await page.goBack();
      await page.goBack();
      await heading('from-the-form');
      await page.goForward();
      await heading('Deployments');
      await go('/nothing-of-that-name');
      await page.getByText(/nothing here/i).waitFor();
    },
  );

  check(
    'all can be done by keyboard: the first key leads past the menu, and a heading is read out',
    async ({ page, go, press, heading }) => {
      await go('/');
      await heading('Overview');
      await page.keyboard.press('Tab');
      await page.getByRole('link', { name: 'Skip to the content' }).waitFor();
      expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
      await page.keyboard.press('Enter');
      expect(await page.evaluate('document.activeElement.id')).toBe('content');
      await press('link', 'Events');
      await heading('Events');
      expect(await page.evaluate('document.activeElement.textContent')).toBe('Events');
    },
  );

  check('a first visit loads less than 300 kB of script, all of it from here', async () => {
    const { page, go, heading, press } = await opened().visit({ as: null });
    const scripts: Promise<number>[] = [];
    const foreign: string[] = [];
    const { origin } = new URL(opened().stack.pageUrl);
    page.on('response', (response) => {
      const url = new URL(response.url());
      if (url.origin !== origin) foreign.push(response.url());
      if (url.pathname.endsWith('.js')) {
        expect(response.headers()['content-encoding']).toBe('gzip');
        scripts.push(response.body().then((bytes) => gzipSync(bytes, { level: 9 }).length));
      }
    });
    await go('/');
    await page.getByRole('textbox', { name: 'User' }).fill(opened().stack.adminUser);
    await page.locator('input[type=password]').fill(opened().stack.adminPassword);
    await press('button', 'Log in');
    await heading('Overview');
    await page.getByRole('heading', { name: /^Throughput/ }).waitFor();
    const sizes = await Promise.all(scripts);
    expect(sizes.length).toBeGreaterThan(1);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(SCRIPT_LIMIT);
    expect(foreign).toEqual([]);
  });
}
