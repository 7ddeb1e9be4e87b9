/**
 * updateTemplatePermissions and updateIsoPermissions, listTemplatePermissions and listIsoPermissions: whether an image is for
 * everybody, for some accounts, or for its own account only.
 */
import { recordCallerEvent } from '../../server/caller-event.ts';
import {
  findAccounts,
  share,
  shareNames,
  sharedAccounts,
  unshare,
  unshareAll,
  unshareNames,
} from '../../../db/templates/sharing.ts';
import { NotPossible } from '../../../db/errors.ts';
import { changeTemplate } from '../../../db/templates/changes.ts';
import { eventType, resourceTypeOf } from '../../../model/event-types.ts';
import { titleOf } from '../../../model/title.ts';
import { type Command, type CommandContext, defineCommand, EVERYBODY } from '../../server/command.ts';
import { type ImageKind, ownTemplate, requireMayFeature, type Template } from '../../fields/entities.ts';
import { badParameter } from '../../server/errors.ts';
import { choice, filled, flag, id, isUuid, list, required } from '../../fields/parameters.ts';
import {
  answerOne,
  boolean,
  list as listOf,
  render,
  type Shape,
  string,
  SUCCESS,
} from '../../fields/response.ts';
import { ROOT_DOMAIN } from '../../fields/answers/domain.ts';

const updatePermissions = (name: string, image: ImageKind): Command =>
  defineCommand({
    name,
    description: `Sets who may use the ${image}: everybody, some accounts, or its own account only.`,
    roles: EVERYBODY,
    parameters: {
      id: required(id(`the ${image}`)),
      ispublic: flag('whether every account may use it'),
      isfeatured: flag('whether it is featured; for administrators'),
      isextractable: flag('whether others may learn its URL'),
      op: choice('add or remove the accounts that it is shared with, or reset: with nobody', [
        'add',
        'remove',
        'reset',
      ]),
      accounts: filled(list('names of accounts; with op')),
      accountids: filled(list('ids of accounts; with op')),
    },
    response: SUCCESS,
    async run(context, values) {
      const template = await ownTemplate(context, values.id, image);
      requireMayFeature(context, values.isfeatured);
      await changeAccounts(context, template, values);
      await changeTemplate(context.db, template.id, {
        isPublic: values.ispublic,
        isFeatured: values.isfeatured,
        isExtractable: values.isextractable,
      });
      const text = `who may use ${titleOf(template, 'middle')} was changed`;
      await recordPermissionChange(context, template, text);
      return render(SUCCESS, { text }, context.caller);
    },
  });

export const updateTemplatePermissions = updatePermissions('updateTemplatePermissions', 'template');
export const updateIsoPermissions = updatePermissions('updateIsoPermissions', 'ISO');

interface AccountChange {
  readonly op: 'add' | 'remove' | 'reset' | undefined;
  readonly accounts: readonly string[] | undefined;
  readonly accountids: readonly string[] | undefined;
}

async function changeAccounts(
  context: CommandContext,
  template: Template,
  change: AccountChange,
): Promise<void> {
  const { op, accounts = [], accountids = [] } = change;
  const { db } = context;
  const named = accounts.length + accountids.length > 0;
  if (op === 'reset') {
    if (named) throw badParameter('op', 'is reset, which takes no accounts: it is shared with nobody then.');
    await unshareAll(db, template.id);
    return;
  }
  if (op === undefined) {
    if (named) throw badParameter('op', 'is missing: add or remove, for the accounts that are named.');
    return;
  }
  if (!named) throw badParameter('accounts', `is missing: give the names of the accounts to ${op}.`);
  const { ids, unknown } = await accountsNamed(context, accounts, accountids);
  if (op === 'add') {
    await shareNames(db, template.id, unknown).catch((error: unknown) => {
      throw error instanceof NotPossible
        ? badParameter('accounts', `are too many: ${error.message}.`)
        : error;
    });
    await share(db, template.id, ids);
  } else {
    await unshareNames(db, template.id, accounts);
    await unshare(db, template.id, ids);
  }
}

const NAME_LENGTH = 255;

/**
 * The accounts that a call names. Unknown names are an error for administrators only: a user must not learn which
 * accounts exist, so the share keeps an unknown name as if it were an account.
 */
async function accountsNamed(
  { db, caller }: CommandContext,
  names: readonly string[],
  uuids: readonly string[],
): Promise<{ readonly ids: readonly number[]; readonly unknown: readonly string[] }> {
  if (names.some((name) => name.length > NAME_LENGTH)) {
    throw badParameter('accounts', `has a name of more than ${NAME_LENGTH} characters.`);
  }
  const valid = uuids.filter(isUuid).map((uuid) => uuid.toLowerCase());
  const found = [
    ...(await findAccounts(db, 'account_name', names)),
    ...(await findAccounts(db, 'uuid', valid)),
  ];
  const unknown = names.filter((name) => !found.some((account) => account.name === name));
  const missing = [
    ...(caller.role === 'admin' ? unknown : []),
    ...uuids.filter((uuid) => !found.some((account) => account.uuid === uuid.toLowerCase())),
  ];
  if (missing.length > 0) throw badParameter('accounts', `names no account: ${missing.join(', ')}.`);
  return { ids: found.map((account) => account.id), unknown };
}

interface Permission {
  readonly template: Template;
  readonly accounts: readonly string[];
}

const PERMISSION: Shape<Permission> = {
  id: string('the id of the template or ISO', ({ template }) => template.uuid),
  ispublic: boolean('whether every account may use it', ({ template }) => template.public),
  domainid: string('the id of the domain', () => ROOT_DOMAIN.id),
  account: listOf('the names that it is shared with, as they were given', ({ accounts }) => accounts),
};

const listPermissions = (name: string, image: ImageKind): Command =>
  defineCommand({
    name,
    description: `Answers who may use the ${image}, besides its own account.`,
    roles: EVERYBODY,
    parameters: { id: required(id(`the ${image}`)) },
    object: 'templatepermission',
    response: PERMISSION,
    async run(context, values) {
      const template = await ownTemplate(context, values.id, image);
      const accounts = await sharedAccounts(context.db, template.id);
      return answerOne('templatepermission', PERMISSION, [{ template, accounts }], context.caller);
    },
  });

export const listTemplatePermissions = listPermissions('listTemplatePermissions', 'template');
export const listIsoPermissions = listPermissions('listIsoPermissions', 'ISO');

async function recordPermissionChange(
  { db, caller }: CommandContext,
  template: Template,
  text: string,
): Promise<void> {
  await recordCallerEvent(
    { db, caller },
    {
      type: eventType(template, 'PERMISSIONS.UPDATE'),
      description: text[0]?.toUpperCase() + text.slice(1),
      resourceType: resourceTypeOf(template),
      resourceUuid: template.uuid,
    },
  );
}
