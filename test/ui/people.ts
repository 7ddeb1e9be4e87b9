/** Logins, sessions, and what users see who are no administrators. */
import { isoImage, rawDisk } from '../support/images.ts';
import { fullTestOf, testOf } from '../labs/ui.ts';
import type { UiLab, Visitor } from '../labs/ui.ts';

const OWNER = { username: 'owen', password: 'a-long-password' };

export function people(opened: () => UiLab): void {
  const check = testOf(opened);
  const fully = fullTestOf(opened);
  /** Of `OWNER`, whose account the first test that needs it creates. */
  let owner: Visitor;
  check(
    'a wrong password is refused, a correct one opens the requested view, and a logout closes it',
    async () => {
      const { stack } = opened();
      const { page, go, press, heading } = await opened().visit({ as: null });
      await go('/pools');
      await page.getByRole('textbox', { name: 'User' }).fill(stack.adminUser);
      await page.locator('input[type=password]').fill('wrong');
      await press('button', 'Log in');
      await page
        .getByRole('alert')
        .getByText(/password/i)
        .waitFor();
      expect(await page.getByRole('textbox', { name: 'User' }).inputValue()).toBe(stack.adminUser);
      await page.locator('input[type=password]').fill(stack.adminPassword);
      await page.keyboard.press('Enter');
      await heading('Storage pools');
      await page.getByRole('heading', { name: 'pool1' }).waitFor();
      await press('button', `User ${stack.adminUser}`);
      await press('menuitem', 'Log out');
      await page.getByRole('button', { name: 'Log in' }).waitFor();
      await go('/pools');
      await page.getByRole('button', { name: 'Log in' }).waitFor();
    },
  );

  fully('an ended session is reported, and the input is kept', async () => {
    const { stack, db } = opened();
    const { page, go, press, heading } = await opened().visit();
    await go('/templates/register');
    await heading('Register a template');
    await page.getByRole('textbox', { name: 'URL' }).fill('http://127.0.0.1:9/typed.raw');
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('typed');
    await db
      .deleteFrom('session')
      .where('created', '=', (eb) =>
        eb.selectFrom('session').select(({ fn }) => fn.max('created').as('newest')),
      )
      .execute();
    const dialog = page.getByRole('dialog', { name: 'Your session is over' });
    await dialog.getByText('what you typed in it are still here').waitFor({ timeout: 60_000 });
    await dialog.getByRole('textbox', { name: 'Password' }).fill(stack.adminPassword);
    await press('button', 'Log in');
    await dialog.waitFor({ state: 'detached' });
    expect(await page.getByRole('textbox', { name: 'URL' }).inputValue()).toBe(
      'http://127.0.0.1:9/typed.raw',
    );
    expect(await page.getByRole('textbox', { name: 'Name', exact: true }).inputValue()).toBe('typed');
    await press('button', 'Register');
    // The session is valid again.
    await page
      .getByText(/refuses connections|cannot|not reach/i)
      .first()
      .waitFor();
  });

  check(
    'a user registers a template and an ISO with the default form, and learns that administrators deploy them',
    async () => {
      const { server } = opened();
      await opened().call('createAccount', OWNER);
      owner = await opened().visit({ as: OWNER, stays: true });
      server.serve('/own.raw', { body: rawDisk(1_048_576) });
      server.serve('/own.iso', { body: isoImage() });
      const { page, go, press, heading } = owner;
      for (const [folder, file] of [
        ['templates', 'own.raw'],
        ['isos', 'own.iso'],
      ] as const) {
        await go(`/${folder}/register`);
        await page.getByRole('textbox', { name: 'URL' }).fill(server.url(`/${file}`));
        await press('button', 'Register');
        await heading('own');
        await page.getByText('An administrator deploys it to storage pools.').waitFor();
        expect(await page.getByRole('button', { name: 'Deploy' }).count()).toBe(0);
      }
    },
  );

  fully(
    'a user sees on how many pools a template of another account is, and who deploys templates',
    async () => {
      const { server, pool } = opened();
      server.serve('/for-all.raw', { body: rawDisk(1_048_576) });
      const image = await opened().register({ url: server.url('/for-all.raw'), name: 'for-all' });
      await opened().deploy(image.id, pool.id);
      await opened().call('updateTemplatePermissions', { id: image.id, ispublic: true });
      const { page, go, heading } = owner;
      const main = page.getByRole('main');
      await go(`/templates/${image.id}`);
      await heading('for-all');
      await main.getByText('On 1 of 1 pool', { exact: true }).waitFor();
      expect(await main.getByText('On no pool yet').count()).toBe(0);
      for (const address of ['/', '/deployments']) {
        await go(address);
        await main.getByText('Nothing was deployed yet').waitFor();
        await main.getByText(/an administrator deploys/i).waitFor();
      }
    },
  );

  check('a user sees no hosts', async () => {
    const { page, go, heading } = owner;
    const answers: string[] = [];
    page.on('response', (response) => {
      void response.text().then(
        (text) => answers.push(text),
        () => undefined,
      );
    });
    await go('/');
    await heading('Overview');
    const places = await page.getByRole('navigation').getByRole('link').allInnerTexts();
    expect(places).toEqual([
      'Overview',
      'Templates',
      'ISOs',
      'Deployments',
      'Instances',
      'Offerings',
      'Networks',
      'SSH keys',
      'Jobs',
      'Events',
    ]);
    for (const place of places) {
      await page.getByRole('navigation').getByRole('link', { name: place }).click();
      await heading(place);
    }
    for (const address of [
      '/hosts',
      '/pools',
      '/zones',
      '/certificates',
      '/accounts',
      '/settings',
      '/rollouts',
    ]) {
      await go(address);
      await heading('There is nothing here');
    }
    const [host] = await opened().hosts();
    await go(`/hosts/${host?.id ?? ''}`);
    await heading('There is nothing here');
    expect(answers.join('\n')).not.toContain(host?.name ?? '');
  });

  fully('a user changes the password and creates keys', async () => {
    const { page, go, press, heading } = owner;
    await go('/');
    await press('button', `User ${OWNER.username}`);
    await press('menuitem', 'Password and keys');
    await heading('Password and keys');
    await page.getByRole('textbox', { name: 'Present password' }).fill('wrong-password');
    await page.getByRole('textbox', { name: 'New password' }).fill('another-password');
    await press('button', 'Change the password');
    await page.getByText(/^Parameter currentpassword /).waitFor();
    await page.getByRole('textbox', { name: 'Present password' }).fill(OWNER.password);
    await press('button', 'Change the password');
    await page.getByText(`The password of ${OWNER.username} was changed`).waitFor();
    await press('button', `New keys for ${OWNER.username}`);
    await press('button', 'Make new keys');
    await page.getByRole('dialog').getByText('API key', { exact: true }).waitFor();
  });
}
