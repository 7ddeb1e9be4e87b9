/** Certificates on the page are uploaded, revoked, provisioned and deleted. */
import { selfSigned } from '../support/certificates.ts';
import { IMAGE, SCRIPT, TEMPLATE } from './hostile-text.ts';
import { fullTestOf, testOf } from '../labs/ui.ts';
import type { UiLab } from '../labs/ui.ts';

export function certificates(opened: () => UiLab): void {
  const check = testOf(opened);
  const fully = fullTestOf(opened);
  const card = (alias: string) => opened().admin.page.getByRole('article', { name: alias });
  const onHost = (alias: string) => card(alias).locator('tbody tr').filter({ hasText: 'host1' });

  check(
    'an invalid certificate is refused beside its field; a valid file is uploaded and its fields are shown',
    async ({ page, go, press, heading }) => {
      await go('/certificates');
      await heading('Certificates');
      await press('link', 'Upload a certificate');
      await page.getByRole('textbox', { name: 'Alias' }).fill('private-ca');
      await page.getByRole('textbox', { name: 'Certificate', exact: true }).fill('<b>no certificate</b>');
      await press('button', 'Upload');
      await page.getByText(/^Parameter certificate/).waitFor();
      const { cert } = selfSigned({ days: 20, names: ['mirror.example.org'] });
      await page
        .locator('input[type=file]')
        .first()
        .setInputFiles({ name: 'ca.pem', mimeType: 'text/plain', buffer: Buffer.from(cert) });
      await page.getByRole('textbox', { name: 'Certificate', exact: true }).getByText('BEGIN').waitFor();
      await press('button', 'Upload');
      const answer = page.getByRole('status').filter({ hasText: 'private-ca was uploaded' });
      await answer.getByText('mirror.example.org').first().waitFor();
      await answer.getByText('itself', { exact: true }).waitFor();
      await answer.getByText('Installed', { exact: true }).first().waitFor();
      await go('/');
      await page.getByText('Certificates that expire').waitFor();
      await page.getByText(/19 days left|20 days left/).waitFor();
      await press('link', 'private-ca');
      await heading('Certificates');
      await card('private-ca')
        .getByText(/\(in (?:19|20) days\)$/)
        .first()
        .waitFor();
    },
  );

  fully(
    'a client certificate is uploaded with its key, which is never shown again',
    async ({ page, go, press }) => {
      const { cert, key } = selfSigned({ names: ['client.example.org'] });
      await go('/certificates/upload');
      await page.getByRole('textbox', { name: 'Alias' }).fill('with-client');
      await page.getByRole('textbox', { name: 'Certificate', exact: true }).fill(selfSigned().cert);
      await page.getByRole('textbox', { name: 'Client certificate' }).fill(cert);
      await press('button', 'Upload');
      await page.getByText(/^Parameter clientcertificate/).waitFor();
      await page.getByRole('textbox', { name: 'Private key' }).fill(key);
      await press('button', 'Upload');
      await page.getByRole('status').getByText('client.example.org').waitFor();
      expect(await page.getByRole('textbox', { name: 'Private key' }).inputValue()).toBe('');
      expect(await page.content()).not.toContain('PRIVATE KEY');
    },
  );

  fullTestOf(opened)('markup in fields and in certificates is shown as text', async ({ page, go, press }) => {
    const field = (name: string) => page.getByRole('textbox', { name, exact: true });
    await go('/certificates/upload');
    await field('Alias').fill(IMAGE);
    await field('Certificate').fill(selfSigned({ names: [SCRIPT] }).cert);
    await press('button', 'Upload');
    await page.getByText(/^Parameter name/).waitFor();
    await field('Alias').fill('odd');
    await field('Client certificate').fill(TEMPLATE);
    await field('Private key').fill(IMAGE);
    await press('button', 'Upload');
    await page.getByText(/^Parameter (?:clientcertificate|privatekey)/).waitFor();
    await field('Client certificate').fill('');
    await field('Private key').fill('');
    await press('button', 'Upload');
    // With the escapes of distinguished names.
    const subject = /^CN=.*<script\\>document\.title=/;
    await page.getByRole('status').getByText(subject).waitFor();
    await go('/certificates');
    await page.getByText(subject).waitFor();
    await press('button', 'Delete odd');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
    await card('odd').waitFor({ state: 'detached' });
    expect(await page.title()).not.toBe('pwned');
  });

  fully(
    'a certificate is revoked on one host, provisioned again, revoked everywhere and deleted',
    async ({ go, page, press }) => {
      await go('/certificates');
      await onHost('private-ca').getByText('Installed', { exact: true }).waitFor();
      // An action that can be undone does not ask first.
      await press('button', 'Revoke private-ca on host1');
      await onHost('private-ca').getByText('Revoked', { exact: true }).waitFor();
      await press('button', 'Provision private-ca on host1');
      await onHost('private-ca').getByText('Installed', { exact: true }).waitFor();
      await press('button', 'Revoke private-ca');
      await card('private-ca').getByText('Revoked', { exact: true }).first().waitFor();
      await onHost('private-ca').getByText('Revoked', { exact: true }).waitFor();
      for (const alias of ['private-ca', 'with-client']) {
        await press('button', `Delete ${alias}`);
        await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
        await card(alias).waitFor({ state: 'detached' });
      }
      await page.getByText('No certificate yet').waitFor();
    },
  );
}

/** Where the host of that name is up as well. */
export function onEveryHost(opened: () => UiLab, second: string): void {
  fullTestOf(opened)(
    'one that was revoked is provisioned on all hosts at once',
    async ({ page, go, press }) => {
      await opened().call('uploadTemplateDirectDownloadCertificate', {
        name: 'everywhere',
        hypervisor: 'KVM',
        certificate: selfSigned().cert,
        zoneid: opened().zoneId,
      });
      await go('/certificates');
      const card = page.getByRole('article', { name: 'everywhere' });
      const onBoth = async (state: string): Promise<void> => {
        for (const name of ['host1', second]) {
          const row = card.locator('tbody tr').filter({ hasText: name });
          await row.getByText(state, { exact: true }).waitFor();
        }
      };
      await onBoth('Installed');
      await press('button', 'Revoke everywhere');
      await onBoth('Revoked');
      await press('button', 'Provision on all: everywhere');
      await onBoth('Installed');
      await press('button', 'Delete everywhere');
      await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
      await card.waitFor({ state: 'detached' });
    },
  );
}
