/** Pages of lists: `page` and `pagesize` together, or the first 500. */
import type { Page } from '../db/listings/page.ts';
import { badParameter } from './errors.ts';
import { integer, text } from './parameters.ts';

export const MAX_PAGE_SIZE = 500;
const MAX_PAGE = 1_000_000;

/** The parameters of every list. */
export const pagingParameters = {
  keyword: text('part of a name, in any case'),
  page: integer('which page, from 1; together with pagesize', { min: 1, max: MAX_PAGE }),
  pagesize: integer(`how many entries a page has; together with page`, { min: 1, max: MAX_PAGE_SIZE }),
};

export function readPage({
  page,
  pagesize,
}: {
  readonly page: number | undefined;
  readonly pagesize: number | undefined;
}): Page {
  if (page === undefined && pagesize === undefined) return { limit: MAX_PAGE_SIZE, offset: 0 };
  if (page === undefined) throw badParameter('page', 'is missing: page and pagesize are given together.');
  if (pagesize === undefined)
    throw badParameter('pagesize', 'is missing: page and pagesize are given together.');
  return { limit: pagesize, offset: (page - 1) * pagesize };
}
