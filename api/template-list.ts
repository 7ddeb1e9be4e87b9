/** What listTemplates and listIsos share. */
import type { TemplateFilter } from '../db/listings/templates.ts';
import { findPool } from '../db/listings/pools.ts';
import { findZone } from '../db/zones.ts';
import { asksForOthers, constant } from './constants.ts';
import type { CommandContext } from './command.ts';
import { categoryNamed, checkEntity, isIso, templateNamed } from './entities.ts';
import { ApiError, badParameter, errorCode } from './errors.ts';
import { ownerNamed, ownerParameters } from './owners.ts';
import { pagingParameters, readPage } from './paging.ts';
import { choice, flag, id, isUuid, list, map, text, type Values } from './parameters.ts';
import { type Answer, answerList } from './response.ts';
import { DEPLOYMENT_STATES } from './responses/deployment.ts';
import { readTemplates, TEMPLATE } from './responses/template.ts';

/** The parameters of both. @param what `template` or `ISO` */
export const imageListParameters = (what: string) => ({
  id: id('this one'),
  ids: list('these'),
  name: text('those of this name'),
  zoneid: id('those in this zone'),
  storageid: id('those that lie on this storage pool'),
  arch: choice('those for this processor architecture', ['x86_64', 'aarch64']),
  oscategoryid: id('those whose guest operating system is of this category'),
  hypervisor: constant('hypervisor', 'KVM'),
  details: list('all: also details and mirrors'),
  isready: flag('those that can be deployed, or those that cannot'),
  deploymentstate: choice('those with a deployment in this state', DEPLOYMENT_STATES),
  showremoved: flag('also those that were removed'),
  showunique: flag(`one entry per ${what} instead of one per zone`),
  tags: map('those with all of these tags, as tags[0].key and tags[0].value'),
  ...ownerParameters,
  ...pagingParameters,
});

export interface TemplateListValues extends Values<ReturnType<typeof imageListParameters>> {
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
  { id: given, ids, iso }: TemplateListValues,
): Promise<readonly string[] | undefined> {
  if (given !== undefined && ids !== undefined)
    throw badParameter('id', 'and ids exclude each other; give one of them.');
  if (ids !== undefined) return ids.filter(isUuid).map((one) => one.toLowerCase());
  if (given === undefined) return undefined;
  const template = await templateNamed(context, 'id', given);
  return isIso(template) === iso ? [template.uuid] : [];
}
