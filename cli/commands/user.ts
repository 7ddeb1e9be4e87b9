/** `bypass user`: the users of accounts: list, create, keys, disable, enable, lock, delete. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { User } from '../../model/api-answers.ts';
import { timeCell } from '../cells.ts';
import { noun, verb } from '../command.ts';
import { confirm, yesOption } from '../confirm.ts';
import type { YesOption } from '../confirm.ts';
import { findUser } from '../lookup.ts';
import type { Column } from '../output.ts';
import { readPassword } from '../password.ts';
import type { Cli } from '../context.ts';
import { settle } from '../waiting.ts';

const STATES = [
  ['disable', 'disableUser', 'refuse the keys and the password of a user, and end the sessions'],
  ['enable', 'enableUser', 'let a user in again that was disabled or locked'],
  ['lock', 'lockUser', 'lock a user out until it is enabled again'],
] as const;

export function userCommands(program: Command, cli: Cli): void {
  const user = noun(program, 'user', 'users of accounts: who calls and logs in');

  verb<[], { readonly account?: string }>(user, cli, {
    usage: 'list',
    summary: 'list users',
    example: 'user list --account alice',
    options: [new Option('--account <account>', 'only those of this account, by name')],
    run: async ({ api, out }, _args, { account }) => {
      const rows = await api.list<User>('listUsers', 'user', { account });
      out.list({ columns: COLUMNS, rows, none: 'There is no such user' });
    },
  });

  verb<[name: string], { readonly account: string; readonly passwordFile?: string }>(user, cli, {
    usage: 'create <name>',
    summary: 'add a user to an account; `user keys NAME --new` makes keys',
    example: 'user create bob --account alice --password-file bob.txt',
    options: [
      new Option('--account <account>', 'the account, by name').makeOptionMandatory(),
      new Option(
        '--password-file <file>',
        'holds the password; - for standard input; a random one when absent',
      ),
    ],
    run: async ({ api, out }, [name], { account, passwordFile }) => {
      const { password, isRandom } = await readPassword(passwordFile);
      const made = await api.call<{ readonly user: User }>('createUser', {
        username: name,
        account,
        password,
      });
      out.item(
        [
          { title: 'User', value: name, tone: 'strong' },
          { title: 'Account', value: account },
          ...(isRandom ? [{ title: 'Password', value: password }] : []),
        ],
        { ...made.user, ...(isRandom ? { password } : {}) },
      );
      if (isRandom) out.remark('A random password is shown this once.');
    },
  });

  verb<[user: string], { readonly new?: true }>(user, cli, {
    usage: 'keys <user>',
    summary: 'show the keys of a user, which is recorded as an event; with --new make others',
    example: 'user keys bob',
    options: [new Option('--new', 'make new keys; the old ones are no longer good')],
    run: async ({ api, out }, [text], { new: isNew }) => {
      const { id } = await findUser(api, text);
      const command = isNew === true ? 'registerUserKeys' : 'getUserKeys';
      const { userkeys } = await api.call<KeysAnswer>(command, { id });
      out.item(
        [
          { title: 'API key', value: userkeys.apikey },
          { title: 'Secret key', value: userkeys.secretkey },
        ],
        userkeys,
      );
      if (userkeys.apikey === undefined)
        out.remark(`${text} has no keys yet: bypass user keys ${text} --new`);
    },
  });

  for (const [word, command, summary] of STATES) {
    verb<[user: string], object>(user, cli, {
      usage: `${word} <user>`,
      summary,
      example: `user ${word} bob`,
      run: async (session, [text]) => {
        const { id, name } = await findUser(session.api, text);
        const answer = await settle(session, await session.api.call(command, { id }));
        session.out.done(`User ${name} is ${word}${word === 'lock' ? 'ed' : 'd'}`, answer);
      },
    });
  }

  verb<[user: string], YesOption>(user, cli, {
    usage: 'delete <user>',
    summary: 'remove a user; the account and what it has stay',
    example: 'user delete bob',
    options: [yesOption()],
    run: async (session, [text], { yes }) => {
      const { id, name } = await findUser(session.api, text);
      await confirm(session, `Remove user ${name} with the keys and sessions?`, { yes });
      session.out.done(`Removed user ${name}`, await session.api.call('deleteUser', { id }));
    },
  });
}

interface KeysAnswer {
  readonly userkeys: { readonly apikey?: string; readonly secretkey?: string };
}

const COLUMNS: readonly Column<User>[] = [
  { title: 'NAME', value: ({ username }) => username, atLeast: 10 },
  { title: 'ID', value: ({ id }) => id, drop: 2 },
  { title: 'ACCOUNT', value: ({ account }) => account },
  {
    title: 'STATE',
    value: ({ state }) => state,
    tone: ({ state }) => (state === 'enabled' ? undefined : 'busy'),
  },
  { title: 'CREATED', value: ({ created }) => timeCell(created), drop: 1 },
];
