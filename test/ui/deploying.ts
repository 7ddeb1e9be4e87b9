/** Deployments are started, observed, cancelled and retried. */
import type { Template } from '../../model/api-answers.ts';
import { rawDisk } from '../support/images.ts';
import { until } from '../support/until.ts';
import { fullTestOf, testOf } from '../labs/ui.ts';
import type { UiLab } from '../labs/ui.ts';
import { slowDownload } from './slow-download.ts';

const MIB = 1_048_576;

export function deploying(opened: () => UiLab): void {
  const check = testOf(opened);
  const fully = fullTestOf(opened);

  const bar = (name: string) => opened().admin.page.getByRole('progressbar', { name: `${name} on pool1` });
  const percent = async (name: string): Promise<number> =>
    Number(await bar(name).getAttribute('aria-valuenow'));
  const chosen = (name: string) =>
    opened().admin.page.getByRole('checkbox', { name: `Choose ${name} on pool1` });
  // One pool by name, since the pool of the killed host counts as up for a while.
  const prepare = ({ id }: Template) => opened().prepare(id, opened().pool.id);
  const register = (path: string) => {
    const url = opened().server.url(path);
    return opened().register({ url });
  };

  check(
    'a deployment shows a moving progress bar until the image is on the pool',
    async ({ page, go, press, heading, row }) => {
      const served = slowDownload(rawDisk(12 * MIB));
      opened().server.serve('/slow', served.behaviour);
      const image = await register('/slow');
      await go(`/templates/${image.id}`);
      await heading('slow');
      await press('button', 'Deploy');
      const dialog = page.getByRole('dialog', { name: 'Deploy slow' });
      expect(await dialog.getByRole('button', { name: 'Deploy', exact: true }).isDisabled()).toBe(true);
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
      await press('link', 'pool1');
      await heading('slow on pool1');
      const newest = page.locator('.mantine-Timeline-item').first();
      await newest.getByText('Downloading on host1').waitFor();
      await newest.getByText(/ of 12\.0\sMiB/).waitFor();
      expect(await page.getByText('No host has begun').count()).toBe(0);
      await page.goBack();
      await heading('slow');
      served.finish();
      await row('pool1').getByText('Ready', { exact: true }).waitFor();
      await row('pool1').locator('[data-label=Source]').getByText('127.0.0.1').waitFor();
      await row('pool1').locator('[data-label=Attempt]').getByText(/^1/).waitFor();
      await press('link', 'pool1');
      await heading('slow on pool1');
      await page.getByText('Ended well').waitFor();
      await press('link', 'pool1');
      await heading('pool1');
      await row('slow').getByRole('link', { name: 'host1' }).click();
      await heading('host1');
      await page.goBack();
      await page.goBack();
      await heading('slow on pool1');
      await page.getByText(/^host1 · 12\.0\sMiB in /).waitFor();
      expect(await page.getByRole('link', { name: /copy:/ }).getAttribute('href')).toContain(
        `/workflows/copy%3A${image.id}`,
      );
    },
  );

  fully('the list of templates is filtered by state and format', async ({ page, go, row }) => {
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

  fully(
    'many deployments are cancelled at once, and retried at once from their bytes',
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
      await page.getByText('2 deployments are being cancelled').waitFor();
      for (const name of ['many-a', 'many-b']) {
        await row(name).getByText('Cancelled', { exact: true }).waitFor();
        await row(name)
          .getByText(/^by admin; .*\sMiB stay on the pool: Retry goes on from there, Remove frees/)
          .waitFor();
        opened().server.serve(`/${name}`, { body: rawDisk(8 * MIB) });
      }
      await press('button', 'Retry 2');
      for (const name of ['many-a', 'many-b']) await row(name).getByText('Ready', { exact: true }).waitFor();
    },
  );

  fully(
    'a deployment to all pools is cancelled on its own page',
    async ({ page, go, press, heading, row }) => {
      const served = slowDownload(rawDisk(8 * MIB));
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
      const newest = page.locator('.mantine-Timeline-item').first();
      await newest.getByText('Stopped before its end').waitFor();
      await page.getByRole('button', { name: 'Retry' }).waitFor();
      served.finish();
      await press('button', 'Remove');
      await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
      await heading('There is nothing here');
      await go(`/pools/${opened().pool.id}`);
      await row('many-a').getByText('Ready', { exact: true }).waitFor();
      await row('everywhere').waitFor({ state: 'detached' });
    },
  );

  check(
    'a failed deployment shows its reason and can be retried',
    async ({ page, go, press, heading, row }) => {
      const body = rawDisk(2 * MIB);
      opened().server.serve('/turns-bad', { body });
      const image = await register('/turns-bad');
      opened().server.serve('/turns-bad', { body: Buffer.from(`<!DOCTYPE html>${' '.repeat(body.length)}`) });
      await prepare(image);
      await go('/deployments?state=Failed');
      await row('turns-bad').getByText('Failed', { exact: true }).waitFor();
      await go('/');
      const tile = page.getByRole('link', { name: /^Failed\s*\d\s*\d in the last day$/ });
      const count = Number(/\d/.exec(await tile.innerText())?.[0]);
      await tile.click();
      await heading('Deployments');
      await until('as many are listed', async () => (await page.locator('tbody tr').count()) === count);
      await press('link', 'turns-bad');
      await heading('turns-bad on pool1');
      await page.getByRole('main').getByText('Failed', { exact: true }).waitFor();
      await page
        .getByText(/^(?:Wrong (?:checksum|size|format)|Changed at the source)$/)
        .first()
        .waitFor();
      opened().server.serve('/turns-bad', { body });
      await press('button', 'Retry');
      await page.getByRole('main').getByText('Ready', { exact: true }).waitFor();
    },
  );

  fully(
    'a click on a column head sorts the list, and a second click reverses the order',
    async ({ page, go, press }) => {
      const names = (): Promise<readonly string[]> =>
        page.locator('tbody td[data-label=Name] a, tbody td[data-label=Template] a').allInnerTexts();
      for (const [list, column] of [
        ['/templates', 'Name'],
        ['/deployments', 'Template'],
      ] as const) {
        await go(list);
        await press('button', column);
        await page.waitForURL(/[?&]order=asc/);
        await until('A first', async () => isOrdered(await names()));
        await press('button', column);
        await page
          .getByRole('columnheader', { name: column })
          .and(page.locator('[aria-sort=descending]'))
          .waitFor();
        await until('Z first', async () => isOrdered((await names()).toReversed()));
        await page.goBack();
        await until('A first again', async () => isOrdered(await names()));
      }
    },
  );

  fully('events are filtered by level', async ({ page, go, row }) => {
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

  fully(
    'the list shows a template on no pool until its deployment, and then its progress',
    async ({ page, go, press, heading, row }) => {
      const served = slowDownload(rawDisk(2 * MIB));
      opened().server.serve('/asked-for', served.behaviour);
      const image = await register('/asked-for');
      const none = page.getByRole('main').getByText('On no pool yet');
      await go('/templates?keyword=asked-for');
      await row('asked-for').getByText('Registered', { exact: true }).waitFor();
      await none.waitFor();
      await press('link', 'asked-for');
      await heading('asked-for');
      await none.waitFor();
      await prepare(image);
      await page.getByRole('main').getByText('On its way', { exact: true }).waitFor();
      await row('pool1').getByRole('progressbar').waitFor();
      expect(await none.count()).toBe(0);
      await page.goBack();
      await row('asked-for').getByText('On its way', { exact: true }).waitFor();
      await row('asked-for').getByText('0 of 1 pool', { exact: true }).waitFor();
      expect(await none.count()).toBe(0);
      served.finish();
      await row('asked-for').getByText('1 of 1 pool', { exact: true }).waitFor();
    },
  );

  fully(
    'times are shown with the hour and the elapsed time, and bytes of events in larger units',
    async ({ page, go, row }) => {
      await go('/events?keyword=asked-for');
      const arrived = row("Template 'asked-for' is on pool").first();
      await arrived.getByText(/\b2\.0\sMiB fetched/).waitFor();
      expect(await arrived.locator('[data-label=When]').innerText()).toMatch(
        /^\d\d:\d\d:\d\d\s+\((?:now|\d+ (?:sec|min)\. ago)\)$/,
      );
      expect(await page.getByRole('main').innerText()).not.toMatch(/\d{4,} bytes/);
    },
  );

  fully('jobs name their template and link to it', async ({ go, row, heading }) => {
    await go('/jobs');
    await row('prepareTemplate').getByRole('link', { name: 'asked-for' }).click();
    await heading('asked-for');
  });

  fully('a copy is removed from its pool', async ({ page, go, press, heading, row }) => {
    await go('/deployments?keyword=turns-bad');
    await row('turns-bad').getByRole('link', { name: 'turns-bad' }).click();
    await heading('turns-bad on pool1');
    await press('button', 'Remove');
    await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
    await heading('There is nothing here');
    await go('/templates?keyword=turns-bad');
    await page.getByRole('main').getByText('On no pool yet').waitFor();
  });

  check(
    'a template is edited, and deleted after a confirmation',
    async ({ page, press, heading, go, row }) => {
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
    },
  );

  fully(
    'a roll-out shows its progress, and is paused, resumed and cancelled',
    async ({ page, go, press }) => {
      const served = slowDownload(rawDisk(12 * MIB));
      opened().server.serve('/rolled', served.behaviour);
      const { id: templateid } = await register('/rolled');
      const { pool, zoneId: zoneid } = opened();
      await opened().call('prepareTemplate', { templateid, zoneid, storageids: pool.id });
      await go('/rollouts');
      const card = page.getByRole('article', { name: 'rolled in zone1' });
      await card.getByText('0 of 1 copy there · 1 under way').waitFor();
      await until('the bar moves', async () => {
        const now = await card.getByRole('progressbar').getAttribute('aria-valuenow');
        return Number(now) > 0;
      });
      await press('button', 'Pause rolled in zone1');
      await card.getByText('Paused', { exact: true }).waitFor();
      await press('button', 'Resume rolled in zone1');
      await card.getByText('Running', { exact: true }).waitFor();
      await press('button', 'Cancel rolled in zone1');
      await page.getByRole('dialog').getByRole('button', { name: 'Cancel', exact: true }).click();
      await card.getByText('Cancelled', { exact: true }).waitFor();
      await card.getByText(/cancelled by admin$/).waitFor();
      await card.getByText('1 × The roll-out was cancelled by admin (pool1)').waitFor();
      await go('/deployments?state=Allocated');
      await page
        .getByRole('row', { name: /rolled/ })
        .getByText('Cancelled', { exact: true })
        .waitFor();
      served.finish();
    },
  );
}

const isOrdered = (names: readonly string[]): boolean =>
  names.length > 1 && names.every((name, at) => at === 0 || (names[at - 1] ?? '').localeCompare(name) <= 0);
