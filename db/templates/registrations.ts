/** Writes the rows of a template during its registration, and after the registration succeeded or failed. */
import { sql } from 'kysely';
import type { RegistrationInput } from '../../model/payloads.ts';
import type { RegistrationVerdict } from '../../model/registration.ts';
import type { UrlReport } from '../../model/source.ts';
import type { TemplateState } from '../../model/states.ts';
import type { Database, Queryable } from '../database.ts';
import { NotPossible } from '../errors.ts';
import { evidenceRow } from '../evidence.ts';

/** The account has too many registrations under way; the message names the limit. */
export class TooManyUnderWay extends Error {}

export interface RegistrationOptions {
  /** The secrets of the template, in a box at rest. */
  readonly sealed?: string | undefined;
  /** Maximum number of registrations of the account under way, including this one. Default: no limit. */
  readonly maxUnderWay?: number;
}

/**
 * Writes all rows of a template that must still be checked (`NotUploaded`), or none. A second call changes nothing.
 * @returns the state of the template
 * @throws NotPossible when its account, a zone or its OS type does not exist, or the template was deleted
 * @throws TooManyUnderWay
 */
export function recordRegistration(
  db: Database,
  input: RegistrationInput,
  { sealed, maxUnderWay }: RegistrationOptions = {},
): Promise<TemplateState> {
  return db.transaction().execute(async (tx) => {
    const id = await insertTemplate(tx, input, sealed);
    if (id === undefined) return existingState(tx, input.templateId);
    if (maxUnderWay !== undefined) await requireAtMostUnderWay(tx, input.accountId, maxUnderWay);
    await insertZones(tx, id, input);
    await tx.insertInto('template_store_ref').values({ template_id: id, url: input.url }).execute();
    const details = Object.entries(input.details);
    if (details.length > 0) {
      await tx
        .insertInto('vm_template_details')
        .values(details.map(([name, value]) => ({ template_id: id, name, value })))
        .execute();
    }
    return 'NotUploaded';
  });
}

/** @returns the numeric id; undefined when the template exists already */
async function insertTemplate(
  tx: Queryable,
  input: RegistrationInput,
  sealed: string | undefined,
): Promise<number | undefined> {
  const row = await tx
    .insertInto('vm_template')
    .values({
      uuid: input.templateId,
      unique_name: `${input.name}-${input.templateId}`,
      name: input.name,
      display_text: input.displayText,
      public: input.isPublic,
      featured: input.isFeatured,
      extractable: input.isExtractable,
      bootable: input.bootable,
      hvm: input.requiresHvm,
      bits: input.bits,
      arch: input.arch ?? 'x86_64',
      url: input.url,
      format: input.format,
      checksum: input.checksum ?? null,
      enable_password: input.passwordEnabled,
      enable_sshkey: input.sshKeyEnabled,
      dynamically_scalable: input.dynamicallyScalable,
      template_tag: input.templateTag ?? null,
      cross_zones: input.allZones,
      sealed: sealed ?? null,
      state: 'NotUploaded',
      account_id: await existing(tx, 'account', input.accountId),
      guest_os_id: input.osTypeId === undefined ? null : await existing(tx, 'guest_os', input.osTypeId),
    })
    .onConflict((conflict) => conflict.column('uuid').doNothing())
    .returning('id')
    .executeTakeFirst();
  return row?.id;
}

async function requireAtMostUnderWay(tx: Queryable, account: string, max: number): Promise<void> {
  // The lock on the account makes concurrent registrations wait, so that each counts those before it.
  const { id } = await tx
    .selectFrom('account')
    .where('uuid', '=', account)
    .select('id')
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow();
  const { count } = await tx
    .selectFrom('vm_template')
    .where('account_id', '=', id)
    .where('state', '=', 'NotUploaded')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  if (count > max) {
    throw new TooManyUnderWay(
      `${max} registrations of this account are under way, as many as may be at a time: wait until one has ended`,
    );
  }
}

async function existing(tx: Queryable, table: 'account' | 'guest_os', uuid: string): Promise<number> {
  const row = await tx.selectFrom(table).where('uuid', '=', uuid).select('id').executeTakeFirst();
  if (row !== undefined) return row.id;
  throw new NotPossible(`There is no ${table === 'account' ? 'account' : 'OS type'} ${uuid}`);
}

async function existingState(tx: Queryable, templateId: string): Promise<TemplateState> {
  const { state, removed } = await tx
    .updateTable('vm_template')
    .set({ updated: sql`now()` })
    .where('uuid', '=', templateId)
    .returning(['state', 'removed'])
    .executeTakeFirstOrThrow();
  if (state !== 'Inactive' && removed === null) return state;
  throw new NotPossible(
    `Template ${templateId} was deleted; what was registered by the same key cannot be registered again`,
  );
}

