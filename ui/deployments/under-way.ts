/** The deployments that run or wait now, which several views show beside what they are about. */
import { LIVE, type Listing, useList } from '../api/queries.ts';
import type { Deployment } from '../api/shapes.ts';

const NONE: Listing<Deployment> = { count: 0, rows: [] };

/** The longest under way first; the api gives no more than these at a time, so `count` may be more. */
export const useUnderWay = (): Listing<Deployment> =>
  useList<Deployment>(
    'listTemplateDeployments',
    'templatedeployment',
    { state: 'Creating', page: 1, pagesize: 500 },
    { every: LIVE },
  ).data ?? NONE;
