/** The api is killed under an open page. */
import { fullTestOf } from '../labs/ui.ts';
import type { UiLab } from '../labs/ui.ts';

export function lostApi(opened: () => UiLab): void {
  const fully = fullTestOf(opened);
  fully(
    'a lost api is reported, the data stays visible, and the page recovers by itself',
    async ({ page, go, heading, row }) => {
      await go('/templates');
      await row('from-the-form').waitFor();
      // The browser's requests fail as for a closed port, since the supervisor restarts a killed api within a second.
      process.kill(opened().pids().api, 'SIGKILL');
      await page.route('**/client/api', (route) => route.abort('connectionrefused'));
      const alert = page.getByRole('alert').filter({ hasText: 'The api is lost' });
      await alert.waitFor();
      await heading('Templates');
      await row('from-the-form').waitFor();
      await page.unroute('**/client/api');
      await alert.waitFor({ state: 'detached' });
      await row('from-the-form').waitFor();
    },
  );
}
