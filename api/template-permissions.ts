/** Who may use a template or ISO: everybody, nobody else, or some accounts. */
import { recordEvent } from '../db/events.ts';
import { findAccounts, share, sharedAccounts, unshare, unshareAll } from '../db/sharing.ts';
import { changeTemplate } from '../db/template-changes.ts';
import { titleOf } from '../model/title.ts';
import { type Command, type CommandContext, defineCommand, EVERYBODY } from './command.ts';
import { isIso, ownTemplate, requireMayFeature, resourceTypeOf, type Template } from './entities.ts';
import { badParameter } from './errors.ts';
import { choice, flag, id, isUuid, list, required } from './parameters.ts';
import { answerOne, boolean, list as listOf, render, type Shape, string, SUCCESS } from './response.ts';
import { ROOT_DOMAIN } from './responses/domain.ts';

export const updatePermissionsCommand = (definition: {
  readonly name: 'updateTemplatePermissions' | 'updateIsoPermissions';
  readonly description: string;
  readonly iso: boolean;
}): Command =>
  defineCommand({
    name: definition.name,
    description: definition.description,
    roles: EVERYBODY,
    parameters: {
      id: required(id(definition.iso ? 'the ISO' : 'the template')),
      ispublic: flag('whether every account may use it'),
      isfeatured: flag('whether it is featured; for administrators'),
      isextractable: flag('whether others may learn its URL'),
      op: choice('add or remove the accounts that it is shared with, or reset: with nobody', [
        'add',
        'remove',
        'reset',
      ]),
      accounts: list('names of accounts; with op'),
      accountids: list('ids of accounts; with op'),
    },
    response: SUCCESS,
    async run(context, values) {
      const template = await ownTemplate(context, values.id, definition.iso);
      requireMayFeature(context, values.isfeatured);
      await changeAccounts(context, template, values);
      await changeTemplate(context.db, template.id, {
        isPublic: values.ispublic,
        isFeatured: values.isfeatured,
        isExtractable: values.isextractable,
      });
      const text = `who may use ${titleOf(template, 'middle')} was changed`;
      await told(context, template, text);
      return render(SUCCESS, { text }, context.caller);
    },
  });

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
  const ids = await accountIds(context, accounts, accountids);
  if (op === 'add') await share(db, template.id, ids);
  else await unshare(db, template.id, ids);
}

async function accountIds(
  { db }: CommandContext,
  names: readonly string[],
  uuids: readonly string[],
): Promise<readonly number[]> {
  const valid = uuids.filter(isUuid).map((uuid) => uuid.toLowerCase());
  const found = [
    ...(await findAccounts(db, 'account_name', names)),
    ...(await findAccounts(db, 'uuid', valid)),
  ];
  const missing = [
    ...names.filter((name) => !found.some((account) => account.name === name)),
    ...uuids.filter((uuid) => !found.some((account) => account.uuid === uuid.toLowerCase())),
  ];
  if (missing.length > 0) throw badParameter('accounts', `names no account: ${missing.join(', ')}.`);
  return found.map((account) => account.id);
}

interface Permission {
  readonly template: Template;
  readonly accounts: readonly string[];
}

const PERMISSION: Shape<Permission> = {
  id: string('the id of the template or ISO', ({ template }) => template.uuid),
  ispublic: boolean('whether every account may use it', ({ template }) => template.public),
  domainid: string('the id of the domain', () => ROOT_DOMAIN.id),
  account: listOf('the names of the accounts that it is shared with', ({ accounts }) => accounts),
};

export const listPermissionsCommand = (definition: {
  readonly name: 'listTemplatePermissions' | 'listIsoPermissions';
  readonly description: string;
  readonly iso: boolean;
}): Command =>
  defineCommand({
    name: definition.name,
    description: definition.description,
    roles: EVERYBODY,
    parameters: { id: required(id(definition.iso ? 'the ISO' : 'the template')) },
    object: 'templatepermission',
    response: PERMISSION,
    async run(context, values) {
      const template = await ownTemplate(context, values.id, definition.iso);
      const accounts = await sharedAccounts(context.db, template.id);
      return answerOne('templatepermission', PERMISSION, [{ template, accounts }], context.caller);
    },
  });

async function told({ db, caller }: CommandContext, template: Template, text: string): Promise<void> {
  await recordEvent(db, {
    type: isIso(template) ? 'ISO.PERMISSIONS.UPDATE' : 'TEMPLATE.PERMISSIONS.UPDATE',
    description: text[0]?.toUpperCase() + text.slice(1),
    userUuid: caller.userUuid,
    accountUuid: caller.accountUuid,
    resourceType: resourceTypeOf(isIso(template)),
    resourceUuid: template.uuid,
  });
}
