import { ADMINS, defineCommand } from '../../server/command.ts';
import { flag, id, list, required } from '../../fields/parameters.ts';
import { changeStoragePool } from './change-storage-pool.ts';
import { answerOne } from '../../fields/response.ts';
import { STORAGE_POOL } from '../../fields/answers/host.ts';
import { checkTagLengths } from '../tags/tags.ts';

export const updateStoragePool = defineCommand({
  name: 'updateStoragePool',
  description: 'Changes the tags of a storage pool, or takes it out of use.',
  roles: ADMINS,
  parameters: {
    id: required(id('the storage pool')),
    tags: list('replaces its tags'),
    enabled: flag('false: nothing new is deployed to it, until true'),
  },
  object: 'storagepool',
  response: STORAGE_POOL,
  async run(context, values) {
    const { tags, enabled } = values;
    if (tags !== undefined) checkTagLengths('tags', tags);
    const pool = await changeStoragePool(
      context,
      values.id,
      {
        tags,
        ...(enabled === undefined ? {} : { state: enabled ? 'Up' : 'Disabled' }),
      },
      { type: 'STORAGE.POOL.UPDATE', what: (name) => describe(name, tags, enabled) },
    );
    return answerOne('storagepool', STORAGE_POOL, [pool], context.caller);
  },
});

function describe(name: string, tags: readonly string[] | undefined, enabled: boolean | undefined): string {
  const changes = [
    ...(tags === undefined ? [] : [tags.length === 0 ? 'has no tags' : `is tagged ${tags.join(',')}`]),
    ...(enabled === undefined ? [] : [`is ${enabled ? 'enabled' : 'disabled'}`]),
  ];
  return `Storage pool '${name}' ${changes.join(' and ') || 'stays as it is'}`;
}
