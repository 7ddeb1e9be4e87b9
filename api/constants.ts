/** Filters of lists by what is the same for every entry here. */
import { text } from './parameters.ts';

/** Of each pair, what is asked for, and what every entry is. @returns whether nothing can match */
export const asksForOthers = (
  ...pairs: readonly (readonly [asked: string | undefined, is: string])[]
): boolean => pairs.some(([asked, is]) => asked !== undefined && asked.toLowerCase() !== is.toLowerCase());

/** @param what such as `allocation state` */
export const constant = (what: string, is: string) => text(`those of this ${what}; all are ${is}`);
