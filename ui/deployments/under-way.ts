/** Deployments that run or wait now, which several views show. */
import { LIVE, type Listing, useList } from '../api/queries.ts';
import type { Deployment } from '../../model/api-answers.ts';

const NONE: Listing<Deployment> = { count: 0, rows: [] };

/** The oldest first. The api limits the rows of an answer, so `count` may be larger. */
export const useUnderWay = (): Listing<Deployment> =>
  useList<Deployment>(
    'listTemplateDeployments',
    'templatedeployment',
    { state: 'Creating', page: 1, pagesize: 500 },
    { every: LIVE },
  ).data ?? NONE;
