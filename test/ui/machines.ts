/** Instances, offerings, networks and SSH keys. No host of this installation has libvirt, so that no machine can start. */
import { rawDisk } from '../support/images.ts';
import { isFullRun } from '../support/programs.ts';
import { fullTestOf, testOf } from '../labs/ui.ts';
import type { UiLab } from '../labs/ui.ts';

/** Addresses of the views, for the checks of all views. */
export const MACHINE_VIEWS: readonly string[] = [
  '/instances',
  '/instances/deploy',
  '/offerings',
  '/networks',
  '/ssh-keys',
];

/** A key that no machine has. */
const PUBLIC_KEY =
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8yI3+1WzKQmXw0rYqGxPbOh5uY4u8jF1mV3c9tPz3d test@example.org';

export function machines(opened: () => UiLab): void {
  const check = testOf(opened);
  const fully = fullTestOf(opened);

  /** Deploys the second instance, which is not started, and changes it. */
  const deployStopped = async (templateId: string): Promise<void> => {
    const { page, go, press, heading } = opened().admin;
    await go(`/instances/deploy?template=${templateId}`);
    await heading('Deploy an instance of Debian 12');
    await page.getByText('More: user data, firmware, names').click();
    await page.getByRole('checkbox', { name: 'Start it' }).uncheck();
    await page.getByRole('textbox', { name: 'User data' }).fill('#cloud-config\n');
    await page.getByRole('button', { name: 'Deploy', exact: true }).click();
    await heading('debian-12-vm2');
    await page.getByRole('main').getByText('Stopped', { exact: true }).waitFor();
    await press('link', 'Edit');
    await page.getByRole('textbox', { name: 'Display name' }).fill('The second one');
    await press('button', 'Save');
    await page.getByRole('main').getByText('The second one').waitFor();
  };

  fully('empty lists of machines, networks and keys say what to do first', async ({ page, go, follow }) => {
    await go('/instances');
    for (const [address, title, first] of [
      ['/instances', 'No instance yet', 'press Deploy VM'],
      ['/ssh-keys', 'No SSH key yet', 'Register your public key'],
      ['/instances?keyword=none-of-that-name', 'No instance is like that', 'Choose another filter'],
    ] as const) {
      await follow(address);
      await page.getByText(title, { exact: true }).waitFor();
      await page.getByRole('main').getByText(first).waitFor();
    }
  });

  check(
    'a public key is registered, a private one never leaves the browser, and a pair is made',
    async ({ page, go, press, row }) => {
      await go('/ssh-keys');
      await press('button', 'Register a key');
      const form = page.getByRole('dialog');
      await form.getByRole('textbox', { name: 'Name' }).fill('laptop');
      await form.getByRole('textbox', { name: 'Public key' }).fill('-----BEGIN OPENSSH PRIVATE KEY-----');
      await form.getByRole('button', { name: 'Register' }).click();
      await form.getByText('This is a private key, which was not sent.').waitFor();
      await form.getByRole('textbox', { name: 'Public key' }).fill(PUBLIC_KEY);
      await form.getByRole('button', { name: 'Register' }).click();
      await row('laptop')
        .getByText(/^(?:[0-9a-f]{2}:){15}[0-9a-f]{2}$/)
        .waitFor();
      await press('button', 'Make a key pair');
      await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('made');
      await page.getByRole('dialog').getByRole('button', { name: 'Make' }).click();
      await page
        .getByRole('dialog')
        .getByText(/-----BEGIN .*PRIVATE KEY-----/)
        .waitFor();
      await press('button', 'I have it');
      await row('made').getByRole('button', { name: 'Delete made' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
      await row('made').waitFor({ state: 'detached' });
    },
  );

  fully('an offering is created, changed and deleted', async ({ page, go, press, row }) => {
    await go('/offerings');
    await press('button', 'Create an offering');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Name' }).fill('tiny');
    await dialog.getByRole('spinbutton', { name: 'Memory, in MiB' }).fill('256');
    await dialog.getByRole('button', { name: 'Create' }).click();
    await row('tiny').getByText('1 CPU, 256 MiB').waitFor();
    await press('button', 'Change tiny');
    await dialog.getByRole('textbox', { name: 'Tags of hosts' }).fill('gpu');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await row('tiny').getByText('hosts: gpu').waitFor();
    await press('button', 'Delete tiny');
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await row('tiny').waitFor({ state: 'detached' });
  });

  fully('a network is created and deleted', async ({ page, go, press, row }) => {
    await go('/networks');
    await press('button', 'Create a network');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Name' }).fill('office');
    await dialog
      .getByRole('option', { name: /^DefaultL2NetworkOffering / })
      .first()
      .waitFor({ state: 'attached' });
    await dialog.getByRole('button', { name: 'Create' }).click();
    await row('office').getByText('L2', { exact: true }).waitFor();
    await press('button', 'Delete office');
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await row('office').waitFor({ state: 'detached' });
  });

  check(
    'one click deploys an instance of a template; its page says why it cannot run, and it is destroyed',
    async ({ page, go, press, heading, row }) => {
      opened().server.serve('/Debian_12.raw', { body: rawDisk(1_048_576) });
      const image = await opened().register({
        url: opened().server.url('/Debian_12.raw'),
        name: 'Debian 12',
      });
      await go(`/templates/${image.id}`);
      await press('link', 'Deploy VM');
      await heading('Deploy an instance of Debian 12');
      await press('button', 'Deploy and start');
      await heading('debian-12-vm1');
      await page.getByRole('main').getByText('Error', { exact: true }).waitFor();
      await page
        .getByRole('main')
        .getByText(/No host can run debian-12-vm1/)
        .first()
        .waitFor();
      await page.getByText('The guest wrote nothing.').waitFor();
      await row('ROOT-').getByText('Debian 12').waitFor();
      await press('link', 'Instances');
      await page.getByRole('combobox', { name: 'State' }).selectOption('Error');
      await row('debian-12-vm1').getByText('1 CPU, 512 MiB').waitFor();
      if (isFullRun) await deployStopped(image.id);
      for (const name of isFullRun ? ['debian-12-vm2', 'debian-12-vm1'] : ['debian-12-vm1']) {
        await go('/instances');
        await press('link', name);
        await heading(name);
        await press('button', 'Destroy');
        const dialog = page.getByRole('dialog');
        if (name === 'debian-12-vm2')
          await dialog.getByRole('checkbox', { name: 'Expunge it at once' }).check();
        await dialog.getByRole('button', { name: 'Destroy' }).click();
        await heading('Instances');
        await row(name).waitFor({ state: 'detached' });
      }
    },
  );
}
