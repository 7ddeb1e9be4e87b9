/** Seals the queries of URLs that an earlier release stored in plain text. */
import { sql } from 'kysely';
import { displayUrl, hasSecretQuery } from '../../model/url.ts';
import type { MasterKey } from '../../trust/master-key.ts';
import type { Database } from '../database.ts';
import { changedSecrets } from './secrets.ts';

const withQuery = sql<boolean>`url like '%?%' and url not like '%?…'`;

/** Whether the query of the URL is a secret. */
const isSecret = ({ url }: { readonly url: string }): boolean => hasSecretQuery(new URL(url));

/** @returns the number of templates with such a query. A second call changes nothing. */
export async function hideQueries(db: Database, masterKey: MasterKey): Promise<number> {
  const found = await db.selectFrom('vm_template').where(withQuery).select(['id', 'uuid', 'url']).execute();
  const templates = found.filter(isSecret);
  for (const { id, uuid, url } of templates) {
    const sealed = await changedSecrets({ db, masterKey }, uuid, (before) => ({
      ...(before ?? { v: 1, origin: new URL(url).origin, headers: [] }),
      url,
    }));
    await db.transaction().execute(async (tx) => {
      const shown = { url: displayUrl(url) };
      await tx
        .updateTable('vm_template')
        .set({ ...shown, sealed })
        .where('id', '=', id)
        .execute();
      await tx.updateTable('template_store_ref').set(shown).where('template_id', '=', id).execute();
    });
  }
  await hideMirrorQueries(db);
  return templates.length;
}

/** Mirrors that differ only in their queries become one row. */
async function hideMirrorQueries(db: Database): Promise<void> {
  const mirrors = await db
    .selectFrom('template_mirror')
    .where(withQuery)
    .select(['id', 'template_id', 'url'])
    .execute();
  for (const { id, template_id, url } of mirrors.filter(isSecret)) {
    const shown = displayUrl(url);
    const duplicate = await db
      .selectFrom('template_mirror')
      .where('template_id', '=', template_id)
      .where('url', '=', shown)
      .select('id')
      .executeTakeFirst();
    await (duplicate === undefined
      ? db.updateTable('template_mirror').set({ url: shown }).where('id', '=', id).execute()
      : db.deleteFrom('template_mirror').where('id', '=', id).execute());
  }
}
