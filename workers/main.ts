/**
 * The `bypass` program whole: the client commands of cli/, and the commands that run the processes. A process's
 * module is loaded when its command is run and not before, so that client commands start fast.
 */
import { Option } from 'commander';
import type { Command } from 'commander';
import { noun, sentence } from '../cli/command.ts';
import { oneLine, UsageError } from '../cli/errors.ts';
import { createProgram, runProgram } from '../cli/program.ts';
import { cliOf } from '../cli/surroundings.ts';
import { readSettings, SettingError, SETTINGS } from './settings.ts';
import { bypassVersion } from './version.ts';
import type { Given, ProcessName, SettingName, Settings } from './settings.ts';

type Values = Readonly<Record<string, string | boolean | undefined>>;
type Run = (settings: Settings, values: Values) => Promise<void>;

interface ProcessCommand {
  /** Whose settings it takes as flags. */
  readonly process: ProcessName;
  readonly summary: string;
  readonly example: string;
  readonly options?: readonly Option[];
  readonly run: Run;
}

function processCommands(program: Command): void {
  const own = 'Processes:';
  program.commandsGroup(own);
  define(program.command('dev'), {
    process: 'dev',
    summary: 'run everything on this machine (what `npm start` does)',
    example: 'dev --hosts 3',
    run: async (settings) => (await import('./dev/dev.ts')).run(settings),
  });
  define(program.command('demo'), {
    process: 'demo',
    summary: 'run everything for a moment, and bring one image onto a pool',
    example: 'demo --url https://example.org/ubuntu.qcow2',
    options: [
      new Option('--url <url>', 'the image; without it, one that is made on the spot'),
      new Option('--checksum <checksum>', '{SHA-256}hex of it'),
      new Option('--format <format>', 'QCOW2, RAW or ISO'),
      new Option('--json', 'end with one line of JSON on stdout'),
    ],
    run: async (settings, { url, checksum, format, json }) => {
      const options = { ...texts({ url, checksum, format }), json: json === true };
      await (await import('./dev/demo.ts')).run(settings, options);
    },
  });
  define(noun(program, 'host', '').command('run'), {
    process: 'host',
    summary: 'run the host worker of this machine',
    example: 'host run --zone amsterdam --cluster rack-1 --pools local=Filesystem:HOST:/var/lib/images',
    run: async (settings) => (await import('./host.ts')).run(settings),
  });
  define(noun(program, 'control', 'the control worker: decides, and keeps the records').command('run'), {
    process: 'control',
    summary: 'run a control worker',
    example: 'control run --database-url postgres://bypass@db.example.org/bypass',
    run: async (settings) => (await import('./control.ts')).run(settings),
  });
  // `bypass api COMMAND` calls the api; the API has no command of the name `run`.
  const api = noun(program, 'api', '').usage('[options] <command> [parameters...]');
  define(api.command('run'), {
    process: 'api',
    summary: 'run the api',
    example: 'api run --address 0.0.0.0 --port 8080',
    run: async (settings) => (await import('./api.ts')).run(settings),
  });
  define(noun(program, 'admin', 'administrators, made where the database is').command('create'), {
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
  define(noun(program, 'secrets', 'the master key, changed where the database is').command('rotate'), {
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

function define(command: Command, definition: ProcessCommand): void {
  const { process: processName, summary, example, options = [], run } = definition;
  const names = (Object.keys(SETTINGS) as SettingName[]).filter((name) =>
    SETTINGS[name].processes.includes(processName),
  );
  const flags = new Map(names.map((name) => [name, flagOf(name)]));
  command
    .summary(summary)
    .description(sentence(summary))
    .addHelpText('after', `\nExample:\n  $ bypass ${example}`);
  for (const option of [...options, ...flags.values()]) command.addOption(option);
  command.action(async (values: Values) => {
    // A process outlives whoever reads along.
    process.stdout.off('error', endQuietly).on('error', () => undefined);
    const given = [...flags].map(([name, flag]) => [name, values[flag.attributeName()]] as const);
    await run(readSettings(texts(Object.fromEntries(given)), process.env), values);
  });
}

/** A setting as a flag; its default stays with the setting, since the environment goes before it. */
function flagOf(name: SettingName): Option {
  const { flag, variable, fallback, meaning } = SETTINGS[name];
  const standard = fallback === '' ? '' : `, default ${fallback}`;
  return new Option(`${flag} <value>`, `${meaning} (${variable}${standard})`);
}

const texts = (values: Values): Given & Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );

/** One line; how it came about is for those who ask for it. */
function report(error: unknown): void {
  const level = readSettings({}, process.env).text('logLevel');
  const known = error instanceof Error ? error : new Error(String(error));
  const verbose = level === 'debug' || level === 'trace';
  const text = verbose ? (known.stack ?? known.message) : oneLine(known.message || known.name);
  process.stderr.write(`bypass: ${text}\n`);
}

/** `bypass … | head` closes the pipe early: nobody reads on, and that is no error. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit();
  process.stderr.write(`bypass: the output cannot be written (${error.message})\n`);
  process.exit(1);
}

async function main(): Promise<void> {
  const cli = cliOf(process);
  const program = createProgram(cli).version(bypassVersion(), '-V, --version', 'print the version');
  processCommands(program);
  try {
    process.exitCode = await runProgram(program, process.argv.slice(2), cli);
  } catch (error) {
    report(error instanceof SettingError ? new UsageError(error.message) : error);
    // Temporal's native part, once loaded, keeps alive a process that never came to connect.
    process.exit(error instanceof SettingError ? 2 : 1);
  }
}

process.stdout.on('error', endQuietly);
await main();
