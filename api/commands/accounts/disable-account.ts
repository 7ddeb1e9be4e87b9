import { accountAsked, accountParameters } from './accounts.ts';
import { changeAccountState } from './account-states.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { instantJob } from '../../server/instant-job.ts';
import { flag } from '../../fields/parameters.ts';
import { JOB, render } from '../../fields/response.ts';

export const disableAccount = defineCommand({
  name: 'disableAccount',
  since: '0.2.0',
  description: 'Disables or locks an account: none of its users can call or log in any more.',
  isAsync: true,
  roles: ADMINS,
  parameters: { ...accountParameters, lock: flag('true: lock it; false or absent: disable it') },
  response: JOB,
  async run(context, values) {
    const account = await accountAsked(context, values);
    const answer = await changeAccountState(context, account, values.lock === true ? 'locked' : 'disabled');
    const jobid = await instantJob(context, { type: 'Account', uuid: account.uuid }, answer);
    return render(JOB, { jobid }, context.caller);
  },
});
