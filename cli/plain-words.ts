/** What the api says in the words that CloudStack's clients match on, as people say it. */

const PLAIN: readonly (readonly [said: RegExp, plain: string])[] = [
  [
    /^Unable to execute API command \S+ due to invalid value\. Invalid parameter (\S+) value=(.*) due to incorrect long value.*$/,
    'there is nothing that $1=$2 could mean: give the id of one that exists',
  ],
  [/^Unable to execute API command \S+ due to missing parameter (\S+): (.*)$/, 'parameter $1 is missing: $2'],
  [
    /^The given command '(.*)' either does not exist, is not available for user\.$/,
    "there is no command '$1', or not for you: `bypass api listApis` has those that are",
  ],
];

export const inPlainWords = (text: string): string =>
  PLAIN.reduce((told, [said, plain]) => told.replace(said, plain), text);
