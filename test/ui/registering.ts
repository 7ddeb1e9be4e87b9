/** Templates and ISOs are registered by the form. */
import { rawDisk, sha256 } from '../support/images.ts';
import { metalink4 } from '../support/metalinks.ts';
import { until } from '../support/until.ts';
import { HAS_FOCUS, IS_IN_SIGHT, fullTestOf, testOf } from '../labs/ui.ts';
import type { UiLab } from '../labs/ui.ts';

const MIB = 1_048_576;
const DEAD = 'http://127.0.0.1:9/dead.img';
const HUSH = 'hush-nobody-sees-this';
const body = rawDisk(2 * MIB);

export function registering(opened: () => UiLab): void {
  beforeAll(async () => {
    opened().server.serve('/good.raw', { body });
  });
  const check = testOf(opened);
  const fully = fullTestOf(opened);

  const fill = async (values: Readonly<Record<string, string>>): Promise<void> => {
    for (const [label, value] of Object.entries(values)) {
      await opened().admin.page.getByRole('textbox', { name: label, exact: true }).fill(value);
    }
  };
  const submit = (): Promise<void> => opened().admin.press('button', 'Register');
  const field = (label: string) => opened().admin.page.getByRole('textbox', { name: label, exact: true });

  check(
    'a template is registered with Direct Download and appears in the list at once',
    async ({ page, go, press, heading, row }) => {
      await go('/templates');
      await press('link', 'Register a template');
      await heading('Register a template');
      expect(await page.getByRole('checkbox', { name: 'Direct Download' }).isChecked()).toBe(true);
      await fill({ URL: opened().server.url('/good.raw') });
      await page.getByText('proposed from the URL').waitFor();
      expect(await field('Name').inputValue()).toBe('good');
      await fill({
        Name: 'from-the-form',
        Description: 'typed by a person',
        Checksum: sha256(body),
      });
      await page.getByText('recognised as SHA-256').waitFor();
      await press('button', 'Check');
      const found = page.getByRole('status').filter({ hasText: 'It can be registered' });
      await found.getByText('/good.raw: 2.0 MiB').waitFor();
      await found.getByText('host1').waitFor();
      expect(await opened().rowsNamed('from-the-form')).toBe(0);
      // The form derived it from the file name.
      expect(await page.getByRole('combobox', { name: 'Format' }).inputValue()).toBe('RAW');
      await submit();
      await heading('from-the-form');
      await page.getByRole('main').getByText('Registered', { exact: true }).first().waitFor();
      await page.getByText(sha256(body)).waitFor();
      await press('link', 'Templates');
      await row('from-the-form').getByText('2.0 MiB').waitFor();
    },
  );

  check(
    'without Direct Download the refusal appears beside the checkbox, and the input is kept',
    async ({ page, go, press, heading }) => {
      await go('/templates/register');
      const typed = { URL: opened().server.url('/good.raw'), Name: 'unticked', Description: 'kept' };
      await fill(typed);
      await press('button', 'Add a header');
      await fill({ 'Name of header 1': 'X-Token' });
      await page.getByLabel('Value of header 1').fill(HUSH);
      await page.getByRole('checkbox', { name: 'Direct Download' }).uncheck();
      await submit();
      const checkbox = page.getByRole('checkbox', { name: 'Direct Download' });
      const beside = page.locator('.mantine-Checkbox-root').filter({ has: checkbox });
      await beside.getByText(/^Parameter directdownload .*no secondary storage/).waitFor();
      for (const [label, value] of Object.entries(typed)) expect(await field(label).inputValue()).toBe(value);
      expect(await field('Name of header 1').inputValue()).toBe('X-Token');
      expect(await page.getByLabel('Value of header 1').inputValue()).toBe(HUSH);
      expect(await checkbox.isChecked()).toBe(false);
      expect(await opened().rowsNamed('unticked')).toBe(0);
      // The checkbox is for KVM only, as in CloudStack.
      await page.getByRole('combobox', { name: 'Hypervisor' }).selectOption('VMware');
      expect(await checkbox.count()).toBe(0);
      await page.getByRole('combobox', { name: 'Hypervisor' }).selectOption('KVM');
      await checkbox.check();
      await submit();
      await heading('unticked');
      await page.getByRole('heading', { name: 'What happened' }).waitFor();
      expect(await page.content()).not.toContain(HUSH);
    },
  );

  fully(
    'an unreachable URL is refused beside its field, with the finding of the host',
    async ({ page, go }) => {
      await go('/isos/register');
      await fill({ URL: opened().server.url('/none.iso'), Name: 'nothing' });
      await opened().admin.press('button', 'Check');
      await page.getByText(/answers 404/).waitFor();
      expect(await field('URL').evaluate(HAS_FOCUS)).toBe(true);
      await submit();
      await page.getByText(/answers 404/).waitFor();
      const url = field('URL');
      expect(await url.getAttribute('aria-invalid')).toBe('true');
      expect(await url.evaluate(HAS_FOCUS)).toBe(true);
      expect(await url.inputValue()).toBe(opened().server.url('/none.iso'));
      await fill({ URL: 'file:///etc/passwd' });
      await submit();
      await page.getByText(/Parameter url .*file/).waitFor();
      expect(await opened().rowsNamed('nothing')).toBe(0);
    },
  );

  fully(
    'a refusal focuses the first wrong field, also on a phone, where the field was out of sight',
    async ({ page, go }) => {
      await page.setViewportSize({ width: 390, height: 700 });
      try {
        await go('/templates/register');
        await fill({ URL: opened().server.url('/none.raw'), Name: 'out-of-sight' });
        const button = page.getByRole('button', { name: 'Register', exact: true });
        await button.scrollIntoViewIfNeeded();
        expect(await field('URL').evaluate(IS_IN_SIGHT)).toBe(false);
        await button.click();
        await page.getByText(/answers 404/).waitFor();
        await until('the URL is in sight', () => field('URL').evaluate(IS_IN_SIGHT));
        expect(await page.getByText(/answers 404/).evaluate(IS_IN_SIGHT)).toBe(true);
        expect(await field('URL').evaluate(HAS_FOCUS)).toBe(true);
      } finally {
        await page.setViewportSize({ width: 1280, height: 900 });
      }
    },
  );

  check(
    'a metalink with a dead mirror is registered, and the verdict on each mirror is shown',
    async ({ page, go, heading, row }) => {
      const urls = [DEAD, opened().server.url('/good.raw')];
      opened().server.serve('/two.meta4', {
        body: metalink4(urls, { size: body.length, sha256: sha256(body) }),
      });
      await go('/templates/register');
      await fill({ URL: opened().server.url('/two.meta4'), Name: 'two-mirrors' });
      await page.getByRole('combobox', { name: 'Format' }).selectOption('RAW');
      await submit();
      await heading('two-mirrors');
      await row(DEAD).getByText('Not reachable').waitFor();
      await row('/good.raw').getByText('Reachable', { exact: true }).waitFor();
    },
  );

  fully(
    'during the check, verdicts of fast mirrors are shown before the slow one has answered',
    async ({ page, go, heading }) => {
      opened().server.serve('/silent.raw', { silent: true });
      const urls = [opened().server.url('/silent.raw'), DEAD, opened().server.url('/good.raw')];
      opened().server.serve('/three.meta4', { body: metalink4(urls, { size: body.length }) });
      await go('/templates/register');
      await fill({ URL: opened().server.url('/three.meta4'), Name: 'three-mirrors' });
      await page.getByRole('combobox', { name: 'Format' }).selectOption('RAW');
      await submit();
      const checking = page.getByRole('status').filter({ hasText: 'The URL is being checked' });
      await checking.getByText('Host host1 looks at it.').waitFor();
      await checking.getByText(`${DEAD}: `).waitFor();
      await checking.getByText('/good.raw: 2.0 MiB').waitFor();
      expect(await checking.getByText('/silent.raw').count()).toBe(0);
      await heading('three-mirrors');
    },
  );

  fully(
    'a template is registered and deployed in one step; after a wrong checksum, the filled form registers it again',
    async ({ page, go, press, heading, row }) => {
      await go('/templates/register');
      await fill({ URL: opened().server.url('/good.raw'), Name: 'in-one-go', Checksum: 'a'.repeat(64) });
      await page.getByRole('combobox', { name: 'Then deploy to' }).click();
      await page.getByRole('option', { name: 'pool1' }).click();
      await page.keyboard.press('Escape');
      await submit();
      await heading('in-one-go');
      await row('pool1').getByText('Wrong checksum').waitFor();
      // Not the green of a usable URL.
      await page.getByText('Failed on a pool', { exact: true }).waitFor();
      await row('pool1').getByRole('link', { name: 'pool1' }).click();
      await heading('in-one-go on pool1');
      // The most helpful action comes first.
      expect(
        (
          await page
            .getByRole('main')
            .getByRole('button')
            .or(page.getByRole('main').getByRole('link'))
            .allInnerTexts()
        ).slice(0, 2),
      ).toEqual(['Register again', 'Retry']);
      await press('link', 'Register again');
      await page.getByText('HTTP headers', { exact: true }).waitFor();
      expect(await field('Name').inputValue()).toBe('in-one-go');
      expect(await field('URL').inputValue()).toBe(opened().server.url('/good.raw'));
      await fill({ Checksum: sha256(body), Name: 'in-one-go-again' });
      await page.getByRole('combobox', { name: 'Then deploy to' }).click();
      await page.getByRole('option', { name: 'All pools of its zones' }).click();
      await page.keyboard.press('Escape');
      await submit();
      await heading('in-one-go-again');
      await row('pool1').getByText('Ready', { exact: true }).waitFor();
    },
  );

  fully('the page waits for a slow source, says so, and then shows the verdict', async ({ page, go }) => {
    opened().server.serve('/late-and-gone.raw', { status: 404, lateMs: 9000 });
    await go('/templates/register');
    await fill({ URL: opened().server.url('/late-and-gone.raw') });
    await submit();
    await page.getByText('The source is slow').waitFor();
    await page.getByText(/answers 404/).waitFor();
    expect(await field('URL').evaluate(HAS_FOCUS)).toBe(true);
    expect(await opened().rowsNamed('late-and-gone')).toBe(0);
  });
}
