/** What lists have in common. */

export interface Page {
  readonly limit: number;
  readonly offset: number;
}

export interface Listing<T> {
  /** How many there are on all pages. */
  readonly count: number;
  readonly rows: readonly T[];
}

/** A pattern for ILIKE that matches what contains the text, whatever its characters. */
export const containing = (text: string): string => `%${text.replace(/[\\%_]/g, '\\$&')}%`;
