import { accountStateCommand } from './account-states.ts';

export const lockAccount = accountStateCommand({
  name: 'lockAccount',
  description: 'Locks an account: none of its users can call or log in any more.',
  state: 'locked',
});
