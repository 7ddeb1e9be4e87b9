/** What createTags and deleteTags share: they are done at once, and answer a job as CloudStack's do. */
import type { CommandContext } from './command.ts';
import { ownTemplate, type Template } from './entities.ts';
import { badParameter } from './errors.ts';
import { instantJob } from './instant-job.ts';
import type { MapEntry } from './parameters.ts';

/** CloudStack's names of the types, in any case. */
export const TAGGED = ['Template', 'ISO'] as const;
export type TaggedType = (typeof TAGGED)[number];

const MAX_RESOURCES = 100;
const MAX_VALUE_LENGTH = 255;

/** All of them, or a refusal. */
export async function taggedTemplates(
  context: CommandContext,
  ids: readonly string[],
  type: TaggedType,
): Promise<readonly Template[]> {
  if (ids.length > MAX_RESOURCES) {
    throw badParameter('resourceids', `names ${ids.length} resources; at most ${MAX_RESOURCES} are taken.`);
  }
  const templates: Template[] = [];
  for (const id of ids) templates.push(await ownTemplate(context, id, type === 'ISO'));
  return templates;
}

export function checkTags(tags: readonly MapEntry[]): void {
  const keys = new Set<string>();
  for (const { key, value } of tags) {
    if (keys.has(key)) throw badParameter('tags', `has the key '${key}' twice.`);
    keys.add(key);
    if (value.length > MAX_VALUE_LENGTH) {
      throw badParameter(
        'tags',
        `has a value of ${value.length} characters; at most ${MAX_VALUE_LENGTH} are taken.`,
      );
    }
  }
}

/** @returns the id of a job that is done */
export const jobDone = (context: CommandContext, { uuid }: Template, type: TaggedType): Promise<string> =>
  instantJob(context, { type: type === 'ISO' ? 'Iso' : 'Template', uuid }, { success: true });
