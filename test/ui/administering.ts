/** Administration: zones and clusters, hosts, settings, accounts with users and keys. */
import { HAS_FOCUS, fullTestOf, testOf } from '../labs/ui.ts';
import type { UiLab } from '../labs/ui.ts';

const PASSWORD = 'a-long-password';

export function administering(opened: () => UiLab): void {
  const check = testOf(opened);
  const fully = fullTestOf(opened);
  const page = () => opened().admin.page;
  const article = (name: string) => page().getByRole('article', { name, exact: true });
  const dialog = () => page().getByRole('dialog');
  const fill = async (values: Readonly<Record<string, string>>): Promise<void> => {
    for (const [label, value] of Object.entries(values)) {
      await dialog().getByRole('textbox', { name: label, exact: true }).fill(value);
    }
  };
  const submit = (label: string): Promise<void> =>
    dialog().getByRole('button', { name: label, exact: true }).click();

  fully('an administrator creates, changes and deletes zones and clusters', async ({ go, press }) => {
    await go('/zones');
    await press('button', 'Create a zone');
    await fill({ Name: 'zone1' });
    await submit('Create');
    await dialog()
      .getByText(/^Parameter name .*taken/)
      .waitFor();
    expect(await dialog().getByLabel('Name').evaluate(HAS_FOCUS)).toBe(true);
    await fill({ Name: 'berlin' });
    await submit('Create');
    await article('berlin').waitFor();
    await press('button', 'Add a cluster to berlin');
    await fill({ Name: 'rack-7' });
    await submit('Add');
    await press('button', 'Rename rack-7');
    await fill({ Name: 'rack-8' });
    await submit('Save');
    await article('berlin').getByText('rack-8').waitFor();
    await press('button', 'Delete rack-8');
    await submit('Delete');
    await article('berlin').getByText('None yet').waitFor();
    await press('button', 'Change berlin');
    await fill({ Name: 'potsdam' });
    await submit('Save');
    await press('button', 'Delete potsdam');
    await submit('Delete');
    await article('potsdam').waitFor({ state: 'detached' });
    await press('button', 'Delete zone1');
    await submit('Delete');
    // The zone has hosts.
    await page().getByRole('alert').getByText('zone1').waitFor();
    await article('zone1').waitFor();
  });

  check('an invite for a host shows its token once', async ({ go, press }) => {
    await go('/hosts');
    await press('button', 'Invite a host');
    await dialog().getByRole('combobox', { name: 'Zone' }).selectOption('zone1');
    await submit('Make a token');
    await dialog().getByText('The token, which is shown this once').waitFor();
    expect(await dialog().locator('pre.secret').innerText()).toMatch(/^\S{20,}$/);
    await page().keyboard.press('Escape');
    await press('button', 'Invite a host');
    expect(await dialog().locator('pre.secret').count()).toBe(0);
  });

  fully(
    'an administrator changes a setting for all zones and for one, and resets it',
    async ({ go, press }) => {
      const setting = article('direct.download.url.deny.ports');
      const set = async (value: string): Promise<void> => {
        await press('button', 'Change direct.download.url.deny.ports');
        await fill({ Value: value });
        await submit('Save');
      };
      await go('/settings');
      await set('no port');
      await dialog()
        .getByText(/^Parameter value /)
        .waitFor();
      await fill({ Value: '8443' });
      await submit('Save');
      await setting.getByText('8443', { exact: true }).waitFor();
      await page().getByRole('combobox', { name: 'Zone' }).selectOption('Zone zone1');
      await setting.getByText('8443', { exact: true }).waitFor();
      await set('9443');
      await setting.getByText('9443', { exact: true }).waitFor();
      await press('button', 'Reset direct.download.url.deny.ports');
      await setting.getByText('8443', { exact: true }).waitFor();
      await page().getByRole('combobox', { name: 'Zone' }).selectOption('All zones');
      await press('button', 'Reset direct.download.url.deny.ports');
      await setting.getByText('default').waitFor();
    },
  );

  fully(
    'an administrator creates an account and users with keys, disables them, and deletes all of them',
    async ({ go, press, heading, row }) => {
      await go('/accounts');
      await press('button', 'Create an account');
      await fill({ User: 'robin', Password: 'short' });
      await submit('Create');
      await dialog()
        .getByText(/^Parameter password /)
        .waitFor();
      await fill({ Password: PASSWORD });
      await submit('Create');
      await heading('robin');
      await press('button', 'Add a user');
      await fill({ User: 'alex', Password: PASSWORD });
      await submit('Create');
      await row('alex').getByText('Enabled').waitFor();
      await press('button', 'New keys for alex');
      await submit('Make new keys');
      await dialog().getByText('Secret key', { exact: true }).waitFor();
      const [, secret = ''] = await dialog().locator('pre.secret').allInnerTexts();
      expect(secret.length).toBeGreaterThan(40);
      await page().keyboard.press('Escape');
      await dialog().waitFor({ state: 'detached' });
      expect(await page().content()).not.toContain(secret);
      await press('button', 'Disable alex');
      await row('alex').getByText('Disabled').waitFor();
      await press('button', 'Enable alex');
      await row('alex').getByText('Enabled').waitFor();
      await press('button', 'Delete alex');
      await submit('Delete');
      await row('alex').waitFor({ state: 'detached' });
      await press('button', 'Limit');
      await fill({ 'Templates and ISOs': '7' });
      await submit('Save');
      await page().getByRole('main').getByText('7', { exact: true }).waitFor();
      await press('button', 'Lock');
      await page().getByRole('main').getByText('Locked', { exact: true }).first().waitFor();
      await press('button', 'Enable');
      await press('button', 'Disable');
      await page().getByRole('main').getByText('Disabled', { exact: true }).first().waitFor();
      await press('button', 'Delete');
      await submit('Delete');
      await heading('Accounts');
      await row('robin').waitFor({ state: 'detached' });
    },
  );

  fully('a template is tagged and shared, and both are undone', async ({ go, press }) => {
    await opened().call('createAccount', { username: 'sharer', password: PASSWORD });
    const [template] = await opened().templates({ name: 'from-the-form' });
    await go(`/templates/${template?.id ?? ''}`);
    await press('button', 'Add a tag');
    await fill({ Key: 'stage', Value: 'production' });
    await submit('Add');
    await page().getByText('stage: production').waitFor();
    await press('button', 'Remove tag stage');
    await page().getByText('stage: production').waitFor({ state: 'detached' });
    await press('button', 'Share');
    await fill({ Accounts: 'no-such-account' });
    await submit('Share');
    await dialog()
      .getByText(/^Parameter accounts /)
      .waitFor();
    await fill({ Accounts: 'sharer' });
    await submit('Share');
    await press('button', 'No longer share with sharer');
    await page()
      .getByText(/^Account \w+ only\.$/)
      .waitFor();
  });

  fully('the list of jobs shows commands and results', async ({ go, row }) => {
    await go('/jobs');
    await row('prepareTemplate').first().getByText('Done').waitFor();
    await page().getByRole('radiogroup', { name: 'Which jobs' }).getByText('Failed').click();
    await page().waitForURL('**/jobs?state=2');
    await row('deleteTags').waitFor({ state: 'detached' });
  });
}
