/** A tag as the API shows it beside what it is on, and in lists of tags. */
import type { TagRow } from '../../../db/tags/tags.ts';
import { type Shape, string } from '../response.ts';
import { IN_DOMAIN } from './domain.ts';

export const RESOURCE_TAG: Shape<TagRow> = {
  key: string('the key', ({ key }) => key),
  value: string('the value', ({ value }) => value),
  resourcetype: string('Template, ISO, UserVm or Network', ({ type }) => type),
  resourceid: string('the id of what it is on', (row) => row.resource_uuid),
  account: string('the account that owns it', ({ account_name }) => account_name),
  ...IN_DOMAIN,
};
