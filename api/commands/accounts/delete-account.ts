import { removeAccount } from '../../../db/accounts/account-states.ts';
import { networksOfAccount } from '../../../db/networks/networks.ts';
import { machinesOf } from '../../../db/vms/usage.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { accountOf, requireOtherAccount } from './accounts.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { badParameter } from '../../server/errors.ts';
import { instantJob } from '../../server/instant-job.ts';
import { id, required } from '../../fields/parameters.ts';
import { JOB, render } from '../../fields/response.ts';

export const deleteAccount = defineCommand({
  name: 'deleteAccount',
  description:
    'Removes an account with its users; templates, virtual machines and networks that it has must be deleted before.',
  isAsync: true,
  roles: ADMINS,
  parameters: { id: required(id('the account')) },
  response: JOB,
  async run(context, values) {
    const { db, caller, sessions } = context;
    const account = await accountOf(context, values.id);
    requireOtherAccount(context, account);
    if (account.templates > 0) {
      throw badParameter(
        'id',
        `is an account with ${account.templates} templates and ISOs; delete them first.`,
      );
    }
    const machines = await machinesOf(db, account.id);
    if (machines > 0) {
      throw badParameter('id', `is an account with ${machines} virtual machines; expunge them first.`);
    }
    const networks = await networksOfAccount(db, account.id);
    if (networks > 0) {
      throw badParameter('id', `is an account with ${networks} networks; delete them first.`);
    }
    sessions.forgetUsers(await removeAccount(db, account.id));
    await recordCallerEvent(
      { db, caller },
      {
        type: 'ACCOUNT.DELETE',
        description: `Account '${account.account_name}' was removed`,
        resourceType: 'Account',
        resourceUuid: account.uuid,
      },
    );
    const jobid = await instantJob(context, { type: 'Account', uuid: account.uuid }, { success: true });
    return render(JOB, { jobid }, caller);
  },
});
