/** Warnings of certificates that expire soon. */
import { expiringCertificates } from '../../db/certificates/certificates.ts';
import type { Database } from '../../db/database.ts';
import { recordEvent } from '../../db/events/events.ts';
import { daysLeft, EXPIRY_WARNINGS } from '../../model/certificate.ts';

/** Certificates that one look warns of; the next look, a minute later, warns of more. */
const MAX_WARNINGS = 500;

/**
 * Records one event when each of `EXPIRY_WARNINGS` days are left, and one when a certificate has expired. When several are
 * reached at once, only the latest is recorded.
 */
export async function warnOfExpiry(db: Database, now: Date, limit = MAX_WARNINGS): Promise<void> {
  const due = await expiringCertificates(db, { warnings: [...EXPIRY_WARNINGS, 0], now, limit });
  for (const { uuid, alias, expires, zoneName, once } of due) {
    const left = daysLeft(expires, now);
    const date = expires.toISOString().slice(0, 'yyyy-mm-dd'.length);
    const when = left < 0 ? `has expired on ${date}` : `expires on ${date}, in ${left} days`;
    await recordEvent(db, {
      type: 'CERTIFICATE.EXPIRY',
      level: left < 0 ? 'ERROR' : 'WARN',
      description: `Certificate ${alias} of zone ${zoneName} ${when}: upload its successor under another alias, then delete it`,
      resourceType: 'DirectDownloadCertificate',
      resourceUuid: uuid,
      once,
    });
  }
}
