/** Navigation: addresses of views, the back button, the keyboard, and the cost of a first visit. */
import { gzipSync } from 'node:zlib';
import { testOf } from '../labs/ui.ts';
import type { UiLab } from '../labs/ui.ts';

const SCRIPT_LIMIT = 300_000;
const NOBODY = '00000000-0000-4000-8000-000000000000';

export function moving(opened: () => UiLab): void {
  const check = testOf(opened);
  check(
    'every view has its own address, and the back button returns to the previous view',
    async ({ page, load, go, follow, press, heading }) => {
      const [template] = await opened().templates({ name: 'from-the-form' });
      await load(`/templates/${template?.id ?? ''}`);
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
      // A browser gets a page, not the api's JSON.
      for (const address of ['/nothing-of-that-name', '/templates/nope', `/hosts/${NOBODY}`, '/pools/nope']) {
        const answer = await page.request.get(address, { headers: { accept: 'text/html' } });
        expect(answer.headers()['content-type']).toContain('text/html');
        await go(address);
        await heading('There is nothing here');
      }
      await follow(`/deployments/${NOBODY}`);
      await heading('There is nothing here');
    },
  );

  check(
    'the page works by keyboard: the first tab skips the menu, and headings get the focus',
    async ({ page, load, press, heading }) => {
      await load('/');
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

  check('a first visit loads less than 300 kB of script, all of it from the api', async () => {
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
