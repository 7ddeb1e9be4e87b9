/** A template or ISO as the API shows it. */
import type { User } from '../../db/accounts.ts';
import type { Queryable } from '../../db/database.ts';
import {
  detailsOfTemplates,
  listTemplates,
  mirrorsOfTemplates,
  poolsOfTemplates,
  type TemplateListRow,
  type TemplatePool,
  type TemplateQuery,
} from '../../db/listings/templates.ts';
import type { Listing, Page } from '../../db/listings/page.ts';
import type { Row } from '../../db/tables.ts';
import { type Tag, tagsOfTemplates } from '../../db/tags.ts';
import { parseChecksum } from '../../model/checksum.ts';
import { templateWorkflowId } from '../../model/names.ts';
import { IN_DOMAIN } from './domain.ts';
import { groupBy } from '../group-by.ts';
import { inspectionShown } from '../inspection.ts';
import { boolean, date, integer, list, long, map, type Shape, string } from '../response.ts';

export interface TemplateView extends TemplateListRow {
  readonly pools: readonly TemplatePool[];
  readonly tags: readonly Tag[];
  /** Absent unless asked for. */
  readonly details?: readonly Row<'vm_template_details'>[];
  readonly mirrors?: readonly Row<'template_mirror'>[];
}

/** What CloudStack says of a template that lies on no secondary storage. */
const BYPASSED = 'Bypassed Secondary Storage';

/** What a packed disk without a table unpacks to is not known before it was unpacked once. */
const sizeOf = ({ virtual_size, size, compression }: TemplateView): number =>
  compression === null ? virtual_size || size : virtual_size;

/** As CloudStack means it: that it was registered, not that it lies anywhere. */
const isReady = ({ state }: TemplateView): boolean => state === 'Active';

const isOwners = ({ account_id }: TemplateView, caller: User): boolean =>
  caller.role === 'admin' || caller.accountId === account_id;

function statusOf(view: TemplateView): string | undefined {
  if (view.state === 'NotUploaded') return 'Processing';
  return view.state === 'Active' && view.download_state === 'BYPASSED' ? BYPASSED : undefined;
}

const poolsShown = ({ pools, zone_uuid }: TemplateView, caller: User): readonly unknown[] =>
  pools
    .filter(({ zoneId }) => zone_uuid === null || zoneId === zone_uuid)
    .map(({ poolId, poolName, downloadState, percent }) => ({
      datastore: poolName,
      downloadPercent: String(percent),
      downloadState,
      ...(caller.role === 'admin' ? { datastoreId: poolId, datastoreRole: 'Primary' } : {}),
    }));

const mirrorsShown = ({ mirrors }: TemplateView): readonly unknown[] | undefined =>
  mirrors?.map(({ url, priority, location, size, ranges, reachable, reason, evidence }) => ({
    url,
    priority,
    ...(location === null ? {} : { location }),
    size,
    ranges,
    reachable,
    ...(reason === null ? {} : { reason }),
    ...(evidence === null
      ? {}
      : { inspection: inspectionShown(evidence, reachable ? 'accepted' : 'refused') }),
  }));

export const TEMPLATE: Shape<TemplateView> = {
  id: string('the id', ({ uuid }) => uuid),
  name: string('the name', ({ name }) => name),
  displaytext: string('the description', ({ display_text }) => display_text),
  ispublic: boolean('whether every account may use it', (view) => view.public),
  created: date('when it was registered', ({ created }) => created),
  removed: date('when it was removed', ({ removed }) => removed),
  isready: boolean('whether it can be deployed', isReady),
  passwordenabled: boolean('whether passwords can be reset', ({ enable_password }) => enable_password),
  format: string('the format: QCOW2, RAW or ISO', ({ format }) => format),
  isfeatured: boolean('whether it is featured', ({ featured }) => featured),
  crossZones: boolean('whether it is in all zones', ({ cross_zones }) => cross_zones),
  ostypeid: string('the id of the guest operating system', ({ os_uuid }) => os_uuid),
  ostypename: string('the name of the guest operating system', ({ os_name }) => os_name),
  account: string('the account that owns it', ({ account_name }) => account_name),
  accountid: string('the id of that account', ({ account_uuid }) => account_uuid),
  ...IN_DOMAIN,
  zoneid: string('the id of the zone of this entry', ({ zone_uuid }) => zone_uuid),
  zonename: string('the name of the zone of this entry', ({ zone_name }) => zone_name),
  status: string('where it lies; for its owner', (view, caller) =>
    isOwners(view, caller) ? statusOf(view) : undefined,
  ),
  size: long(
    'bytes that a VM sees; absent while a packed image does not tell',
    (view) => sizeOf(view) || undefined,
  ),
  physicalsize: long('bytes of the file at its source', ({ size }) => size || undefined),
  templatetype: string('the type', () => 'USER'),
  hypervisor: string('the hypervisor', ({ hypervisor_type }) => hypervisor_type),
  isextractable: boolean('whether it can be extracted', ({ extractable }) => extractable),
  bootable: boolean('whether a VM can boot from it', ({ bootable }) => bootable),
  checksum: string('the checksum, without its algorithm', ({ checksum }) =>
    checksum === null ? undefined : parseChecksum(checksum).hex,
  ),
  templatetag: string('the tag', ({ template_tag }) => template_tag),
  details: map('details, but for secret ones; where asked for', ({ details }) =>
    details === undefined ? undefined : Object.fromEntries(details.map(({ name, value }) => [name, value])),
  ),
  mirror: list('the URLs and what a host found there; for its owner, where asked for', (view, caller) =>
    isOwners(view, caller) ? mirrorsShown(view) : undefined,
  ),
  downloaddetails: list('the pools that it lies on, or is to lie on', poolsShown),
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
  url: string('the URL that it was registered with, without credentials; for its owner', (view, caller) =>
    isOwners(view, caller) ? view.url : undefined,
  ),
  arch: string('the processor architecture', ({ arch }) => arch),
  tags: list('the tags', ({ tags, uuid }) =>
    tags.map(({ key, value }) => ({ key, value, resourceid: uuid })),
  ),
  hasannotations: boolean('whether there are comments', () => false),
  workflowid: string('its workflow in Temporal', ({ uuid }) => templateWorkflowId(uuid)),
};

/** Reads a page of templates with what belongs to them; the number of queries is the same for any number of rows. */
export async function readTemplates(
  db: Queryable,
  query: TemplateQuery,
  page: Page,
  options: { readonly details: boolean },
): Promise<Listing<TemplateView>> {
  const { count, rows } = await listTemplates(db, query, page);
  const ids = [...new Set(rows.map(({ id }) => id))];
  const pools = groupBy(await poolsOfTemplates(db, ids), ({ templateId }) => templateId);
  const tags = groupBy(await tagsOfTemplates(db, ids), ({ templateId }) => templateId);
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
      pools: pools.get(row.id) ?? [],
      tags: tags.get(row.id) ?? [],
      ...(details === undefined ? {} : { details: details.get(row.id) ?? [] }),
      ...(mirrors === undefined ? {} : { mirrors: mirrors.get(row.id) ?? [] }),
    })),
  };
}

/** One template with its details; of all its zones only the first. */
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
