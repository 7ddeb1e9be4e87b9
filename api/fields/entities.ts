/** Finds the entity whose id a parameter has, or refuses the parameter in the words that clients know. */
import { findNetwork, type Network } from '../../db/networks/networks.ts';
import { findPool, type DeployablePool } from '../../db/pools/listing.ts';
import { findTemplate } from '../../db/templates/listing.ts';
import { listOsCategories } from '../../db/zones/listing.ts';
import { isSharedWith } from '../../db/templates/sharing.ts';
import type { Row } from '../../db/tables.ts';
import { allClusters, findCluster, findZone, type Place } from '../../db/zones/zones.ts';
import { titleOf } from '../../model/title.ts';
import type { CommandContext } from '../server/command.ts';
import { apiCodes } from '../../model/api-codes.ts';
import { ApiError, forbiddenParameter, noSuchEntity } from '../server/errors.ts';
import { isUuid } from './parameters.ts';
import { categoryId, podId } from './answers/places.ts';

export type Template = Row<'vm_template'>;

/**
 * Finds the entity whose id a parameter has.
 * @throws ApiError 431 when no entity has this id, or the text is no UUID
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

/** For filters of lists. @throws ApiError 431, which clients expect for an id that nothing has */
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

export const clusterNamed = (context: CommandContext, parameter: string, id: string): Promise<Place> =>
  entity(context, parameter, id, (uuid) => findCluster(context.db, uuid));

/** A network that the caller sees: those of others are answered as if they did not exist, but for those for everybody. */
export const networkNamed = (context: CommandContext, parameter: string, id: string): Promise<Network> =>
  entity(context, parameter, id, async (uuid) => {
    const { role, accountId } = context.caller;
    const network = await findNetwork(context.db, uuid);
    const isSeen = role === 'admin' || network?.account_id === accountId || network?.acl_type === 'Domain';
    return isSeen ? network : undefined;
  });

/** The one cluster of a pod. */
const clusterOfPod = (context: CommandContext, parameter: string, id: string): Promise<Place> =>
  entity(context, parameter, id, async (uuid) =>
    (await allClusters(context.db)).find((cluster) => podId(cluster.uuid) === uuid),
  );

/** The UUIDs of the clusters that the parameters of a list name, directly or by their pod. An entry must match all of them. */
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

/** Whether the caller may see the template. A private template of another account is answered as if it did not exist. */
async function mayKnow(context: CommandContext, template: Template): Promise<boolean> {
  const { caller, db } = context;
  if (isOwn(context, template)) return true;
  if (template.state === 'NotUploaded') return false;
  if (caller.role === 'admin') return true;
  if (template.removed !== null) return false;
  return template.public || isSharedWith(db, template.id, caller.accountId);
}

/** A template or ISO, even one that is being checked or deleted. */
export const templateNamed = (context: CommandContext, parameter: string, id: string): Promise<Template> =>
  entity(context, parameter, id, async (uuid) => {
    const template = await findTemplate(context.db, uuid);
    return template !== undefined && (await mayKnow(context, template)) ? template : undefined;
  });

/** @throws ApiError 531 for a template of another account, unless the caller is an administrator */
export function requireOwner(context: CommandContext, template: Template): void {
  if (context.caller.role === 'admin' || isOwn(context, template)) return;
  throw new ApiError(
    apiCodes.permission,
    `${titleOf(template)} belongs to another account; only its owner and administrators may change it.`,
  );
}

/**
 * A template, or with `iso` an ISO, that exists and that the caller may change.
 * @throws ApiError 431 when there is none, 531 when it belongs to another account
 */
export async function ownTemplate(context: CommandContext, id: string, image: ImageKind): Promise<Template> {
  const template = await templateNamed(context, 'id', id);
  if (isIso(template) !== (image === 'ISO') || template.removed !== null || template.state === 'Inactive') {
    throw noSuchEntity(context.command, 'id', id);
  }
  requireOwner(context, template);
  return template;
}

/** What people call it. */
export type ImageKind = 'template' | 'ISO';

export const isIso = ({ format }: Template): boolean => format === 'ISO';

/** @throws ApiError 531 when a user who is no administrator wants a template featured */
export function requireMayFeature({ caller }: CommandContext, isfeatured: boolean | undefined): void {
  if (isfeatured !== true || caller.role === 'admin') return;
  throw forbiddenParameter('isfeatured', 'is true, which only administrators may give; leave it out.');
}
