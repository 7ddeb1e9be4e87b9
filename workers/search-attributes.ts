/** Makes the search attributes of Bypass on a Temporal server. */
import type { Connection } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import { SEARCH_ATTRIBUTES } from '../model/names.ts';

/** The number itself, since @temporalio/proto exports no names that Node can import from an ES module. */
const INDEXED_VALUE_TYPE_KEYWORD: temporal.api.enums.v1.IndexedValueType = 2;
const ALREADY_EXISTS = 6;

export interface ServerNamespace {
  readonly connection: Pick<Connection, 'operatorService'>;
  readonly namespace: string;
}

/** Creates missing search attributes. A server that has them needs not permit their creation. */
export async function createSearchAttributes({ connection, namespace }: ServerNamespace): Promise<void> {
  const { operatorService } = connection;
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  const missing = SEARCH_ATTRIBUTES.filter((name) => customAttributes[name] === undefined);
  if (missing.length === 0) return;
  try {
    await operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, INDEXED_VALUE_TYPE_KEYWORD])),
    });
  } catch (error) {
    if ((error as { readonly code?: number }).code !== ALREADY_EXISTS) throw error;
  }
}
