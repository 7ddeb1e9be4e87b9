/** Empty lists say what to do first. */
import { fullTestOf, testOf } from '../labs/ui.ts';
import type { UiLab } from '../labs/ui.ts';

export function nothingYet(opened: () => UiLab): void {
  const check = testOf(opened);
  const fully = fullTestOf(opened);

  check('empty lists say what to do first', async ({ page, go, follow }) => {
    await go('/');
    for (const [address, title, first] of [
      ['/', 'Nothing was deployed yet', 'Register a template under Templates'],
      ['/templates', 'No template yet', 'Register one by its URL'],
      ['/isos', 'No ISO yet', 'Register one by its URL'],
      ['/deployments', 'Nothing was deployed yet', 'Open a template and press Deploy'],
      ['/certificates', 'No certificate yet', 'upload that authority here'],
    ] as const) {
      await follow(address);
      await page.getByText(title, { exact: true }).waitFor();
      await page.getByRole('main').getByText(first).waitFor();
    }
  });

  fully('a filter without results says so, and a search filters the list', async ({ page, follow }) => {
    for (const [view, title] of [
      ['templates', 'No template is like that'],
      ['isos', 'No ISO is like that'],
      ['deployments', 'No deployment is like that'],
      ['hosts', 'No host is like that'],
      ['pools', 'No storage pool is like that'],
      ['events', 'No event is like that'],
    ] as const) {
      await follow(`/${view}?keyword=none-of-that-name`);
      await page.getByText(title).waitFor();
    }
    await follow('/hosts');
    await page.getByRole('textbox', { name: 'Search by name' }).fill('none-of-that-name');
    await page.getByText('No host is like that').waitFor();
    await page.waitForURL('**/hosts?keyword=none-of-that-name');
    await page.getByRole('textbox', { name: 'Search by name' }).fill('host1');
    await page.getByRole('link', { name: 'host1' }).waitFor();
  });
}
