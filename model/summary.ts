/** Summaries that Temporal's UI shows beside workflows, activities and timers. */

/** The server takes 400 bytes, and a UTF-16 unit takes three bytes at most. */
const MAX_LENGTH = 133;

export const summaryOf = (text: string): string =>
  text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH - 1)}…`;
