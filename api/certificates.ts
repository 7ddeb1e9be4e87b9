/** What the commands about certificates have in common: to see to hosts, and to tell how it went. */
import {
  type Certificate,
  findCertificate,
  findCertificateByAlias,
  hostsOfCertificate,
} from '../db/certificates.ts';
import { recordEvent } from '../db/events.ts';
import { listCertificates } from '../db/listings/certificates.ts';
import type { HostListRow } from '../db/listings/hosts.ts';
import type { Queryable } from '../db/database.ts';
import type { Place } from '../db/zones.ts';
import { type HostStatus, statusOn } from '../model/certificate.ts';
import { certificateWorkflowId } from '../model/names.ts';
import { begin } from './background.ts';
import type { CommandContext } from './command.ts';
import { entity } from './entities.ts';
import { badParameter } from './errors.ts';
import { findHost } from './hosts.ts';
import type { CertificateView } from './responses/certificate.ts';

export const certificateNamed = (
  context: CommandContext,
  parameter: string,
  id: string,
): Promise<Certificate> => entity(context, parameter, id, (uuid) => findCertificate(context.db, uuid));

export const hostNamed = (context: CommandContext, parameter: string, id: string): Promise<HostListRow> =>
  entity(context, parameter, id, (uuid) => findHost(context.db, uuid));

/** @throws ApiError 431 */
export async function aliasIn({ db }: CommandContext, zone: Place, alias: string): Promise<Certificate> {
  const found = await findCertificateByAlias(db, zone.id, alias);
  if (found !== undefined) return found;
  throw badParameter('name', `is '${alias}', which no certificate of zone '${zone.name}' has as its alias.`);
}

/** Milliseconds kept for reading how it went. */
const READING_MS = 500;

/**
 * Has hosts seen to, waits for that as long as the caller does, and tells how it stands, as the hosts read it back.
 * What is not done then goes on by itself.
 * @param hostIds those to see to; absent, all that the certificate has to do with
 */
export async function seeTo(
  context: CommandContext,
  certificate: Certificate,
  hostIds?: readonly string[],
): Promise<readonly HostStatus[]> {
  const { db, orchestration, answerBy } = context;
  const named = hostIds ?? (await hostsOfCertificate(db, certificate)).map(({ hostId }) => hostId);
  if (named.length > 0) {
    const about = { certificateId: certificate.uuid, alias: certificate.alias };
    const waitMs = Math.max(0, answerBy - Date.now() - READING_MS);
    await begin(context, orchestration.syncCertificate(about, named, waitMs));
  }
  const hosts = await hostsOfCertificate(db, certificate, { named });
  return hosts.filter(({ hostId }) => named.includes(hostId)).map(statusOn);
}

export async function viewOf(
  db: Queryable,
  uuid: string,
  hosts: readonly HostStatus[],
): Promise<readonly CertificateView[]> {
  const { rows } = await listCertificates(db, { id: uuid }, { limit: 1, offset: 0 });
  return rows.map((row) => ({ ...row, hosts }));
}

/** Who changed what. */
export const recordChange = (
  tx: Queryable,
  { caller }: CommandContext,
  { uuid }: Pick<Certificate, 'uuid'>,
  type: string,
  description: string,
): Promise<void> =>
  recordEvent(tx, {
    type,
    description,
    userUuid: caller.userUuid,
    accountUuid: caller.accountUuid,
    resourceType: 'DirectDownloadCertificate',
    resourceUuid: uuid,
    workflowId: certificateWorkflowId(uuid),
  });
