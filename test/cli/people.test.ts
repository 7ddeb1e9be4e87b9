import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApi } from './api-server.ts';
import type { ApiServer } from './api-server.ts';
import { fleet, hosts, pools, template } from './fleet.ts';
import { bypass } from './terminal.ts';
import type { Ran, RunOptions } from './terminal.ts';

const ubuntu = template('ubuntu');
const alice = {
  id: '5f0c1a52-6c3c-4d0e-9d0f-0d9f2f3f1111',
  name: 'alice',
  rolename: 'User',
  templatetotal: 2,
  templatelimit: 'Unlimited',
  created: '2026-11-24T07:00:00+0000',
  user: [{ id: '5f0c1a52-6c3c-4d0e-9d0f-0d9f2f3f2222', username: 'alice' }],
};
const keys = { userkeys: { apikey: 'an-api-key', secretkey: 'a-secret-key' } };

let api: ApiServer;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bypass-people-'));
  api = await startApi({
    ...fleet({ templates: [ubuntu], progress: () => 1 }),
    listAccounts: () => ({ account: [alice] }),
    listUsers: () => ({ user: alice.user }),
    createAccount: () => ({ account: alice }),
    registerUserKeys: () => keys,
    ...Object.fromEntries(
      [
        'updateUser',
        'updateResourceLimit',
        'deleteAccount',
        'prepareHostForMaintenance',
        'cancelHostMaintenance',
        'enableStorageMaintenance',
        'cancelStorageMaintenance',
        'updateStoragePool',
        'updateTemplate',
        'updateTemplatePermissions',
        'createTags',
        'deleteTags',
      ].map((name) => [name, () => ({ success: true })]),
    ),
    listTemplatePermissions: () => ({ templatepermission: { ispublic: true, account: ['bob', 'carol'] } }),
    extractTemplate: () => ({ jobid: 'j1' }),
    queryAsyncJobResult: () => ({
      jobid: 'j1',
      jobstatus: 1,
      jobresult: { template: { url: 'http://a.example/b' } },
    }),
    listAsyncJobs: () => ({ asyncjobs: [{ jobid: 'j1', cmd: 'deleteTemplate', jobstatus: 2 }] }),
  });
});
afterEach(async () => {
  await api.close();
  await rm(folder, { recursive: true });
});

const run = (line: string, options?: RunOptions): Promise<Ran> => bypass(api, line.split(' '), options);
const last = (command: string) => api.called(command).at(-1);

describe('bypass account', () => {
  test('create creates a user with a random password and keys, and shows them once', async () => {
    const { code, stdout } = await run('account create alice');
    const sent = last('createAccount');
    expect(code).toBe(0);
    expect(sent).toMatchObject({ username: 'alice', accounttype: '0' });
    expect(sent?.['password']).toMatch(/^[\w-]{24}$/);
    expect(stdout).toContain(sent?.['password']);
    expect(stdout).toContain('a-secret-key');
    expect(last('registerUserKeys')).toMatchObject({ id: alice.user[0]?.id });
  });

  test('create takes a password from a file, and does not show it', async () => {
    await writeFile(join(folder, 'p'), 'from a file\n');
    const { stdout } = await run(`account create alice --admin --password-file ${join(folder, 'p')}`);
    expect(last('createAccount')).toMatchObject({ password: 'from a file', accounttype: '1' });
    expect(stdout).not.toContain('from a file');
    await run(`account password alice --password-file ${join(folder, 'p')}`);
    expect(last('updateUser')).toMatchObject({ id: alice.user[0]?.id, password: 'from a file' });
    expect(await run('account password alice --password-file /nonexistent')).toMatchObject({ code: 1 });
  });

  test('list, keys, limit and delete call their commands and show the answers', async () => {
    expect((await run('account list')).stdout).toMatch(/alice .*User +2 +Unlimited/);
    expect((await run('account keys alice')).stdout).toContain('an-api-key');
    await run('account limit alice 20');
    expect(last('updateResourceLimit')).toMatchObject({ account: 'alice', resourcetype: '4', max: '20' });
    await run('account limit alice none');
    expect(last('updateResourceLimit')).toMatchObject({ max: '-1' });
    expect(await run('account limit alice many')).toMatchObject({ code: 2 });
    await run('account delete alice');
    expect(last('deleteAccount')).toMatchObject({ id: alice.id });
    expect(await run('account delete nobody')).toMatchObject({
      code: 1,
      stderr: "bypass: there is no account 'nobody' (there is: alice)\n",
    });
  });
});

