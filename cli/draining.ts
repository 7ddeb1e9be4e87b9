/** Waits until a drained host downloads nothing any more; what does not end in time is handed over to other hosts. */
import type { Deployment } from '../model/api-answers.ts';
import type { Session } from './command.ts';
import { count } from './format.ts';
import { waitFor } from './waiting.ts';

interface Drained {
  readonly id: string;
  readonly name: string;
}

/** @param minutes that downloads may take to end; 0: they are handed over at once */
export function waitUntilDrained(session: Session, host: Drained, minutes: number): Promise<void> {
  const { api, out } = session;
  const until = Date.now() + minutes * 60_000;
  const meanwhile = `Host ${host.name} gets no new downloads; those that run go on.`;
  return waitFor(session, meanwhile, async ({ ask, pause, view }) => {
    const handedOver = new Set<string>();
    for (;;) {
      const query = { hostid: host.id, page: 1, pagesize: 200 };
      const answer = await ask((signal) =>
        api.call<{ readonly templatedeployment?: readonly Deployment[] }>(
          'listTemplateDeployments',
          query,
          signal,
        ),
      );
      const running = (answer.templatedeployment ?? []).map(({ id }) => id);
      if (running.length === 0) break;
      if (Date.now() >= until) {
        // Again for a download that began meanwhile.
        if (running.some((id) => !handedOver.has(id)))
          await ask((signal) =>
            api.call('prepareHostForMaintenance', { id: host.id, handover: true }, signal),
          );
        for (const id of running) handedOver.add(id);
        view.say(`Handing over ${count(running.length, 'download')}`);
      } else view.say(`Waiting for ${count(running.length, 'download')} on ${host.name}`);
      await pause();
    }
    view.end();
    const how = handedOver.size === 0 ? '' : `; ${count(handedOver.size, 'download')} handed over`;
    out.remark(`Host ${host.name} downloads nothing any more${how}`);
  });
}
