/** Templates and ISOs are registered by the form. */
import { rawDisk, sha256 } from '../support/images.ts';
import { metalink4 } from '../support/metalinks.ts';
import { testOf } from './lab.ts';
import type { UiLab } from './lab.ts';

const MIB = 1_048_576;
const DEAD = 'http://127.0.0.1:9/dead.img';
const HUSH = 'hush-nobody-sees-this';
const body = rawDisk(2 * MIB);

export function registering(opened: () => UiLab): void {
  beforeAll(async () => {
    opened().server.serve('/good.raw', { body });
  });
  const check = testOf(opened);

  const fill = async (values: Readonly<Record<string, string>>): Promise<void> => {
    for (const [label, value] of Object.entries(values)) {
      await opened().admin.page.getByRole('textbox', { name: label, exact: true }).fill(value);
    }
  };
  const submit = (): Promise<void> => opened().admin.press('button', 'Register');
  const field = (label: string) => opened().admin.page.getByRole('textbox', { name: label, exact: true });

  check(
    'with Direct Download, from the list by the button, and it is in the list at once',
    async ({ page, go, press, heading, row }) => {
      await go('/templates');
      await press('link', 'Register a template');
      await heading('Register a template');
      expect(await page.getByRole('checkbox', { name: 'Direct Download' }).isChecked()).toBe(true);
      await fill({
        URL: opened().server.url('/good.raw'),
        Name: 'from-the-form',
        Description: 'typed by a person',
        Checksum: sha256(body),
      });
      await page.getByText('recognised as SHA-256').waitFor();
      // The name of the file told it.
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
    'without the checkbox the refusal stands beside it, and all that was typed is kept',
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
      await beside.getByText('must be true: there is no secondary storage').waitFor();
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

  check(
    'a URL that gives nothing is refused beside the field, with what the host found',
    async ({ page, go }) => {
      await go('/isos/register');
      await fill({ URL: opened().server.url('/none.iso'), Name: 'nothing' });
      await submit();
      await page.getByText(/answers 404/).waitFor();
      const url = field('URL');
      expect(await url.getAttribute('aria-invalid')).toBe('true');
      expect(await url.inputValue()).toBe(opened().server.url('/none.iso'));
      await fill({ URL: 'file:///etc/passwd' });
      await submit();
      await page.getByText(/Parameter url .*file/).waitFor();
      expect(await opened().rowsNamed('nothing')).toBe(0);
    },
  );

  check(
    'a metalink with a dead mirror is taken, and shows the verdict on each',
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

  check(
    'while mirrors are looked at, the verdicts of fast ones are shown before the slow one has answered',
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
}