test.each([
  ['host maintenance kvm-1 on', 'prepareHostForMaintenance', { id: hosts[0]?.id }],
  ['host maintenance kvm-1 off', 'cancelHostMaintenance', { id: hosts[0]?.id }],
  ['pool maintenance shared on', 'enableStorageMaintenance', { id: pools[2].id }],
  ['pool maintenance shared off', 'cancelStorageMaintenance', { id: pools[2].id }],
  ['pool tag shared ssd,fast', 'updateStoragePool', { id: pools[2].id, tags: 'ssd,fast' }],
  ['template update ubuntu --name u2', 'updateTemplate', { id: ubuntu.id, name: 'u2' }],
  ['template update ubuntu --no-public', 'updateTemplatePermissions', { id: ubuntu.id, ispublic: 'false' }],
  [
    'template share ubuntu bob carol',
    'updateTemplatePermissions',
    { id: ubuntu.id, op: 'add', accounts: 'bob,carol' },
  ],
  ['template unshare ubuntu bob', 'updateTemplatePermissions', { op: 'remove', accounts: 'bob' }],
  [
    'template tag ubuntu env=prod os=deb=ian',
    'createTags',
    {
      resourceids: ubuntu.id,
      resourcetype: 'Template',
      'tags[0].key': 'env',
      'tags[0].value': 'prod',
      'tags[1].value': 'deb=ian',
    },
  ],
  ['template untag ubuntu env', 'deleteTags', { resourceids: ubuntu.id, 'tags[0].key': 'env' }],
] as const)('bypass %s calls %s', async (line, command, sent) => {
  const { code, stderr } = await run(line);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(last(command)).toMatchObject(sent);
});

test.each(['host maintenance kvm-1 maybe', 'template tag ubuntu env', 'template update ubuntu'])(
  'bypass %s is refused before anything is sent',
  async (line) => {
    expect(await run(line)).toMatchObject({ code: 2, stdout: '' });
  },
);

test('template permissions shows who may use a template, and template source its URL', async () => {
  expect((await run('template permissions ubuntu')).stdout).toMatch(/Public +yes\nShared with +bob, carol\n/);
  expect((await run('template source ubuntu')).stdout).toBe('http://a.example/b\n');
  expect((await run('job list')).stdout).toMatch(/j1 +deleteTemplate +failed/);
});

