/** Filters by a property that has one value for every entry of Bypass, such as the hypervisor. Other clients send them. */
import { text } from './parameters.ts';

/**
 * Whether no entry can match, since a filter names another value than all entries have.
 * @param pairs the value of each filter (undefined when it is not given), and the value that all entries have
 */
export const matchesNothing = (
  ...pairs: readonly (readonly [asked: string | undefined, is: string])[]
): boolean => pairs.some(([asked, is]) => asked !== undefined && asked.toLowerCase() !== is.toLowerCase());

/** The parameter of such a filter. @param what such as `allocation state`  @param is the value of every entry */
export const fixedFilter = (what: string, is: string) => text(`those of this ${what}; all are ${is}`);
