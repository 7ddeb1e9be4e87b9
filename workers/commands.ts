/** The commands of `bypass` that run processes, and those that change the database directly. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { noun } from '../cli/command.ts';
import { defineProcess } from './process-command.ts';

export function workerCommands(program: Command): void {
  defineProcess(noun(program, 'host', '').command('run'), {
    process: 'host',
    summary: 'run the host worker of this machine',
    example: 'host run --zone amsterdam --cluster rack-1 --pools local=Filesystem:HOST:/var/lib/images',
    run: async (settings) => (await import('./host.ts')).run(settings),
  });
  defineProcess(
    noun(program, 'control', 'the control worker: decides, and keeps the records').command('run'),
    {
      process: 'control',
      summary: 'run a control worker',
      example: 'control run --database-url postgres://bypass@db.example.org/bypass',
      run: async (settings) => (await import('./control.ts')).run(settings),
    },
  );
  // `bypass api COMMAND` calls the api; the API has no command of the name `run`.
  const api = noun(program, 'api', '').usage('[options] <command> [parameters...]');
  defineProcess(api.command('run'), {
    process: 'api',
    summary: 'run the api',
    example: 'api run --address 0.0.0.0 --port 8080',
    run: async (settings) => (await import('./api.ts')).run(settings),
  });
  const admin = noun(program, 'admin', 'what is done where the database is');
  defineProcess(admin.command('create'), {
    process: 'admin',
    summary: 'make an administrator, and print the keys once',
    example: 'admin create --name alice',
    options: [
      new Option('--name <name>', 'name of the user').default('admin'),
      new Option('--json', 'print them as one line of JSON'),
    ],
    run: async (settings, { name, json }) =>
      (await import('./admin.ts')).run(settings, { name: String(name), json: json === true }),
  });
  defineProcess(admin.command('restored'), {
    process: 'admin',
    summary: 'settle a database that was restored, when Temporal was lost as well',
    example: 'admin restored --database-url postgres://bypass@db.example.org/bypass',
    run: async (settings) => (await import('./restored.ts')).run(settings),
  });
  defineProcess(noun(program, 'secrets', 'the master key, changed where the database is').command('rotate'), {
    process: 'admin',
    summary: 'seal everything with a new master key, while all runs',
    example: 'secrets rotate --database-url postgres://bypass@db.example.org/bypass',
    options: [
      new Option('--prepare', 'only put the next key into the file, to copy it to other machines'),
      new Option('--keep', 'leave the old key in the file, until the next call'),
    ],
    run: async (settings, { prepare, keep }) =>
      (await import('./secrets.ts')).run(settings, { prepare: prepare === true, keep: keep === true }),
  });
}