async function insertZones(tx: Queryable, templateId: number, input: RegistrationInput): Promise<void> {
  const zones = await tx
    .selectFrom('data_center')
    .where('uuid', 'in', input.zoneIds.length > 0 ? input.zoneIds : [null])
    .where('removed', 'is', null)
    .select(['id', 'uuid'])
    .execute();
  const missing = input.zoneIds.filter((uuid) => !zones.some((zone) => zone.uuid === uuid));
  if (missing.length > 0) throw new NotPossible(`There is no zone ${missing.join(', ')}`);
  if (zones.length === 0) throw new NotPossible('The template is for no zone; give at least one');
  await tx
    .insertInto('template_zone_ref')
    .values(zones.map((zone) => ({ template_id: templateId, zone_id: zone.id })))
    .execute();
}

/** Whether a zone of the template demands that every mirror is reachable. */
export async function demandsAllMirrors(db: Queryable, templateId: string): Promise<boolean> {
  const demanding = await db
    .selectFrom('vm_template')
    .innerJoin('template_zone_ref', 'template_zone_ref.template_id', 'vm_template.id')
    .innerJoin('data_center', 'data_center.id', 'template_zone_ref.zone_id')
    .where('vm_template.uuid', '=', templateId)
    .where('data_center.demand_all_mirrors', '=', true)
    .select('data_center.id')
    .executeTakeFirst();
  return demanding !== undefined;
}

type Accepted = Extract<RegistrationVerdict, { accepted: true }>;

/**
 * Makes a checked template usable. A second call changes nothing.
 * @throws NotPossible when the rows were removed meanwhile
 */
export function completeRegistration(db: Database, templateId: string, verdict: Accepted): Promise<void> {
  return db.transaction().execute(async (tx) => {
    const template = await tx
      .updateTable('vm_template')
      .set({
        size: verdict.size,
        virtual_size: verdict.virtualSize,
        compression: verdict.compression ?? null,
        unpacked_size: verdict.unpackedSize ?? 0,
        checksum: verdict.checksum ?? null,
        metalink_digest: verdict.metalinkDigest ?? null,
        state: 'Active',
        updated: sql`now()`,
      })
      .where('uuid', '=', templateId)
      .where('state', 'in', ['NotUploaded', 'Active'])
      .returning('id')
      .executeTakeFirst();
    if (template === undefined) {
      throw new NotPossible(`The rows of template ${templateId} were removed while it was being checked`);
    }
    await tx
      .updateTable('template_store_ref')
      .set({ size: verdict.size, physical_size: verdict.size, last_updated: sql`now()` })
      .where('template_id', '=', template.id)
      .execute();
    await tx
      .insertInto('template_mirror')
      .values(verdict.mirrors.map((mirror) => mirrorRow(template.id, mirror)))
      .onConflict((conflict) => conflict.columns(['template_id', 'url']).doNothing())
      .execute();
  });
}

const mirrorRow = (templateId: number, mirror: UrlReport) => ({
  template_id: templateId,
  url: mirror.url,
  priority: mirror.priority,
  location: mirror.location ?? null,
  size: mirror.size,
  ranges: mirror.ranges,
  etag: mirror.etag ?? null,
  last_modified: mirror.lastModified ?? null,
  reachable: mirror.reachable,
  reason: mirror.reason ?? null,
  evidence: evidenceRow(mirror.evidence),
});

/**
 * Removes all rows of a template whose registration failed.
 * @param idleSeconds removes only a template whose rows have not changed for this many seconds
 * @returns false when there was nothing to remove
 */
export async function abandonRegistration(
  db: Queryable,
  templateId: string,
  idleSeconds = 0,
): Promise<boolean> {
  const removed = await db
    .deleteFrom('vm_template')
    .where('uuid', '=', templateId)
    .where('state', '=', 'NotUploaded')
    .where('updated', '<=', sql<Date>`now() - make_interval(secs => ${idleSeconds})`)
    .executeTakeFirst();
  return removed.numDeletedRows > 0n;
}

/** Templates whose registration has not changed their rows for this many seconds. @returns their UUIDs */
export async function idleRegistrations(
  db: Queryable,
  idleSeconds: number,
  limit: number,
): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('vm_template')
    .where('state', '=', 'NotUploaded')
    .where('updated', '<=', sql<Date>`now() - make_interval(secs => ${idleSeconds})`)
    .select('uuid')
    .orderBy(sql`random()`)
    .limit(limit)
    .execute();
  return rows.map(({ uuid }) => uuid);
}
