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
export async function templateSecrets(
  { db, masterKey }: Vault,
  template: string,
): Promise<Secrets | undefined> {
  const found = await boxOf(db, template);
  return found === undefined ? undefined : opened(masterKey, found);
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
}

const opened = async (masterKey: MasterKey, { owner, box }: FoundBox): Promise<Secrets | undefined> =>
  box === null ? undefined : openSecrets(masterKey, owner, box);

async function boxOf(db: Queryable, template: string): Promise<FoundBox | undefined> {
  const row = await db
    .selectFrom('vm_template')
    .innerJoin('account', 'account.id', 'vm_template.account_id')
    .where('vm_template.uuid', '=', template)
    .select(['account.uuid as account', 'vm_template.sealed as box'])
    .executeTakeFirst();
  return row && { owner: { use: 'template', template, account: row.account }, box: row.box };
}
