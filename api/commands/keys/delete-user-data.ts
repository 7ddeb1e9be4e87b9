import { removeUserData } from '../../../db/keys/user-data.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { id, required } from '../../fields/parameters.ts';
import { render, SUCCESS } from '../../fields/response.ts';
import { userDataNamed } from './user-data.ts';

export const deleteUserData = defineCommand({
  name: 'deleteUserData',
  since: '0.2.0',
  description: 'Removes registered user data. Virtual machines that were given it keep it.',
  roles: EVERYBODY,
  parameters: { id: required(id('the user data')) },
  response: SUCCESS,
  async run(context, values) {
    const { db, caller } = context;
    const data = await userDataNamed(context, 'id', values.id);
    const text = `User data '${data.name}' was removed`;
    await db.transaction().execute(async (tx) => {
      await removeUserData(tx, data.id);
      await recordCallerEvent(
        { db: tx, caller },
        {
          type: 'DELETE.USER.DATA',
          description: text,
          accountUuid: data.account_uuid,
          resourceType: 'UserData',
          resourceUuid: data.uuid,
        },
      );
    });
    return render(SUCCESS, { text }, caller);
  },
});
