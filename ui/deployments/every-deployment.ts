/** All deployments that a filter lets through, page after page. */
import { call, type Values } from '../api/client.ts';
import type { Deployment } from '../api/shapes.ts';

/** The api gives no more at a time. */
const PAGE = 500;
/** Nobody chooses more by hand. */
const MOST_PAGES = 20;

export async function everyDeployment(filter: Values): Promise<readonly Deployment[]> {
  const found: Deployment[] = [];
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const answer = await call<{
      readonly count?: number;
      readonly templatedeployment?: readonly Deployment[];
    }>('listTemplateDeployments', { ...filter, page, pagesize: PAGE });
    found.push(...(answer.templatedeployment ?? []));
    if (found.length >= (answer.count ?? 0)) break;
  }
  return found;
}
