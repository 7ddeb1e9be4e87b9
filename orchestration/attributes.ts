/** The search attributes that a workflow begins with. */
import { SearchAttributeType, TypedSearchAttributes, defineSearchAttributeKey } from '@temporalio/common';
import type { SearchAttribute } from '../model/names.ts';

export const attributeKey = (name: SearchAttribute) =>
  defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);

const attributes = (values: Readonly<Partial<Record<SearchAttribute, string>>>): TypedSearchAttributes =>
  new TypedSearchAttributes(
    Object.entries(values).map(([name, value]) => ({ key: attributeKey(name as SearchAttribute), value })),
  );

export const templateAttributes = (templateId: string): TypedSearchAttributes =>
  attributes({ TemplateId: templateId });

export const copyAttributes = (copy: {
  readonly templateId: string;
  readonly poolId: string;
}): TypedSearchAttributes => attributes({ TemplateId: copy.templateId, PoolId: copy.poolId });
