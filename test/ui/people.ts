/** Who is let in, and what he is shown. */
import { testOf } from './lab.ts';
import type { UiLab } from './lab.ts';

const USER = { username: 'kim', password: 'a-long-password' };

export function people(opened: () => UiLab): void {
  const check = testOf(opened);
  check('a wrong password is told; a right one opens what was asked for; logging out closes it', async () => {
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
  });

  check('a user sees no host', async () => {
    await opened().call('createAccount', USER);
    const { page, go, heading } = await opened().visit({ as: USER });
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
    expect(places).toEqual(['Overview', 'Templates', 'ISOs', 'Deployments', 'Events']);
    for (const place of places) {
      await page.getByRole('navigation').getByRole('link', { name: place }).click();
      await heading(place);
    }
    for (const address of ['/hosts', '/pools', '/certificates']) {
      await go(address);
      await heading('There is nothing here');
    }
    const [host] = await opened().hosts();
    await go(`/hosts/${host?.id ?? ''}`);
    await heading('There is nothing here');
    expect(answers.join('\n')).not.toContain(host?.name ?? '');
  });
}
