/** Certificates as lists show them. */
import type { Queryable } from '../database.ts';
import type { Row } from '../tables.ts';
import { containing, type Listing, type Page } from '../page.ts';

export interface CertificateQuery {
  readonly id?: string | undefined;
  readonly zoneId?: string | undefined;
  readonly keyword?: string | undefined;
}

/** Without the private key, which is never shown. */
export type CertificateListRow = Omit<Row<'direct_download_certificate'>, 'client_key_sealed'> & {
  readonly zone_uuid: string;
  readonly zone_name: string;
};

export async function listCertificates(
  db: Queryable,
  query: CertificateQuery,
  { limit, offset }: Page,
): Promise<Listing<CertificateListRow>> {
  const { count } = await matching(db, query)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  const rows = await matching(db, query)
    .select([
      'c.id',
      'c.uuid',
      'c.alias',
      'c.certificate',
      'c.client_certificate',
      'c.digest',
      'c.expires',
      'c.hypervisor_type',
      'c.zone_id',
      'c.revoked',
      'c.created',
      'data_center.uuid as zone_uuid',
      'data_center.name as zone_name',
    ])
    .orderBy('data_center.name')
    .orderBy('c.alias')
    .limit(limit)
    .offset(offset)
    .execute();
  return { count, rows };
}

function matching(db: Queryable, { id, zoneId, keyword }: CertificateQuery) {
  let found = db
    .selectFrom('direct_download_certificate as c')
    .innerJoin('data_center', 'data_center.id', 'c.zone_id');
  if (id !== undefined) found = found.where('c.uuid', '=', id);
  if (zoneId !== undefined) found = found.where('data_center.uuid', '=', zoneId);
  if (keyword !== undefined) found = found.where('c.alias', 'ilike', containing(keyword));
  return found;
}
