/** Loads all deployments that match a filter, page by page. */
import { call, type Values } from '../api/client.ts';
import type { Deployment } from '../../model/api-answers.ts';

/** Limit of the api. */
const PAGE = 500;
/** Maximum number of pages, since nobody selects more deployments by hand. */
const MAX_PAGES = 20;

export async function everyDeployment(filter: Values): Promise<readonly Deployment[]> {
  const found: Deployment[] = [];
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const answer = await call<{
      readonly count?: number;
      readonly templatedeployment?: readonly Deployment[];
    }>('listTemplateDeployments', { ...filter, page, pagesize: PAGE });
    found.push(...(answer.templatedeployment ?? []));
    if (found.length >= (answer.count ?? 0)) break;
  }
  return found;
}
