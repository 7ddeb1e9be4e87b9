/** Shared by the commands for certificates: bringing the keystores of hosts up to date, and answering their state. */
import {
  type Certificate,
  findCertificate,
  findCertificateByAlias,
  hostsOfCertificate,
} from '../../../db/certificates/certificates.ts';
import { recordCallerEvent } from '../../server/caller-event.ts';
import { listCertificates } from '../../../db/certificates/listing.ts';
import type { HostListRow } from '../../../db/hosts/listing.ts';
import type { Queryable } from '../../../db/database.ts';
import type { Place } from '../../../db/zones/zones.ts';
import { type HostStatus, statusOn } from '../../../model/certificate.ts';
import { certificateWorkflowId } from '../../../model/names.ts';
import { begin } from '../../server/temporal-deadline.ts';
import type { CommandContext } from '../../server/command.ts';
import { entity } from '../../fields/entities.ts';
import { badParameter } from '../../server/errors.ts';
import { findHost } from '../hosts/find-host.ts';
import type { CertificateView } from '../../fields/answers/certificate.ts';

export const certificateNamed = (
  context: CommandContext,
  parameter: string,
  id: string,
): Promise<Certificate> => entity(context, parameter, id, (uuid) => findCertificate(context.db, uuid));

export const hostNamed = (context: CommandContext, parameter: string, id: string): Promise<HostListRow> =>
  entity(context, parameter, id, (uuid) => findHost(context.db, uuid));

/** @throws ApiError 431 when no certificate of the zone has this alias */
export async function aliasIn({ db }: CommandContext, zone: Place, alias: string): Promise<Certificate> {
  const found = await findCertificateByAlias(db, zone.id, alias);
  if (found !== undefined) return found;
  throw badParameter('name', `is '${alias}', which no certificate of zone '${zone.name}' has as its alias.`);
}

/** Milliseconds reserved for reading the state of the hosts after the sync. */
const READING_MS = 500;

/**
 * Syncs a certificate with the keystores of hosts, waits for as long as the caller does, and returns what each host then
 * read back from its keystore. Hosts that are not done by then go on in the background.
 * @param hostIds default: all hosts that have the certificate or are to have it
 */
export async function syncHosts(
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

/** Records that the caller changed a certificate. */
export const recordCertificateEvent = (
  tx: Queryable,
  { caller }: CommandContext,
  { uuid }: Pick<Certificate, 'uuid'>,
  type: string,
  description: string,
): Promise<void> =>
  recordCallerEvent(
    { db: tx, caller },
    {
      type,
      description,
      resourceType: 'DirectDownloadCertificate',
      resourceUuid: uuid,
      workflowId: certificateWorkflowId(uuid),
    },
  );
