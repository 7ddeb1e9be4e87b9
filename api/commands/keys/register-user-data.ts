import { registerUserData as insertUserData } from '../../../db/keys/user-data.ts';
import { AlreadyExists } from '../../../db/errors.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { ApiError } from '../../server/errors.ts';
import { ownedByParameters, ownerFor } from '../../fields/owners.ts';
import { list, name, required } from '../../fields/parameters.ts';
import { answerOne } from '../../fields/response.ts';
import { readUserData, userDataParameter } from '../../fields/user-data.ts';
import { USER_DATA } from '../../fields/answers/key.ts';
import { openedUserData, userDataNamed } from './user-data.ts';

export const registerUserData = defineCommand({
  name: 'registerUserData',
  since: '0.2.0',
  description: 'Keeps user data, sealed, which virtual machines of the account can be given by its id.',
  roles: EVERYBODY,
  parameters: {
    name: required(name('the name; unique in its account')),
    userdata: required(userDataParameter('the user data, as base64')),
    params: list('the names of its variables, which each virtual machine gives values'),
    ...ownedByParameters,
  },
  object: 'userdata',
  response: USER_DATA,
  async run(context, values) {
    const { db, masterKey, caller } = context;
    const owner = await ownerFor(context, values);
    const text = await readUserData(context, values.userdata);
    if (text === '')
      throw new ApiError(apiCodes.parameter, 'User data is too short', { parameter: 'userdata' });
    const { params = [] } = values;
    const data = {
      accountId: owner.id,
      name: values.name,
      text,
      params: params.length === 0 ? null : params.join(','),
    };
    const uuid = await db
      .transaction()
      .execute(async (tx) => {
        const made = await insertUserData(tx, masterKey, data);
        await recordCallerEvent(
          { db: tx, caller },
          {
            type: 'REGISTER.USER.DATA',
            description: `User data '${values.name}' was added`,
            accountUuid: owner.uuid,
            resourceType: 'UserData',
            resourceUuid: made,
          },
        );
        return made;
      })
      .catch((error: unknown) => {
        if (!(error instanceof AlreadyExists)) throw error;
        const sentence = `User data with name '${values.name}' already exists for this account.`;
        throw new ApiError(apiCodes.parameter, sentence, { parameter: 'name' });
      });
    const made = await openedUserData(context, await userDataNamed(context, 'id', uuid));
    return answerOne('userdata', USER_DATA, [made], caller);
  },
});
