/** The secrets of templates: sealed in the database, and opened only by who has the master key. */
import type { Secrets } from '../../model/source.ts';
import { openSecrets, sealSecrets, type TemplateOwner } from '../../trust/at-rest.ts';
import type { MasterKey } from '../../trust/master-key.ts';
import type { Queryable } from '../database.ts';

interface Vault {
  readonly db: Queryable;
  readonly masterKey: MasterKey;
}

/**
 * @returns undefined when the template has no secrets, or there is no such template
 * @throws ImageError SealBroken when the box is not that of this template and account
 */
export const templateSecrets = async (vault: Vault, template: string): Promise<Secrets | undefined> =>
  (await secretsAndOwner(vault, template)).secrets;

/**
 * With whether the template or ISO belongs to an administrator; false when there is none of that id.
 * @throws as `templateSecrets`
 */
export async function secretsAndOwner(
  { db, masterKey }: Vault,
  template: string,
): Promise<{ readonly secrets: Secrets | undefined; readonly isOfAdmin: boolean }> {
  const found = await boxOf(db, template);
  if (found === undefined) return { secrets: undefined, isOfAdmin: false };
  return { secrets: await opened(masterKey, found), isOfAdmin: found.role === 'admin' };
}

/** @returns the box of what `change` makes of the secrets; null when nothing is left of them */
export async function changedSecrets(
  { db, masterKey }: Vault,
  template: string,
  change: (before: Secrets | undefined) => Secrets | undefined,
): Promise<string | null> {
  const found = await boxOf(db, template);
  if (found === undefined) return null;
  const changed = change(await opened(masterKey, found));
  return changed === undefined ? null : sealSecrets(masterKey, found.owner, changed);
}

interface FoundBox {
  readonly owner: TemplateOwner;
  readonly box: string | null;
  /** Of the owner. */
  readonly role: string;
}

const opened = async (masterKey: MasterKey, { owner, box }: FoundBox): Promise<Secrets | undefined> =>
  box === null ? undefined : openSecrets(masterKey, owner, box);

async function boxOf(db: Queryable, template: string): Promise<FoundBox | undefined> {
  const row = await db
    .selectFrom('vm_template')
    .innerJoin('account', 'account.id', 'vm_template.account_id')
    .where('vm_template.uuid', '=', template)
    .select(['account.uuid as account', 'account.role', 'vm_template.sealed as box'])
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { account, box, role } = row;
  return { owner: { use: 'template', template, account }, box, role };
}
