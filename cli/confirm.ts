/** Asks before an action that cannot be undone. Only at a terminal: nobody could answer in a script. */
import { Option } from 'commander';
import type { Session } from './command.ts';
import { CliError } from './errors.ts';

export interface YesOption {
  readonly yes?: true | undefined;
}

export const yesOption = (): Option => new Option('-y, --yes', 'do not ask first');

/**
 * @param question ends with a question mark
 * @throws CliError when the answer is not yes; the caller must not have done anything before
 */
export async function confirm(
  { cli }: Pick<Session, 'cli'>,
  question: string,
  { yes }: YesOption,
): Promise<void> {
  if (yes === true || cli.ask === undefined) return;
  const answer = await cli.ask(`${question} [y/N] `);
  if (/^y(?:es)?$/i.test(answer.trim())) return;
  throw new CliError('nothing was done; --yes does it without a question');
}
