/** Shared by createTags and deleteTags. Both finish at once but answer a job, as CloudStack's do. */
import type { TaggedKind, TaggedType } from '../../../db/tags/tags.ts';
import type { CommandContext } from '../../server/command.ts';
import { ownTemplate, type Template } from '../../fields/entities.ts';
import { badParameter } from '../../server/errors.ts';
import { instantJob } from '../../server/instant-job.ts';
import type { Network } from '../../../db/networks/networks.ts';
import { ownNetwork } from '../networks/networks.ts';
import { type Machine, machineNamed } from '../vms/machines.ts';
import type { MapEntry } from '../../fields/parameters.ts';

const MAX_RESOURCES = 100;
const MAX_VALUE_LENGTH = 255;

/** What has, or gets, tags. */
export interface TaggedResources {
  readonly kind: TaggedKind;
  readonly type: TaggedType;
  readonly ids: readonly number[];
  /** UUID of the first. */
  readonly first: string;
}

/** @throws ApiError when the caller may not change one of them, and for none and for too many */
export async function taggedResources(
  context: CommandContext,
  given: readonly string[],
  type: TaggedType,
): Promise<TaggedResources> {
  if (given.length > MAX_RESOURCES) {
    throw badParameter('resourceids', `names ${given.length} resources; give at most ${MAX_RESOURCES}.`);
  }
  const found: (Template | Machine | Network)[] = [];
  for (const id of given) found.push(await resourceNamed(context, id, type));
  const [first] = found;
  if (first === undefined)
    throw badParameter(
      'resourceids',
      'is empty: give the id of a template, an ISO, a virtual machine or a network.',
    );
  return {
    kind: KINDS[type],
    type,
    ids: found.map(({ id }) => id),
    first: first.uuid,
  };
}

const KINDS = {
  Template: 'template',
  ISO: 'template',
  UserVm: 'vm',
  Network: 'network',
} as const satisfies Record<TaggedType, TaggedKind>;

function resourceNamed(
  context: CommandContext,
  id: string,
  type: TaggedType,
): Promise<Template | Machine | Network> {
  if (type === 'UserVm') return machineNamed(context, 'resourceids', id);
  if (type === 'Network') return ownNetwork(context, 'resourceids', id);
  return ownTemplate(context, id, type === 'ISO' ? 'ISO' : 'template');
}

export function checkTags(tags: readonly MapEntry[]): void {
  const keys = new Set<string>();
  for (const { key, value } of tags) {
    if (keys.has(key)) throw badParameter('tags', `has the key '${key}' twice.`);
    keys.add(key);
    if (value.length > MAX_VALUE_LENGTH) {
      throw badParameter(
        'tags',
        `has a value of ${value.length} characters; give at most ${MAX_VALUE_LENGTH}.`,
      );
    }
  }
}

const MAX_WORD_LENGTH = 64;

/** Hosts and storage pools have tags without values. @throws ApiError 431 when one is too long */
export function checkTagLengths(parameter: string, tags: readonly string[]): void {
  if (tags.some((tag) => tag.length > MAX_WORD_LENGTH))
    throw badParameter(parameter, `has a tag of more than ${MAX_WORD_LENGTH} characters.`);
}

const JOB_RESOURCE = {
  Template: 'Template',
  ISO: 'Iso',
  UserVm: 'VirtualMachine',
  Network: 'Network',
} as const;

/** Records a job that is done. @returns its id */
export const jobDone = (context: CommandContext, { first, type }: TaggedResources): Promise<string> =>
  instantJob(context, { type: JOB_RESOURCE[type], uuid: first }, { success: true });
