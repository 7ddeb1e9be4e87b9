import { removeAccount } from '../../db/accounts.ts';
import { recordEvent } from '../../db/events.ts';
import { listAccounts } from '../../db/listings/accounts.ts';
import { ADMINS, defineCommand } from '../command.ts';
import { entity } from '../entities.ts';
import { badParameter } from '../errors.ts';
import { instantJob } from '../instant-job.ts';
import { id, required } from '../parameters.ts';
import { JOB, render } from '../response.ts';

export const deleteAccount = defineCommand({
  name: 'deleteAccount',
  description: 'Removes an account with its users; templates that it has must be deleted before.',
  isAsync: true,
  roles: ADMINS,
  parameters: { id: required(id('the account')) },
  response: JOB,
  async run(context, values) {
    const { db, caller } = context;
    const account = await entity(context, 'id', values.id, async (uuid) => {
      const { rows } = await listAccounts(db, { id: uuid }, { limit: 1, offset: 0 });
      return rows[0];
    });
    if (account.uuid === caller.accountUuid)
      throw badParameter('id', 'is your own account; let another do it.');
    if (account.templates > 0) {
      throw badParameter(
        'id',
        `is an account with ${account.templates} templates and ISOs; delete them first.`,
      );
    }
    await removeAccount(db, account.id);
    await recordEvent(db, {
      type: 'ACCOUNT.DELETE',
      description: `Account '${account.account_name}' was removed`,
      userUuid: caller.userUuid,
      accountUuid: caller.accountUuid,
      resourceType: 'Account',
      resourceUuid: account.uuid,
    });
    const jobid = await instantJob(context, { type: 'Account', uuid: account.uuid }, { success: true });
    return render(JOB, { jobid }, caller);
  },
});
