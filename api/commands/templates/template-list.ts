/** What listTemplates and listIsos share. */
import { TEMPLATE_COLUMNS, type TemplateFilter } from '../../../db/templates/listing.ts';
import { findPool } from '../../../db/pools/listing.ts';
import { findZone } from '../../../db/zones/zones.ts';
import { matchesNothing, fixedFilter } from '../../fields/fixed-filters.ts';
import type { CommandContext } from '../../server/command.ts';
import { categoryNamed, checkEntity, isIso, templateNamed } from '../../fields/entities.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError, badParameter } from '../../server/errors.ts';
import { ownerNamed, ownerParameters } from '../../fields/owners.ts';
import { orderParameters, pagingParameters, readOrder, readPage } from '../../fields/paging.ts';
import { choice, flag, id, isUuid, list, map, text, type ParameterValues } from '../../fields/parameters.ts';
import { type Answer, answerList } from '../../fields/response.ts';
import { DEPLOYMENT_STATES } from '../../fields/answers/deployment.ts';
import { readTemplates, TEMPLATE } from '../../fields/answers/template.ts';

/** The parameters that both commands have. @param what `template` or `ISO` */
export const imageListParameters = (what: string) => ({
  id: id('this one'),
  ids: list('these'),
  name: text('those of this name'),
  zoneid: id('those in this zone'),
  storageid: id('those that lie on this storage pool'),
  arch: choice('those for this processor architecture', ['x86_64', 'aarch64']),
  oscategoryid: id('those whose guest operating system is of this category'),
  hypervisor: fixedFilter('hypervisor', 'KVM'),
  details: list('all: also details and mirrors'),
  isready: flag('true: those that can be deployed'),
  deploymentstate: choice('those with a deployment in this state', DEPLOYMENT_STATES),
  showremoved: flag('also those that were removed'),
  showunique: flag(`one entry per ${what} instead of one per zone`),
  tags: map('those with all of these tags, as tags[0].key and tags[0].value'),
  ...ownerParameters,
  ...orderParameters(TEMPLATE_COLUMNS),
  ...pagingParameters,
});

export interface TemplateListValues extends ParameterValues<ReturnType<typeof imageListParameters>> {
  readonly iso: boolean;
  readonly filter: TemplateFilter;
  readonly templatetype?: string | undefined;
  readonly format?: 'QCOW2' | 'RAW' | undefined;
  readonly bootable?: boolean | undefined;
  readonly ispublic?: boolean | undefined;
}

export async function answerTemplates(context: CommandContext, values: TemplateListValues): Promise<Answer> {
  const { db, caller } = context;
  const page = readPage(values);
  if (values.filter === 'all' && caller.role !== 'admin') {
    throw new ApiError(
      apiCodes.permission,
      'The filter all is for administrators only; self and executable are for everybody.',
    );
  }
  const ids = await readIds(context, values);
  await checkEntity(context, 'zoneid', values.zoneid, (uuid) => findZone(db, uuid));
  await checkEntity(context, 'storageid', values.storageid, (uuid) => findPool(db, uuid));
  const category = await categoryNamed(context, 'oscategoryid', values.oscategoryid);
  const ownerId = await ownerNamed(context, values);
  if (ids?.length === 0 || matchesNothing([values.hypervisor, 'KVM'], [values.templatetype, 'USER']))
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
      order: readOrder(values),
    },
    page,
    { details: ids !== undefined || (values.details?.includes('all') ?? false) },
  );
  return answerList(values.iso ? 'iso' : 'template', TEMPLATE, listing, caller);
}

/** In `ids`, unknown ids match nothing. A single `id` that nothing has is refused, as clients expect. */
async function readIds(
  context: CommandContext,
  { id: given, ids, iso }: TemplateListValues,
): Promise<readonly string[] | undefined> {
  if (given !== undefined && ids !== undefined)
    throw badParameter('id', 'and ids exclude each other; give one of them.');
  if (ids !== undefined) return ids.filter(isUuid).map((one) => one.toLowerCase());
  if (given === undefined) return undefined;
  const template = await templateNamed(context, 'id', given);
  return isIso(template) === iso ? [template.uuid] : [];
}
