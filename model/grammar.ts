/** Words of sentences for people that depend on their neighbours. */

/** `1 byte`, `2 bytes`. */
export const counted = (count: number | bigint, noun: string): string =>
  `${count} ${BigInt(count) === 1n ? noun : plural(noun)}`;

/** `a`, `a and b`, `a, b and c`. */
export const enumerated = (words: readonly string[]): string =>
  [words.slice(0, -1).join(', '), ...words.slice(-1)].filter((part) => part !== '').join(' and ');

const plural = (noun: string): string =>
  noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : noun.endsWith('x') ? `${noun}es` : `${noun}s`;

/** As it is said: letters of an abbreviation one by one, so `an L1 table` and `an ftp URL`, but `a UDF image`. */
export const withArticle = (noun: string): string => `${SAID_WITH_A_VOWEL.test(noun) ? 'an' : 'a'} ${noun}`;

const SAID_WITH_A_VOWEL = /^(?:[aeio]|u(?!ni|s)|[AEFHILMNORSX](?=[A-Z\d])|ftp|nfs|http|ssh|sftp|xz)/;
