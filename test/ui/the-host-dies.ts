/** A host is killed in the middle of a download, and the page says why the download waits. */
import { rawDisk } from '../support/images.ts';
import { until } from '../support/until.ts';
import { fullTestOf } from '../labs/ui.ts';
import type { MortalHost, UiLab } from '../labs/ui.ts';

const MIB = 1_048_576;
const NAME = 'mortal';
const BODY = rawDisk(16 * MIB);

/** Tests in parts, since other tests need the host alive, and a killed host counts as lost only after a while. */
export function theHostDies(opened: () => UiLab) {
  const fully = fullTestOf(opened);
  let host: MortalHost;
  let deploymentId = '';

  return {
    name: NAME,
    approved() {
      fully(
        'a new host is approved, and its missing programs are shown',
        async ({ page, go, press, row }) => {
          const lab = opened();
          host = await lab.mortalHost(NAME);
          await until('it has come', async () => (await lab.hosts()).some(({ name }) => name === NAME));
          await go('/');
          const warning = page.getByRole('alert').filter({ hasText: 'Not approved' });
          await warning.getByText(`${NAME} gets no work`).waitFor();
          await go('/hosts?state=unapproved');
          await row(NAME).getByText('Not approved', { exact: true }).waitFor();
          await press('button', `Approve ${NAME}`);
          await page.getByText('No host is like that').waitFor();
          await go('/hosts');
          await row(NAME).getByText('Up', { exact: true }).waitFor();
          await row(NAME)
            .getByText(/^without qemu-img, xz, /)
            .waitFor();
          await press('link', NAME);
          await page.getByText('xz is missing: this host cannot unpack .xz images.').waitFor();
        },
      );
    },
    killed() {
      fully('a host is killed during a download', async () => {
        const lab = opened();
        const { id: poolId } = await host.pool();
        lab.server.serve('/orphan', { body: BODY, pauseMs: 400 });
        const image = await lab.register({ url: lab.server.url('/orphan') });
        await lab.prepare(image.id, poolId);
        const copy = await until('bytes flow', async () => {
          const [one] = await lab.deployments({ templateid: image.id });
          return (one?.bytes ?? 0) > MIB ? one : undefined;
        });
        deploymentId = copy.id;
        await host.kill();
        lab.server.serve('/orphan', { body: BODY });
      });
    },
    removed() {
      fully(
        'a lost host is removed, with the pool that no other host has',
        async ({ page, go, press, heading, row }) => {
          await go('/hosts');
          await press('link', NAME);
          await heading(NAME);
          await press('button', 'Remove');
          await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
          await heading('Hosts');
          await row(NAME).waitFor({ state: 'detached' });
          await go(`/pools?keyword=${NAME}`);
          await page.getByText('No storage pool is like that').waitFor();
        },
      );
    },
    showsWait() {
      fully(
        'the page shows why the download of a killed host waits, and the time of the next attempt',
        async ({ page, go, row }) => {
          await go(`/deployments/${deploymentId}`);
          const main = page.getByRole('main');
          await main.getByText('Waiting', { exact: true }).waitFor({ timeout: 120_000 });
          await main.getByText(/no host can work on pool mortal: .*mortal/).waitFor();
          await main.getByText(/next try/).waitFor();
          await main
            .getByText(/Host gone/)
            .first()
            .waitFor();
          await go('/');
          const warning = page.getByRole('alert').filter({ hasText: 'A host is down' });
          await warning.getByText(`${NAME}, heard of last`).waitFor({ timeout: 60_000 });
          await go('/hosts?state=down');
          await row(NAME).getByText('Down', { exact: true }).waitFor();
        },
        300_000,
      );
    },
  };
}
