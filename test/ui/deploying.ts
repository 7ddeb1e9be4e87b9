/** Templates are brought onto pools, watched, stopped and tried again. */
import type { Image } from '../end-to-end/lab.ts';
import { rawDisk } from '../support/images.ts';
import { until } from '../support/until.ts';
import { testOf } from './lab.ts';
import type { UiLab } from './lab.ts';
import { watchable } from './watchable.ts';

const MIB = 1_048_576;

export function deploying(opened: () => UiLab): void {
  const check = testOf(opened);

  const bar = (name: string) => opened().admin.page.getByRole('progressbar', { name: `${name} on pool1` });
  const percent = async (name: string): Promise<number> =>
    Number(await bar(name).getAttribute('aria-valuenow'));
  const chosen = (name: string) =>
    opened().admin.page.getByRole('checkbox', { name: `Choose ${name} on pool1` });
  // To one pool by name: that of the host which was killed counts as up for a while.
  const prepare = ({ id }: Image) => opened().prepare(id, opened().pool.id);
  const register = (path: string) => {
    const url = opened().server.url(path);
    return opened().register({ url });
  };

  check('deploy, and the bar moves until it is there', async ({ page, go, press, heading, row }) => {
    const served = watchable(rawDisk(12 * MIB));
    opened().server.serve('/slow', served.behaviour);
    const image = await register('/slow');
    await go(`/templates/${image.id}`);
    await heading('slow');
    await press('button', 'Deploy');
    const dialog = page.getByRole('dialog', { name: 'Deploy slow' });
    await dialog.getByRole('checkbox', { name: 'pool1' }).check();
    await dialog.getByRole('button', { name: 'Deploy to 1 pool' }).click();
    await page
      .getByText(/\/s · .*\sleft/)
      .first()
      .waitFor();
    const first = await until('the bar shows something', async () => {
      const now = await percent('slow');
      return now > 0 && now < 100 ? now : undefined;
    });
    await until('the bar moves', async () => (await percent('slow')) > first);
    await press('link', 'Templates');
    const inList = row('slow').getByRole('progressbar', { name: 'Downloads of slow' });
    await until(
      'it is in the list, too',
      async () => Number(await inList.getAttribute('aria-valuenow')) > first,
    );
    await row('slow')
      .getByText(/^\d.* of 12\.0\sMiB · .*\/s$/)
      .waitFor();
    await page.goBack();
    await heading('slow');
    served.goOn();
    await row('pool1').getByText('Ready', { exact: true }).waitFor();
    await row('pool1').locator('[data-label=Source]').getByText('127.0.0.1').waitFor();
    await row('pool1').locator('[data-label=Attempt]').getByText(/^1/).waitFor();
    await press('link', 'pool1');
    await heading('slow on pool1');
    await page.getByText('Ended well').waitFor();
    await page.getByText(/^host1 · 12\.0\sMiB in /).waitFor();
    expect(await page.getByRole('link', { name: /copy:/ }).getAttribute('href')).toContain(
      `/workflows/copy%3A${image.id}`,
    );
  });

  check('the list of templates is narrowed down by state and format', async ({ page, go, row }) => {
    const choose = (label: string, choice: string) =>
      page.getByRole('combobox', { name: label, exact: true }).selectOption(choice);
    await go('/templates');
    await choose('State', 'Ready on a pool');
    await row('from-the-form').waitFor({ state: 'detached' });
    await row('slow')
      .getByText(/^1 of \d pools?$/)
      .waitFor();
    await choose('Format', 'QCOW2');
    await page.getByText('No template is like that').waitFor();
    await page.waitForURL('**/templates?state=Ready&format=QCOW2');
    await page.goBack();
    await row('slow').waitFor();
    await choose('State', 'Any state');
    await choose('Format', 'RAW');
    await row('from-the-form').waitFor();
  });

  check(
    'many are cancelled at once, and tried again at once, from the bytes that are there',
    async ({ page, go, press, row }) => {
      for (const name of ['many-a', 'many-b']) {
        opened().server.serve(`/${name}`, { body: rawDisk(8 * MIB), pauseMs: 250 });
        await prepare(await register(`/${name}`));
      }
      await go('/deployments?keyword=many');
      for (const name of ['many-a', 'many-b']) {
        await until('bytes flow', async () => (await percent(name)) > 0);
      }
      await chosen('many-a').check();
      await press('button', 'Choose all 2 that are like that');
      await page.getByRole('checkbox', { name: 'Choose many-b on pool1', checked: true }).waitFor();
      await press('button', 'Cancel 2');
      await page.getByText('2 deployments cancelled').waitFor();
      for (const name of ['many-a', 'many-b']) {
        await row(name).getByText('Cancelled', { exact: true }).waitFor();
        await row(name).getByText('by admin').waitFor();
        opened().server.serve(`/${name}`, { body: rawDisk(8 * MIB) });
      }
      await press('button', 'Retry 2');
      for (const name of ['many-a', 'many-b']) await row(name).getByText('Ready', { exact: true }).waitFor();
    },
  );

  check('deployed to all pools, and cancelled on its own page', async ({ page, go, press, heading, row }) => {
    const served = watchable(rawDisk(8 * MIB));
    opened().server.serve('/everywhere', served.behaviour);
    const image = await register('/everywhere');
    await go(`/templates/${image.id}`);
    await press('button', 'Deploy');
    const dialog = page.getByRole('dialog', { name: 'Deploy everywhere' });
    await dialog.getByRole('checkbox', { name: 'All pools' }).check();
    expect(await dialog.getByRole('checkbox', { name: 'pool1' }).isChecked()).toBe(true);
    await dialog.getByRole('button', { name: 'Deploy to all pools' }).click();
    await page.getByText('everywhere is on its way to all pools').waitFor();
    await until('bytes flow', async () => (await percent('everywhere')) > 0);
    await row('pool1').getByRole('link', { name: 'pool1' }).click();
    await heading('everywhere on pool1');
    await press('button', 'Cancel');
    await page.getByRole('main').getByText('Cancelled', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Retry' }).waitFor();
    served.goOn();
  });

  check('one that failed says why, and can be tried again', async ({ page, go, press, heading, row }) => {
    const body = rawDisk(2 * MIB);
    opened().server.serve('/turns-bad', { body });
    const image = await register('/turns-bad');
    opened().server.serve('/turns-bad', { body: Buffer.from(`<!DOCTYPE html>${' '.repeat(body.length)}`) });
    await prepare(image);
    await go('/deployments?state=Failed');
    await row('turns-bad').getByText('Failed', { exact: true }).waitFor();
    await go('/');
    await page.getByRole('link', { name: /^Failed in the last day\s*1$/ }).click();
    await heading('Deployments');
    await press('link', 'turns-bad');
    await heading('turns-bad on pool1');
    await page.getByRole('main').getByText('Failed', { exact: true }).waitFor();
    await page
      .getByText(/^[A-Z]\w+(?:Mismatch|Changed): /)
      .first()
      .waitFor();
    opened().server.serve('/turns-bad', { body });
    await press('button', 'Retry');
    await page.getByRole('main').getByText('Ready', { exact: true }).waitFor();
  });

  check('events are narrowed down by level', async ({ page, go, row }) => {
    await go('/events');
    await row('info').first().waitFor();
    await page.getByRole('radiogroup', { name: 'Which events' }).getByText('Errors').click();
    await page.waitForURL('**/events?level=ERROR');
    await row('turns-bad').first().waitFor();
    await row('info').first().waitFor({ state: 'detached' });
    for (const level of await page.locator('td[data-label=Level]').allInnerTexts()) {
      expect(level.toLowerCase()).toBe('error');
    }
  });

  check('edit, and delete with a question first', async ({ page, press, heading, go, row }) => {
    opened().server.serve('/short-lived', { body: rawDisk(MIB) });
    const image = await register('/short-lived');
    await go(`/templates/${image.id}`);
    await press('link', 'Edit');
    await heading('Edit short-lived');
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('renamed');
    await page.getByRole('checkbox', { name: 'Public' }).check();
    await press('button', 'Save');
    await heading('renamed');
    await page.getByText('public', { exact: true }).waitFor();
    await press('button', 'Delete');
    const dialog = page.getByRole('dialog', { name: 'Delete template renamed?' });
    await dialog.getByRole('button', { name: 'Keep' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await press('button', 'Delete');
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await heading('Templates');
    await row('renamed').waitFor({ state: 'detached' });
  });
}
