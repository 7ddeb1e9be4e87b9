/** What may be changed of a template after it was registered. Its source may not: that is another template. */
import { sql } from 'kysely';
import type { Database, Queryable } from '../database.ts';

export interface TemplateChanges {
  readonly name?: string | undefined;
  readonly displayText?: string | undefined;
  readonly osTypeId?: string | undefined;
  readonly passwordEnabled?: boolean | undefined;
  readonly sshKeyEnabled?: boolean | undefined;
  readonly dynamicallyScalable?: boolean | undefined;
  readonly requiresHvm?: boolean | undefined;
  readonly bootable?: boolean | undefined;
  /** Null takes it away. */
  readonly templateTag?: string | null | undefined;
  readonly arch?: string | undefined;
  readonly isPublic?: boolean | undefined;
  readonly isFeatured?: boolean | undefined;
  readonly isExtractable?: boolean | undefined;
  /** Sealed; null takes the secrets away. */
  readonly sealed?: string | null | undefined;
  /** Replaces all details that are no secret. */
  readonly details?: Readonly<Record<string, string>> | undefined;
}

/** Changes what is given, all of it or nothing. */
export function changeTemplate(db: Database, templateId: number, changes: TemplateChanges): Promise<void> {
  return db.transaction().execute(async (tx) => {
    await tx
      .updateTable('vm_template')
      .set({
        updated: sql`now()`,
        ...defined({
          name: changes.name,
          display_text: changes.displayText,
          enable_password: changes.passwordEnabled,
          enable_sshkey: changes.sshKeyEnabled,
          dynamically_scalable: changes.dynamicallyScalable,
          hvm: changes.requiresHvm,
          bootable: changes.bootable,
          template_tag: changes.templateTag,
          arch: changes.arch,
          public: changes.isPublic,
          featured: changes.isFeatured,
          extractable: changes.isExtractable,
          sealed: changes.sealed,
        }),
        ...(changes.osTypeId === undefined
          ? {}
          : { guest_os_id: sql<number>`(select id from guest_os where uuid = ${changes.osTypeId})` }),
      })
      .where('id', '=', templateId)
      .execute();
    if (changes.details !== undefined) await replaceDetails(tx, templateId, changes.details);
  });
}

const defined = <T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

async function replaceDetails(
  tx: Queryable,
  templateId: number,
  details: Readonly<Record<string, string>>,
): Promise<void> {
  await tx.deleteFrom('vm_template_details').where('template_id', '=', templateId).execute();
  const rows = Object.entries(details).map(([name, value]) => ({ template_id: templateId, name, value }));
  if (rows.length > 0) await tx.insertInto('vm_template_details').values(rows).execute();
}
