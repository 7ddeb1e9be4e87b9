/** Paging, order and search of lists. */

export interface Page {
  readonly limit: number;
  readonly offset: number;
}

export interface Listing<T> {
  /** How many there are on all pages. */
  readonly count: number;
  readonly rows: readonly T[];
}

/** The column that a list is ordered by; rows that are equal in it keep the order of their creation (copies: the reverse order where it is descending). */
export interface Order<By extends string> {
  readonly by: By;
  readonly direction: 'asc' | 'desc';
}

/** A pattern for ILIKE that matches what contains the text, whatever its characters. */
export const containing = (text: string): string => `%${text.replace(/[\\%_]/g, '\\$&')}%`;
