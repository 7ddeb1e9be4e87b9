import { recordCallerEvent } from '../../server/caller-event.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { instantJob } from '../../server/instant-job.ts';
import { flag, id, required } from '../../fields/parameters.ts';
import { JOB, render } from '../../fields/response.ts';
import { ownNetwork } from './networks.ts';

export const restartNetwork = defineCommand({
  name: 'restartNetwork',
  since: '0.2.0',
  description: 'Does nothing but answer: a network has nothing of its own that could be restarted.',
  isAsync: true,
  roles: EVERYBODY,
  parameters: {
    id: required(id('the network')),
    cleanup: flag('accepted for other clients'),
    makeredundant: flag('accepted for other clients'),
    livepatch: flag('accepted for other clients'),
  },
  response: JOB,
  async run(context, values) {
    const { db, caller } = context;
    const network = await ownNetwork(context, 'id', values.id);
    await recordCallerEvent(
      { db, caller },
      {
        type: 'NETWORK.RESTART',
        description: `Network '${network.name}' was restarted`,
        resourceType: 'Network',
        resourceUuid: network.uuid,
      },
    );
    const jobid = await instantJob(context, { type: 'Network', uuid: network.uuid }, { success: true });
    return render(JOB, { jobid }, caller);
  },
});
