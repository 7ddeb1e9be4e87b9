import { userStateCommand } from './account-states.ts';

export const disableUser = userStateCommand({
  name: 'disableUser',
  description: 'Disables a user: the keys and the password are refused, and sessions end at once.',
  state: 'disabled',
  isAsync: true,
});
