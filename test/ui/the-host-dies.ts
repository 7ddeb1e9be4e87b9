/** A host is killed in the middle of a download, and the page says why the download waits. */
import { rawDisk } from '../support/images.ts';
import { until } from '../support/until.ts';
import { testOf } from './lab.ts';
import type { MortalHost, UiLab } from './lab.ts';

const MIB = 1_048_576;
const NAME = 'mortal';
const BODY = rawDisk(16 * MIB);

/** In two parts, since it takes a while until a host counts as gone. */
export function theHostDies(opened: () => UiLab) {
  const check = testOf(opened);
  let host: MortalHost;
  let deploymentId = '';

  return {
    killed() {
      check('a host is killed during a download', async () => {
        const lab = opened();
        host = await lab.mortalHost(NAME);
        lab.server.serve('/orphan', { body: BODY, pauseMs: 100 });
        const image = await lab.register({ url: lab.server.url('/orphan') });
        await lab.prepare(image.id, host.poolId);
        const copy = await until('bytes flow', async () => {
          const [one] = await lab.deployments({ templateid: image.id });
          return (one?.bytes ?? 0) > MIB ? one : undefined;
        });
        deploymentId = copy.id;
        await host.kill();
        lab.server.serve('/orphan', { body: BODY });
      });
    },
    told() {
      check(
        'the page says why the download of a killed host waits, and when it goes on',
        async ({ page, go }) => {
          await go(`/deployments/${deploymentId}`);
          const main = page.getByRole('main');
          await main.getByText('Waiting', { exact: true }).waitFor({ timeout: 120_000 });
          await main.getByText(/no host can work on pool mortal: .*mortal/).waitFor();
          await main.getByText(/next try/).waitFor();
          await main
            .getByText(/HostGone/)
            .first()
            .waitFor();
          await go('/hosts');
          const row = page.locator('tbody tr').filter({ hasText: NAME });
          await row.getByText('Down', { exact: true }).waitFor({ timeout: 60_000 });
          await host.start();
          await go(`/deployments/${deploymentId}`);
          await main.getByText('Ready', { exact: true }).waitFor({ timeout: 90_000 });
        },
        300_000,
      );
    },
  };
}
