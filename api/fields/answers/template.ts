/** A template or ISO as the API shows it. */
import type { User } from '../../../db/accounts/accounts.ts';
import type { Queryable } from '../../../db/database.ts';
import {
  detailSizes,
  detailsOfTemplates,
  listTemplates,
  mirrorsOfTemplates,
  poolsOfTemplates,
  type TemplateListRow,
  type TemplatePool,
  type TemplateQuery,
} from '../../../db/templates/listing.ts';
import type { Tag } from '../../../db/tags/tags.ts';
import type { Listing, Page } from '../../../db/page.ts';
import type { Row } from '../../../db/tables.ts';
import { TEMPLATE_FORMATS } from '../../../model/states.ts';
import { parseChecksum } from '../../../model/checksum.ts';
import { templateWorkflowId } from '../../../model/names.ts';
import { IN_DOMAIN } from './domain.ts';
import { badParameter } from '../../server/errors.ts';
import { groupBy } from '../group-by.ts';
import { inspection } from './inspection.ts';
import {
  boolean,
  date,
  forAdmins,
  integer,
  listOf,
  long,
  oneOf,
  optional,
  type Shape,
  string,
} from '../response.ts';

export interface TemplateView extends TemplateListRow {
  /** The pools in the zone of this entry, or in all zones when one entry stands for all zones. */
  readonly pools: readonly TemplatePool[];
  /** Absent unless the caller asked for details. */
  readonly details?: readonly Row<'vm_template_details'>[];
  readonly mirrors?: readonly Row<'template_mirror'>[];
}

/** The status while a slow source is still being checked after the registering call has returned. */
const BEING_CHECKED = 'The URL is being checked';
/** The status that CloudStack gives to a template that is on no secondary storage. */
const BYPASSED = 'Bypassed Secondary Storage';

/** The unpacked size of a compressed raw disk is unknown (0) until a host has unpacked it once. */
const sizeOf = ({ virtual_size, size, compression }: TemplateView): number =>
  compression === null ? virtual_size || size : virtual_size;

/** As CloudStack means it: the template is registered, even if no pool has it. */
const isReady = ({ state }: TemplateView): boolean => state === 'Active';

const isOwners = ({ account_id }: TemplateView, caller: User): boolean =>
  caller.role === 'admin' || caller.accountId === account_id;

function statusOf(view: TemplateView): string | undefined {
  if (view.state === 'NotUploaded') return BEING_CHECKED;
  return view.state === 'Active' && view.download_state === 'BYPASSED' ? BYPASSED : undefined;
}

export const POOL_OF_TEMPLATE: Shape<TemplatePool> = {
  datastore: string('the name of the pool', ({ poolName }) => poolName),
  downloadPercent: string('how much of it is there, in percent', ({ percent }) => String(percent)),
  downloadState: string('the state of the download', ({ downloadState }) => downloadState),
  datastoreId: forAdmins(string('the id of the pool', ({ poolId }) => poolId)),
  datastoreRole: forAdmins(string('the role of the pool', () => 'Primary')),
};

export const MIRROR: Shape<Row<'template_mirror'>> = {
  url: string('the URL, without credentials and query', ({ url }) => url),
  priority: integer('its place in the order; 1 is first', ({ priority }) => priority),
  location: optional.string('the country that a metalink names', ({ location }) => location),
  size: long('bytes of the file; 0 where it is not known', ({ size }) => size),
  ranges: boolean('whether parts of the file can be asked for', ({ ranges }) => ranges),
  reachable: boolean('whether the file can be had there', ({ reachable }) => reachable),
  reason: optional.string('why not', ({ reason }) => reason),
  inspection: inspection(
    'what was found there',
    ({ evidence }) => evidence,
    ({ reachable }) => (reachable ? 'accepted' : 'refused'),
  ),
};

export const TAG: Shape<Pick<Tag, 'key' | 'value'> & { readonly template: string }> = {
  key: string('the key', ({ key }) => key),
  value: string('the value', ({ value }) => value),
  resourceid: string('the id of the template or ISO', ({ template }) => template),
};

