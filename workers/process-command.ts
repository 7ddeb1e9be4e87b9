/** Defines commands that run a process of Bypass and take the settings of the process as flags. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { sentence } from '../cli/command.ts';
import { exposedSecrets, readSettings } from './settings.ts';
import type { Flags, Settings } from './settings.ts';
import { SETTINGS } from './settings-table.ts';
import type { ProcessName, SettingName } from './settings-table.ts';

type OptionValues = Readonly<Record<string, string | boolean | undefined>>;
type Run = (settings: Settings, values: OptionValues) => Promise<void>;

export interface ProcessCommand {
  /** The command takes the settings of this process as flags. */
  readonly process: ProcessName;
  readonly summary: string;
  readonly example: string;
  readonly options?: readonly Option[];
  /** Loads the module of the process only now, so that client commands start fast. */
  readonly run: Run;
}

export function defineProcess(command: Command, definition: ProcessCommand): void {
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
  command.action(async (values: OptionValues) => {
    // A process must go on when the reader of its output has ended.
    process.stdout.off('error', endQuietly).on('error', () => undefined);
    const given = [...flags].map(([name, flag]) => [name, values[flag.attributeName()]] as const);
    const fromFlags = texts(Object.fromEntries(given));
    for (const exposed of exposedSecrets(fromFlags)) process.stderr.write(`bypass: ${exposed}\n`);
    await run(readSettings(fromFlags, process.env), values);
  });
}

/** The flag of a setting. It has no default of commander's, which would override the environment. */
function flagOf(name: SettingName): Option {
  const { flag, variable, fallback, meaning } = SETTINGS[name];
  const standard = fallback === '' ? '' : `, default ${fallback}`;
  return new Option(`${flag} <value>`, `${meaning} (${variable}${standard})`);
}

/** Keeps only the values that are strings. */
export const texts = (values: OptionValues): Flags & Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );

/** `bypass … | head` closes the pipe early, which is no error. */
export function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit();
  process.stderr.write(`bypass: the output cannot be written (${error.message})\n`);
  process.exit(1);
}
