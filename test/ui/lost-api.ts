/** The api is killed under an open page. */
import { testOf } from './lab.ts';
import type { UiLab } from './lab.ts';

export function lostApi(opened: () => UiLab): void {
  const check = testOf(opened);
  check(
    'a lost api is told, what was known stays, and the page recovers by itself',
    async ({ page, go, heading, row }) => {
      await go('/templates');
      await row('from-the-form').waitFor();
      // Calls of the browser fail as they do where nobody listens; the api itself is started again within a second.
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
