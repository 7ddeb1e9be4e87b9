import { accountStateCommand } from './account-states.ts';

export const enableAccount = accountStateCommand({
  name: 'enableAccount',
  description: 'Lets the users of an account that was disabled or locked call and log in again.',
  state: 'enabled',
});
