/** What listTemplates and listIsos share. */
import type { TemplateFilter } from '../db/listings/templates.ts';
import { findPool } from '../db/listings/pools.ts';
import { findZone } from '../db/zones.ts';
import type { CopyState } from '../model/states.ts';
import { asksForOthers } from './constants.ts';
import type { CommandContext } from './command.ts';
import { categoryNamed, checkEntity, isIso, templateNamed } from './entities.ts';
import { ApiError, badParameter, errorCode } from './errors.ts';
import { ownerNamed } from './owners.ts';
import { readPage } from './paging.ts';
import { isUuid, type MapEntry } from './parameters.ts';
import { type Answer, answerList } from './response.ts';
import { readTemplates, TEMPLATE } from './responses/template.ts';

export interface TemplateListValues {
  readonly iso: boolean;
  readonly filter: TemplateFilter;
  readonly id: string | undefined;
  readonly ids: readonly string[] | undefined;
  readonly name: string | undefined;
  readonly zoneid: string | undefined;
  readonly storageid: string | undefined;
  readonly arch: string | undefined;
  readonly oscategoryid: string | undefined;
  readonly account: string | undefined;
  readonly domainid: string | undefined;
  readonly hypervisor: string | undefined;
  readonly templatetype?: string | undefined;
  readonly details: readonly string[] | undefined;
  readonly format?: 'QCOW2' | 'RAW' | undefined;
  readonly isready: boolean | undefined;
  readonly deploymentstate: CopyState | undefined;
  readonly showremoved: boolean | undefined;
  readonly showunique: boolean | undefined;
  readonly bootable?: boolean | undefined;
  readonly ispublic?: boolean | undefined;
  readonly tags: readonly MapEntry[] | undefined;
  readonly keyword: string | undefined;
  readonly page: number | undefined;
  readonly pagesize: number | undefined;
}

export async function answerTemplates(context: CommandContext, values: TemplateListValues): Promise<Answer> {
  const { db, caller } = context;
  const page = readPage(values);
  if (values.filter === 'all' && caller.role !== 'admin') {
    throw new ApiError(
      errorCode.permission,
      'The filter all is for administrators only; self and executable are for everybody.',
    );
  }
  const ids = await readIds(context, values);
  await checkEntity(context, 'zoneid', values.zoneid, (uuid) => findZone(db, uuid));
  await checkEntity(context, 'storageid', values.storageid, (uuid) => findPool(db, uuid));
  const category = await categoryNamed(context, 'oscategoryid', values.oscategoryid);
  const ownerId = await ownerNamed(context, values);
  if (ids?.length === 0 || asksForOthers([values.hypervisor, 'KVM'], [values.templatetype, 'USER']))
    return {};
  const listing = await readTemplates(
    db,
    {
      iso: values.iso,
      accountId: caller.accountId,
      admin: caller.role === 'admin',
      filter: values.filter,
      ids,
      name: values.name,
      zoneId: values.zoneid,
      keyword: values.keyword,
      format: values.format,
      ready: values.isready,
      copyState: values.deploymentstate,
      ownerId,
      arch: values.arch,
      category,
      poolId: values.storageid,
      bootable: values.bootable,
      public: values.ispublic,
      showRemoved: values.showremoved,
      unique: values.showunique,
      tags: values.tags,
    },
    page,
    { details: ids !== undefined || (values.details?.includes('all') ?? false) },
  );
  return answerList(values.iso ? 'iso' : 'template', TEMPLATE, listing, caller);
}

/** Of `ids`, what cannot be an id is nothing's; a single `id` of nothing at all is refused, as clients expect. */
async function readIds(
  context: CommandContext,
  { id, ids, iso }: TemplateListValues,
): Promise<readonly string[] | undefined> {
  if (id !== undefined && ids !== undefined)
    throw badParameter('id', 'and ids exclude each other; give one of them.');
  if (ids !== undefined) return ids.filter(isUuid).map((one) => one.toLowerCase());
  if (id === undefined) return undefined;
  const template = await templateNamed(context, 'id', id);
  return isIso(template) === iso ? [template.uuid] : [];
}
