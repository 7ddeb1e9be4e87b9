/** What the parameters of commands name: found, or refused in the words that clients know. */
import { findPool, type DeployablePool } from '../db/listings/pools.ts';
import { findTemplate } from '../db/listings/templates.ts';
import { listOsCategories } from '../db/listings/zones.ts';
import { isSharedWith } from '../db/sharing.ts';
import type { Row } from '../db/tables.ts';
import { allClusters, findCluster, findZone, type Place } from '../db/zones.ts';
import { titleOf } from '../model/title.ts';
import type { CommandContext } from './command.ts';
import { ApiError, errorCode, noSuchEntity } from './errors.ts';
import { isUuid } from './parameters.ts';
import { categoryId, podId } from './responses/places.ts';

export type Template = Row<'vm_template'>;

/**
 * Finds what a parameter names.
 * @throws ApiError 431 when there is no such thing, or it cannot be an id at all
 */
export async function entity<T>(
  { command }: CommandContext,
  parameter: string,
  id: string,
  find: (uuid: string) => Promise<T | undefined>,
): Promise<T> {
  const found = isUuid(id) ? await find(id.toLowerCase()) : undefined;
  if (found === undefined) throw noSuchEntity(command, parameter, id);
  return found;
}

/** For the filters of lists: an id of nothing is refused, as clients expect. */
export async function checkEntity(
  context: CommandContext,
  parameter: string,
  id: string | undefined,
  find: (uuid: string) => Promise<unknown>,
): Promise<void> {
  if (id !== undefined) await entity(context, parameter, id, find);
}

export const zoneNamed = (context: CommandContext, parameter: string, id: string): Promise<Place> =>
  entity(context, parameter, id, (uuid) => findZone(context.db, uuid));

export const poolNamed = (context: CommandContext, parameter: string, id: string): Promise<DeployablePool> =>
  entity(context, parameter, id, (uuid) => findPool(context.db, uuid));

const clusterNamed = (context: CommandContext, parameter: string, id: string): Promise<Place> =>
  entity(context, parameter, id, (uuid) => findCluster(context.db, uuid));

/** The cluster that is alone in this pod. */
const clusterOfPod = (context: CommandContext, parameter: string, id: string): Promise<Place> =>
  entity(context, parameter, id, async (uuid) =>
    (await allClusters(context.db)).find((cluster) => podId(cluster.uuid) === uuid),
  );

/** The UUIDs of the clusters that parameters of a list name: an entry must be in all of them. */
export async function clustersAsked(
  context: CommandContext,
  clusters: Readonly<Record<string, string | undefined>>,
  pods: Readonly<Record<string, string | undefined>>,
): Promise<readonly string[]> {
  const uuids: string[] = [];
  for (const [parameter, id] of Object.entries(clusters))
    if (id !== undefined) uuids.push((await clusterNamed(context, parameter, id)).uuid);
  for (const [parameter, id] of Object.entries(pods))
    if (id !== undefined) uuids.push((await clusterOfPod(context, parameter, id)).uuid);
  return uuids;
}

/** The name of a category of guest operating systems. */
export const categoryNamed = async (
  context: CommandContext,
  parameter: string,
  id: string | undefined,
): Promise<string | undefined> =>
  id === undefined
    ? undefined
    : entity(context, parameter, id, async (uuid) =>
        (await listOsCategories(context.db))
          .map(({ name }) => name)
          .find((name) => categoryId(name) === uuid),
      );

const isOwn = ({ caller }: CommandContext, template: Template): boolean =>
  caller.accountId === template.account_id;

/** Whether the caller may know of it: what others keep to themselves does not exist for him. */
async function mayKnow(context: CommandContext, template: Template): Promise<boolean> {
  const { caller, db } = context;
  if (isOwn(context, template)) return true;
  if (template.state === 'NotUploaded') return false;
  if (caller.role === 'admin') return true;
  if (template.removed !== null) return false;
  return template.public || isSharedWith(db, template.id, caller.accountId);
}

/** A template or ISO, also one that is being checked or deleted. */
export const templateNamed = (context: CommandContext, parameter: string, id: string): Promise<Template> =>
  entity(context, parameter, id, async (uuid) => {
    const template = await findTemplate(context.db, uuid);
    return template !== undefined && (await mayKnow(context, template)) ? template : undefined;
  });

/** @throws ApiError 531 for what belongs to another account */
export function requireOwner(context: CommandContext, template: Template): void {
  if (context.caller.role === 'admin' || isOwn(context, template)) return;
  throw new ApiError(
    errorCode.permission,
    `${titleOf(template)} belongs to another account; only its owner and administrators may change it.`,
  );
}

/**
 * A template, or an ISO, that is there and that the caller may change.
 * @throws ApiError 431 or 531
 */
export async function ownTemplate(context: CommandContext, id: string, iso: boolean): Promise<Template> {
  const template = await templateNamed(context, 'id', id);
  if (isIso(template) !== iso || template.removed !== null || template.state === 'Inactive') {
    throw noSuchEntity(context.command, 'id', id);
  }
  requireOwner(context, template);
  return template;
}

export const isIso = ({ format }: Template): boolean => format === 'ISO';

/** CloudStack's name of the type, in events and jobs. */
export const resourceTypeOf = (iso: boolean): 'ISO' | 'VirtualMachineTemplate' =>
  iso ? 'ISO' : 'VirtualMachineTemplate';

/** @throws ApiError 531 when who is no administrator wants a template featured */
export function requireMayFeature({ caller }: CommandContext, isfeatured: boolean | undefined): void {
  if (isfeatured !== true || caller.role === 'admin') return;
  throw new ApiError(
    errorCode.permission,
    'Parameter isfeatured is true, which only administrators may give; leave it out.',
  );
}
