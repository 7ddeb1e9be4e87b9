/** Pages of lists: `page` and `pagesize` together, or the first 500. */
import type { Order, Page } from '../../db/page.ts';
import { badParameter } from '../server/errors.ts';
import { choice, integer, text } from './parameters.ts';

export const MAX_PAGE_SIZE = 500;
const MAX_PAGE = 1_000_000;
/** As `pagesize`: the largest page. */
const LARGEST = -1;

/** The parameters of every list. */
export const pagingParameters = {
  keyword: text('part of a name, in any case'),
  page: integer('which page, from 1; together with pagesize', { min: 1, max: MAX_PAGE }),
  pagesize: integer(`how many entries a page has; together with page. -1: the first ${MAX_PAGE_SIZE}`, {
    min: LARGEST,
    max: MAX_PAGE_SIZE,
  }),
};

/** The parameters of lists that can be ordered. */
export const orderParameters = <const By extends readonly string[]>(columns: By) => ({
  orderby: choice(`what to order by: ${columns.join(', ')}`, columns),
  order: choice('asc or desc; asc when absent', ['asc', 'desc']),
});

export const readOrder = <By extends string>({
  orderby,
  order,
}: {
  readonly orderby: By | undefined;
  readonly order: 'asc' | 'desc' | undefined;
}): Order<By> | undefined => (orderby === undefined ? undefined : { by: orderby, direction: order ?? 'asc' });

export function readPage({
  page,
  pagesize,
}: {
  readonly page: number | undefined;
  readonly pagesize: number | undefined;
}): Page {
  if (pagesize === 0)
    throw badParameter('pagesize', `is 0; give 1 to ${MAX_PAGE_SIZE}, or -1 for as many as come at once.`);
  if (pagesize === LARGEST || (page === undefined && pagesize === undefined))
    return { limit: MAX_PAGE_SIZE, offset: 0 };
  if (page === undefined) throw badParameter('page', 'is missing: page and pagesize are given together.');
  if (pagesize === undefined)
    throw badParameter('pagesize', 'is missing: page and pagesize are given together.');
  return { limit: pagesize, offset: (page - 1) * pagesize };
}