describe('the option -o', () => {
  test('prints CSV with all columns, quoted where necessary, and without formulas', async () => {
    api.answer({
      listAccounts: () => ({
        account: [
          { ...alice, name: 'a,"b"' },
          { ...alice, name: '=1+1' },
        ],
      }),
    });
    const { stdout } = await run('account list -o csv');
    const [head, first, second] = stdout.split('\r\n');
    expect(head).toBe('name,id,role,templates,limit,created');
    expect(first).toMatch(/^"a,""b""",5f0c/);
    expect(second).toMatch(/^'=1\+1,/);
  });

  test('prints CSV with bytes and dates as the api gives them, and names the columns of continued fields', async () => {
    const created = '2026-11-24T07:00:00+0000';
    api.answer({
      ...fleet({ templates: [{ ...template('big'), created }], progress: () => 1 }),
    });
    const rows = (await run('template list -o csv')).stdout.split('\r\n');
    expect(rows[1]).toContain(`,${2048 * 1024 ** 2},yes,`);
    expect(rows[1]).toMatch(new RegExp(`,${created.replace('+', '\\+')}$`));
    await run('deploy start big');
    const [head] = (await run('template show big -o csv')).stdout.split('\r\n');
    expect(head).toMatch(/,created,pools,pools 2,pools 3$/);
  });

  test('prints the same for json as --json, and refuses other formats', async () => {
    expect((await run('account list -o json')).stdout).toBe((await run('account list --json')).stdout);
    expect(await run('account list -o yaml')).toMatchObject({ code: 2 });
  });
});

const environment = () => ({ XDG_CONFIG_HOME: folder });
const file = () => join(folder, 'bypass', 'config.json');

describe('bypass configure', () => {
  test('writes a profile that only its owner can read, lists profiles, and selects one', async () => {
    await writeFile(join(folder, 's'), 'very secret\n');
    const write = (name: string) =>
      run(
        `configure --profile ${name} --url https://${name}.example --api-key k --secret-key-file ${join(folder, 's')}`,
        { environment: environment() },
      );
    await write('one');
    const { code, stdout } = await write('two');
    expect(code).toBe(0);
    expect(stdout).not.toContain('very secret');
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(file(), 'utf8'))).toMatchObject({
      current: 'two',
      profiles: {
        one: { url: 'https://one.example/client/api', apiKey: 'k', secretKey: 'very secret' },
        two: { url: 'https://two.example/client/api' },
      },
    });
    await run('configure --use one', { environment: environment() });
    expect((await run('configure', { environment: environment() })).stdout).toBe(
      '* one  https://one.example/client/api\n  two  https://two.example/client/api\n',
    );
    const unknown = await run('configure --use three', { environment: environment() });
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('there are: one, two')]);
    expect(await run('configure --url x', { environment: environment() })).toMatchObject({ code: 2 });
  });
});

/** The completions that bash offers for the last of these words. */
const complete = (script: string, words: readonly string[]): string => {
  const program = `${script}\nCOMP_WORDS=(bypass ${words.map((word) => `'${word}'`).join(' ')})\nCOMP_CWORD=${words.length}\n_bypass\necho "\${COMPREPLY[*]}"`;
  return spawnSync('bash', ['-c', program], { encoding: 'utf8' }).stdout.trim();
};

describe('completion', () => {
  test('offers nouns, verbs and options in bash', async () => {
    const { stdout } = await run('completion bash');
    expect(complete(stdout, ['temp'])).toBe('template');
    expect(complete(stdout, ['template', 'reg'])).toBe('register');
    expect(complete(stdout, ['template', 'register', '--che'])).toBe('--checksum');
    expect(complete(stdout, ['host', 'maintenance', 'kvm-1', '--out'])).toBe('--output');
    expect(complete(stdout, ['template', 'list', '--output', 'c'])).toBe('csv');
    expect(complete(stdout, ['template', 'list', '-o', 't'])).toBe('table');
  });

  test('offers names of existing things in bash, for commands and options that take one', async () => {
    const { stdout } = await run('completion bash');
    // A shell function in place of the program: it checks its arguments and prints names.
    const script = `bypass() { echo "$2-one"; }\n${stdout}`;
    expect(complete(script, ['template', 'show', 'temp'])).toBe('template-one');
    expect(complete(script, ['deploy', 'start', 'ubuntu', '--pool', ''])).toBe('pool-one');
    expect(complete(script, ['certificate', 'provision', 'h'])).toBe('host-one');
    expect(complete(script, ['zone', 'delete', '--y'])).toBe('--yes');
    expect((await run('complete-names pool')).stdout).toBe('local-1\nlocal-2\nshared\n');
    expect((await run('complete-names template')).stdout).toBe('ubuntu\n');
    expect(await bypass(undefined, ['complete-names', 'pool'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    });
    expect((await run('--help')).stdout).not.toContain('complete-names');
  });

  test('has scripts for fish and zsh, and refuses other shells', async () => {
    expect((await run('completion fish')).stdout).toContain(
      "complete -c bypass -f -n '__fish_use_subcommand'",
    );
    expect((await run('completion fish')).stdout).toContain("-l output -x -a 'table json csv'");
    expect((await run('completion zsh')).stdout).toMatch(/^#compdef bypass\n/);
    expect(await run('completion tcsh')).toMatchObject({ code: 2 });
  });
});
