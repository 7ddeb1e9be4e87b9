/** What the parameters of commands name: found, or refused in the words that clients know. */
import { findPool, type DeployablePool } from '../db/listings/pools.ts';
import { findTemplate } from '../db/listings/templates.ts';
import type { Row } from '../db/tables.ts';
import { findZone, type Place } from '../db/zones.ts';
import type { CommandContext } from './command.ts';
import { ApiError, errorCode, noSuchEntity } from './errors.ts';
import { isUuid } from './parameters.ts';

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

const isOwn = ({ caller }: CommandContext, template: Template): boolean =>
  caller.accountId === template.account_id;

/** Whether the caller may know of it: what others keep to themselves does not exist for him. */
function mayKnow(context: CommandContext, template: Template): boolean {
  if (isOwn(context, template)) return true;
  if (template.state === 'NotUploaded') return false;
  return context.caller.role === 'admin' || (template.public && template.removed === null);
}

/** A template or ISO, also one that is being checked or deleted. */
export const templateNamed = (context: CommandContext, parameter: string, id: string): Promise<Template> =>
  entity(context, parameter, id, async (uuid) => {
    const template = await findTemplate(context.db, uuid);
    return template !== undefined && mayKnow(context, template) ? template : undefined;
  });

/** @throws ApiError 531 for what belongs to another account */
export function requireOwner(context: CommandContext, template: Template): void {
  if (context.caller.role === 'admin' || isOwn(context, template)) return;
  throw new ApiError(
    errorCode.permission,
    `${kindOf(template)} '${template.name}' belongs to another account; only its owner and administrators may change it.`,
  );
}

export const isIso = ({ format }: Template): boolean => format === 'ISO';

/** For the beginning of a sentence. */
export const kindOf = (template: Template): 'ISO' | 'Template' => (isIso(template) ? 'ISO' : 'Template');

/** CloudStack's name of the type, in events and jobs. */
export const resourceTypeOf = (iso: boolean): 'ISO' | 'VirtualMachineTemplate' =>
  iso ? 'ISO' : 'VirtualMachineTemplate';
