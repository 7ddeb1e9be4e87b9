import { userStateCommand } from './account-states.ts';

export const lockUser = userStateCommand({
  name: 'lockUser',
  description: 'Locks a user: the keys and the password are refused, and sessions end at once.',
  state: 'locked',
});
