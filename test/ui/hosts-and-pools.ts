/** Activity of hosts, space of pools, and what the overview shows of both. */
import { rawDisk } from '../support/images.ts';
import { fullTestOf, testOf } from '../labs/ui.ts';
import type { UiLab } from '../labs/ui.ts';
import { slowDownload } from './slow-download.ts';

const MIB = 1_048_576;

export function hostsAndPools(opened: () => UiLab): void {
  const check = testOf(opened);
  const fully = fullTestOf(opened);
  const page = () => opened().admin.page;
  const pool = (name: string) => page().getByRole('article', { name, exact: true });
  const figure = (name: string, value: RegExp) =>
    page().getByRole('link', { name: new RegExp(`^${name}\\s*${value.source}$`) });

  fully(
    'with a limit of one download set on the page, hosts and pools show activity, queue, reserved space and rate',
    async ({ go, press, heading, row }) => {
      const lab = opened();
      const [host] = (await lab.hosts()).filter(({ name }) => name === 'host1');
      const limit = async (text: string): Promise<void> => {
        await go(`/hosts/${host?.id ?? ''}`);
        await heading('host1');
        await page().getByRole('spinbutton', { name: 'Downloads at once' }).fill(text);
        await press('button', 'Set');
      };
      await limit('1');
      await page()
        .getByText(/^In force: at most 1 at once/)
        .waitFor();
      const names = ['goes-first', 'goes-second'] as const;
      const served = names.map((name) => ({ name, ...slowDownload(rawDisk(8 * MIB)) }));
      for (const { name, behaviour } of served) {
        lab.server.serve(`/${name}`, behaviour);
        await lab.prepare((await lab.register({ url: lab.server.url(`/${name}`) })).id, lab.pool.id);
      }
      await go('/hosts');
      await row('host1')
        .getByText(/^1 download, .*\/s, 1 queued/)
        .waitFor();
      const { host: hosts } = await lab.call<{ readonly host: readonly { readonly version: string }[] }>(
        'listHosts',
      );
      await row('host1')
        .getByText(hosts[0]?.version ?? 'no version', { exact: true })
        .waitFor();
      await go('/deployments?state=Creating');
      await row('goes-second').getByText('Queued on its host').waitFor();
      await row('goes-second')
        .getByText(/^(?:next in turn|[1-9]\d* before it)$/)
        .waitFor();
      await go('/pools');
      await pool('pool1')
        .getByRole('img', { name: /^pool1: .+ free of .+, .+ used, .+ reserved$/ })
        .waitFor();
      await go('/');
      await figure('Under way', /2\s*1 of them waits/).waitFor();
      await figure('Failed', /\d+\s*\d+ in the last day/).waitFor();
      await page()
        .getByRole('heading', { name: /^Throughput: [\d.]*[1-9].*\/s now$/ })
        .waitFor();
      await page()
        .getByRole('img', { name: /^Throughput by minute: at most .+\/s in the last hour$/ })
        .waitFor();
      for (const { finish } of served) finish();
      await limit('');
      await go('/deployments?keyword=goes-');
      for (const name of names) await row(name).getByText('Ready', { exact: true }).waitFor();
    },
  );

  check('hosts and pools are put into maintenance and out of it', async ({ go, press, row }) => {
    await go('/hosts');
    // A cached answer may be older than the change.
    const asked = page().waitForRequest((request) => {
      const values = new URLSearchParams(request.postData() ?? '');
      return values.get('command') === 'listHosts' && values.get('maxage') === '0';
    });
    await press('button', 'Start maintenance of host1');
    await asked;
    await row('host1').getByText('Maintenance', { exact: true }).waitFor();
    await page().getByRole('combobox', { name: 'State' }).selectOption('Maintenance');
    await page().waitForURL('**/hosts?state=maintenance');
    await press('button', 'End maintenance of host1');
    await page().getByText('No host is like that').waitFor();
    await page().goBack();
    await row('host1').getByText('Up', { exact: true }).waitFor();
    await go('/pools');
    await press('button', 'Start maintenance of pool1');
    await pool('pool1').getByText('Maintenance', { exact: true }).waitFor();
    await press('button', 'End maintenance of pool1');
    await pool('pool1').getByText('Up', { exact: true }).waitFor();
  });

  fully('the overview warns of an almost full pool and links to it', async ({ go, heading }) => {
    const { db } = opened();
    const copy = await db
      .selectFrom('template_spool_ref as copy')
      .innerJoin('storage_pool as pool', 'pool.id', 'copy.pool_id')
      .where('pool.name', '=', 'pool1')
      .select(['copy.id as copy_id', 'copy.pool_id', 'pool.capacity_bytes as bytes'])
      .executeTakeFirstOrThrow();
    await db.insertInto('pool_reservation').values(copy).execute();
    try {
      await go('/');
      const warning = page().getByRole('alert').filter({ hasText: 'Pools that fill up' });
      await warning.getByRole('img', { name: /^pool1: .* reserved$/ }).waitFor();
      await warning.getByRole('link', { name: 'pool1' }).click();
      await heading('pool1');
      await page()
        .getByText(/ reserved$/)
        .first()
        .waitFor();
      await go('/pools?keyword=pool1');
      await heading('Storage pools');
      await page().getByRole('combobox', { name: 'State' }).selectOption('Almost full');
      await pool('pool1').waitFor();
      expect(await page().getByRole('textbox', { name: 'Search by name' }).inputValue()).toBe('pool1');
    } finally {
      await db.deleteFrom('pool_reservation').where('copy_id', '=', copy.copy_id).execute();
    }
  });
}
