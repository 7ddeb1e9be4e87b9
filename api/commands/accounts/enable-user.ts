import { userStateCommand } from './account-states.ts';

export const enableUser = userStateCommand({
  name: 'enableUser',
  description: 'Lets a user that was disabled or locked call and log in again.',
  state: 'enabled',
});
