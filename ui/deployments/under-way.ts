/** The deployments that run or wait now, which several views show beside what they are about. */
import { LIVE, useList } from '../api/queries.ts';
import type { Deployment } from '../api/shapes.ts';

export const useUnderWay = (): readonly Deployment[] =>
  useList<Deployment>(
    'listTemplateDeployments',
    'templatedeployment',
    { state: 'Creating', page: 1, pagesize: 500 },
    { every: LIVE },
  ).data?.rows ?? [];
