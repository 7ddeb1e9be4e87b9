/** Templates are brought onto pools, watched, stopped and tried again. */
import { rawDisk } from '../support/images.ts';
import { until } from '../support/until.ts';
import type { UiLab, Visitor } from './lab.ts';

const MIB = 1_048_576;

export function deploying(opened: () => UiLab): void {
  let visitor: Visitor;
  beforeAll(async () => {
    visitor = await opened().visit();
  });
  afterAll(() => visitor.close());
  afterEach(() => expect(visitor.faults).toEqual([]));

  const bar = (name: string) => visitor.page.getByRole('progressbar', { name: new RegExp(`^${name} on `) });
  const percent = async (name: string): Promise<number> =>
    Number(await bar(name).first().getAttribute('aria-valuenow'));
  const chosen = (name: string) =>
    visitor.page.getByRole('checkbox', { name: new RegExp(`^Choose ${name} on `) });
  const register = (path: string) => {
    const url = opened().server.url(path);
    return opened().register({ url });
  };

  test('deploy, and the bar moves until it is there', async () => {
    const { page, go, press, heading } = visitor;
    opened().server.serve('/slow', { body: rawDisk(12 * MIB), pauseMs: 200 });
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
    await visitor.row('pool1').getByText('Ready', { exact: true }).waitFor();
    await press('link', 'pool1');
    await heading('slow on pool1');
    await page.getByText('Ended well').waitFor();
    expect(await page.getByRole('link', { name: /copy:/ }).getAttribute('href')).toContain(
      `/workflows/copy%3A${image.id}`,
    );
  });

  test('many are cancelled at once, and tried again at once, from the bytes that are there', async () => {
    const { page, go, press, row } = visitor;
    for (const name of ['many-a', 'many-b']) {
      opened().server.serve(`/${name}`, { body: rawDisk(8 * MIB), pauseMs: 250 });
      await opened().prepare((await register(`/${name}`)).id);
    }
    await go('/deployments?keyword=many');
    for (const name of ['many-a', 'many-b']) {
      await until('bytes flow', async () => (await percent(name)) > 0);
      await chosen(name).check();
    }
    await press('button', 'Cancel 2');
    await page.getByText('2 deployments cancelled').waitFor();
    for (const name of ['many-a', 'many-b']) {
      await row(name).getByText('Cancelled', { exact: true }).waitFor();
      await row(name).getByText('by admin').waitFor();
      opened().server.serve(`/${name}`, { body: rawDisk(8 * MIB) });
    }
    await press('button', 'Retry 2');
    for (const name of ['many-a', 'many-b']) await row(name).getByText('Ready', { exact: true }).waitFor();
  });

  test('one that failed says why, and can be tried again', async () => {
    const { page, go, press } = visitor;
    const body = rawDisk(2 * MIB);
    opened().server.serve('/turns-bad', { body });
    const image = await register('/turns-bad');
    opened().server.serve('/turns-bad', { body: Buffer.from(`<!DOCTYPE html>${' '.repeat(body.length)}`) });
    await opened().prepare(image.id);
    await go('/deployments?state=Failed');
    await visitor.row('turns-bad').getByText('Failed', { exact: true }).waitFor();
    await press('link', 'turns-bad');
    await visitor.heading('turns-bad on pool1');
    await page.getByRole('main').getByText('Failed', { exact: true }).waitFor();
    opened().server.serve('/turns-bad', { body });
    await press('button', 'Retry');
    await page.getByRole('main').getByText('Ready', { exact: true }).waitFor();
  });

  test('edit, and delete with a question first', async () => {
    const { page, press, heading, go, row } = visitor;
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
