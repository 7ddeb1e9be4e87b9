/** Text of others is shown literally: markup and scripts in it have no effect. */
import { rawDisk } from '../support/images.ts';
import { casesOfForm } from '../support/programs.ts';
import { fullTestOf, testOf } from '../labs/ui.ts';
import type { UiLab } from '../labs/ui.ts';

const MIB = 1_048_576;
const PAYLOADS = [
  '<img src=x onerror=document.title="pwned">',
  '"><script>document.title="pwned"</script>',
  '{{7*7}}${7*7}javascript:alert(1)',
] as const;
export const [IMAGE, SCRIPT, TEMPLATE] = PAYLOADS;

export function hostileText(opened: () => UiLab): void {
  const check = testOf(opened);
  const fully = fullTestOf(opened);
  afterEach(async () => {
    expect(await opened().admin.page.title()).not.toBe('pwned');
  });

  const shown = (text: string) => opened().admin.page.getByRole('main').getByText(text).first().waitFor();

  fully(
    'markup in every field of the form is sent and shown as text',
    async ({ page, go, press, heading, row }) => {
      opened().server.serve('/x.raw', { body: rawDisk(MIB) });
      await go('/templates/register');
      for (const [label, value] of [
        ['URL', `${opened().server.url('/x.raw')}?q=${IMAGE}`],
        ['Name', IMAGE],
        ['Description', SCRIPT],
        ['Checksum', TEMPLATE],
      ] as const) {
        await page.getByRole('textbox', { name: label, exact: true }).fill(value);
      }
      await press('button', 'Add a header');
      await page.getByRole('textbox', { name: 'Name of header 1' }).fill('X-Odd');
      await page.getByLabel('Value of header 1').fill(SCRIPT);
      await press('button', 'Register');
      await page.getByText(/Parameter checksum/).waitFor();
      await page.getByRole('textbox', { name: 'Checksum', exact: true }).fill('');
      await press('button', 'Register');
      await heading(IMAGE);
      await shown(SCRIPT);
      await go('/templates');
      await row(IMAGE).getByText(SCRIPT).waitFor();
      await press('link', IMAGE);
      await press('button', 'Deploy');
      await page.getByRole('dialog').getByRole('checkbox', { name: 'pool1' }).check();
      await page.getByRole('dialog').getByRole('button', { name: 'Deploy to 1 pool' }).click();
      await row('pool1').getByText('Ready', { exact: true }).waitFor();
      await press('button', 'Delete');
      await page.getByRole('dialog').getByText(`Delete template ${IMAGE}?`).waitFor();
      await page.getByRole('dialog').getByRole('button', { name: 'Keep' }).click();
      for (const view of ['/', '/deployments', '/events']) {
        await go(view);
        await shown(IMAGE);
      }
    },
  );

  fully('markup in the edit form and in headers is shown as text', async ({ page, go, press, heading }) => {
    const [image] = await opened().templates({ keyword: IMAGE });
    await go(`/templates/${image?.id ?? ''}/edit`);
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill(SCRIPT);
    await page.getByRole('textbox', { name: 'Description' }).fill(IMAGE);
    await press('button', 'Save');
    await heading(SCRIPT);
    await shown(IMAGE);
    await go('/templates/register');
    await page.getByRole('textbox', { name: 'URL', exact: true }).fill(opened().server.url('/x.raw'));
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill(TEMPLATE);
    await press('button', 'Add a header');
    await page.getByRole('textbox', { name: 'Name of header 1' }).fill(SCRIPT);
    await page.getByLabel('Value of header 1').fill(IMAGE);
    await press('button', 'Register');
    await page
      .getByRole('group', { name: 'HTTP headers' })
      .getByText(/parameter 'details\[0\]\.HTTP_HEADER:"><script>/)
      .waitFor();
    expect(await page.getByRole('textbox', { name: 'Name of header 1' }).inputValue()).toBe(SCRIPT);
  });

  fully('markup in searches, settings and logins is shown as text', async ({ page, load, go, press }) => {
    await go('/events');
    await page.getByRole('textbox', { name: 'Search in the sentences' }).fill(`none ${SCRIPT}`);
    await page.getByText('No event is like that').waitFor();
    const [host] = await opened().hosts();
    await load(`/hosts/${host?.id ?? ''}`);
    for (const name of ['Downloads at once', 'MiB per second']) {
      // The field accepts numbers only.
      await page.getByRole('spinbutton', { name }).pressSequentially('<img>');
      expect(await page.getByRole('spinbutton', { name }).inputValue()).toBe('');
    }
    await press('link', 'Overview');
    const stranger = await opened().visit({ as: null });
    await stranger.go('/');
    await stranger.page.getByRole('textbox', { name: 'User' }).fill(IMAGE);
    await stranger.page.locator('input[type=password]').fill(SCRIPT);
    await stranger.press('button', 'Log in');
    await stranger.page.getByRole('alert').waitFor();
    expect(await stranger.page.title()).toContain('Bypass');
  });

  for (const payload of casesOfForm(PAYLOADS)) {
    check(
      `${payload} in an address of the page or a search is shown as text`,
      async ({ page, load, follow, heading }) => {
        const written = encodeURIComponent(payload);
        // Without a reload for each, which would take long and test the same.
        const go = payload === IMAGE ? load : follow;
        for (const view of ['templates', 'deployments', 'events'] as const) {
          await go(`/${view}?keyword=${written}&page=${written}&filter=${written}&state=${written}`);
          await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor();
          expect(await page.getByRole('textbox').first().inputValue()).toBe(payload);
        }
        await go(`/templates/${written}`);
        await page
          .getByRole('alert')
          .or(page.getByRole('heading', { name: 'There is nothing here' }))
          .first()
          .waitFor();
        await go(`/events/${written}/no-such-view`);
        await heading('There is nothing here');
      },
    );
  }

  fully('markup from a source is shown as text', async ({ page, go, press }) => {
    opened().server.serve('/says.raw', { body: Buffer.from(SCRIPT), headers: { 'x-a': 'b' } });
    await go('/templates/register');
    await page.getByRole('textbox', { name: 'URL', exact: true }).fill(opened().server.url('/says.raw'));
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('says');
    await page.getByRole('combobox', { name: 'Format' }).selectOption('QCOW2');
    await press('button', 'Register');
    await page.getByText(/tried by host/).waitFor();
  });
}
