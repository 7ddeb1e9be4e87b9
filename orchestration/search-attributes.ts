/** The search attributes that a workflow starts with. */
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

/** Attributes of a registration. An attribute holds one value, so ZoneId is set for a template of a single zone only. */
export const registrationAttributes = ({
  templateId,
  zoneIds: [zoneId, ...others],
}: {
  readonly templateId: string;
  readonly zoneIds: readonly string[];
}): TypedSearchAttributes =>
  attributes({
    TemplateId: templateId,
    ...(zoneId === undefined || others.length > 0 ? {} : { ZoneId: zoneId }),
  });

export const copyAttributes = (copy: {
  readonly templateId: string;
  readonly poolId: string;
}): TypedSearchAttributes => attributes({ TemplateId: copy.templateId, PoolId: copy.poolId });

export const hostAttributes = (hostId: string): TypedSearchAttributes => attributes({ HostId: hostId });

export const zoneAttributes = (zoneId: string): TypedSearchAttributes => attributes({ ZoneId: zoneId });