export const TEMPLATE: Shape<TemplateView> = {
  id: string('the id', ({ uuid }) => uuid),
  name: string('the name', ({ name }) => name),
  displaytext: string('the description', ({ display_text }) => display_text),
  ispublic: boolean('whether every account may use it', (view) => view.public),
  created: date('when it was registered', ({ created }) => created),
  removed: optional.date('when it was removed', ({ removed }) => removed),
  isready: boolean('whether it can be deployed', isReady),
  passwordenabled: boolean('whether passwords can be reset', ({ enable_password }) => enable_password),
  format: oneOf(TEMPLATE_FORMATS, 'the format: QCOW2, RAW or ISO', ({ format }) => format),
  isfeatured: boolean('whether it is featured', ({ featured }) => featured),
  crossZones: boolean('whether it is in all zones', ({ cross_zones }) => cross_zones),
  ostypeid: optional.string('the id of the guest operating system', ({ os_uuid }) => os_uuid),
  ostypename: optional.string('the name of the guest operating system', ({ os_name }) => os_name),
  account: string('the account that owns it', ({ account_name }) => account_name),
  accountid: string('the id of that account', ({ account_uuid }) => account_uuid),
  ...IN_DOMAIN,
  zoneid: optional.string('the id of the zone of this entry', ({ zone_uuid }) => zone_uuid),
  zonename: optional.string('the name of the zone of this entry', ({ zone_name }) => zone_name),
  status: optional.string('where it lies; for its owner', (view, caller) =>
    isOwners(view, caller) ? statusOf(view) : undefined,
  ),
  size: optional.long(
    'bytes that a VM sees; absent while a packed image does not tell',
    (view) => sizeOf(view) || undefined,
  ),
  physicalsize: optional.long('bytes of the file at its source', ({ size }) => size || undefined),
  templatetype: string('the type', () => 'USER'),
  hypervisor: string('the hypervisor', ({ hypervisor_type }) => hypervisor_type),
  isextractable: boolean('whether it can be extracted', ({ extractable }) => extractable),
  bootable: boolean('whether a VM can boot from it', ({ bootable }) => bootable),
  checksum: optional.string('the checksum, without its algorithm', ({ checksum }) =>
    checksum === null ? undefined : parseChecksum(checksum).hex,
  ),
  templatetag: optional.string('the tag', ({ template_tag }) => template_tag),
  details: optional.map('details, but for secret ones; where asked for', ({ details }) =>
    details === undefined ? undefined : Object.fromEntries(details.map(({ name, value }) => [name, value])),
  ),
  mirror: optional.listOf(
    MIRROR,
    'the URLs and what a host found there; for its owner, where asked for',
    (view, caller) => (isOwners(view, caller) ? view.mirrors : undefined),
  ),
  downloaddetails: listOf(
    POOL_OF_TEMPLATE,
    'the pools that it is on, or is to be on; of many templates, the first ones: listTemplateDeployments has all',
    ({ pools }) => pools,
  ),
  bits: integer('32 or 64', ({ bits }) => bits),
  sshkeyenabled: boolean('whether SSH keys can be reset', ({ enable_sshkey }) => enable_sshkey),
  isdynamicallyscalable: boolean(
    'whether VMs can be scaled while they run',
    (view) => view.dynamically_scalable,
  ),
  directdownload: boolean(
    'whether KVM hosts download it themselves',
    ({ direct_download }) => direct_download,
  ),
  deployasis: boolean('whether it is deployed as is', () => false),
  requireshvm: boolean('whether it needs hardware virtualisation', ({ hvm }) => hvm),
  url: optional.string(
    'the URL that it was registered with, without credentials and query; for its owner',
    (view, caller) => (isOwners(view, caller) ? view.url : undefined),
  ),
  arch: string('the processor architecture', ({ arch }) => arch),
  tags: listOf(TAG, 'the tags', ({ tags, uuid }) => tags.map((tag) => ({ ...tag, template: uuid }))),
  hasannotations: boolean('whether there are comments', () => false),
  workflowid: string('its workflow in Temporal', ({ uuid }) => templateWorkflowId(uuid)),
};

/** Reads a page of templates with their pools and details; the number of queries does not depend on the number of rows. */
export async function readTemplates(
  db: Queryable,
  query: TemplateQuery,
  page: Page,
  options: { readonly details: boolean },
): Promise<Listing<TemplateView>> {
  const { count, rows } = await listTemplates(db, query, page);
  const ids = [...new Set(rows.map(({ id }) => id))];
  const pools = groupBy(await poolsOfTemplates(db, ids), ({ templateId }) => templateId);
  if (options.details) await requireFewDetails(db, rows);
  const details = options.details
    ? groupBy(await detailsOfTemplates(db, ids), (row) => row.template_id)
    : undefined;
  const mirrors = options.details
    ? groupBy(await mirrorsOfTemplates(db, ids), (row) => row.template_id)
    : undefined;
  return {
    count,
    rows: rows.map((row) => ({
      ...row,
      pools: (pools.get(row.id) ?? []).filter(
        ({ zoneId }) => query.unique === true || row.zone_uuid === null || zoneId === row.zone_uuid,
      ),
      ...(details === undefined ? {} : { details: details.get(row.id) ?? [] }),
      ...(mirrors === undefined ? {} : { mirrors: mirrors.get(row.id) ?? [] }),
    })),
  };
}

/** Bytes of details that one answer may have. */
const MAX_DETAIL_BYTES = 4 * 1_048_576;

/** Refuses an answer with too many details: each entry of a template repeats its details. @throws ApiError 431 */
async function requireFewDetails(db: Queryable, rows: readonly { readonly id: number }[]): Promise<void> {
  const sizes = await detailSizes(db, [...new Set(rows.map(({ id }) => id))]);
  const bytes = rows.reduce((sum, { id }) => sum + (sizes.get(id) ?? 0), 0);
  if (bytes <= MAX_DETAIL_BYTES) return;
  throw badParameter(
    'details',
    `of these ${rows.length} entries have ${bytes} bytes, and an answer at most ${MAX_DETAIL_BYTES}: ask for fewer with page and pagesize, or without details.`,
  );
}

/** One template with its details, as the entry of its first zone. */
export async function readOneTemplate(
  db: Queryable,
  caller: User,
  { uuid, format }: Row<'vm_template'>,
): Promise<readonly TemplateView[]> {
  const query = {
    iso: format === 'ISO',
    accountId: caller.accountId,
    admin: caller.role === 'admin',
    filter: 'self',
    ids: [uuid],
  } as const;
  const { rows } = await readTemplates(db, query, { limit: 1, offset: 0 }, { details: true });
  return rows;
}
