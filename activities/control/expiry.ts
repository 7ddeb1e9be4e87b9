/** Warnings of certificates that expire soon. */
import { expiringCertificates } from '../../db/certificates/certificates.ts';
import type { Database } from '../../db/database.ts';
import { recordEvent } from '../../db/events/events.ts';
import { daysLeft, EXPIRY_WARNINGS } from '../../model/certificate.ts';

/** Records one event when each of `EXPIRY_WARNINGS` days are left, and one when a certificate has expired. */
export async function warnOfExpiry(db: Database, now: Date): Promise<void> {
  const [first] = EXPIRY_WARNINGS;
  for (const { uuid, alias, expires, zoneName } of await expiringCertificates(db, first)) {
    const left = daysLeft(expires, now);
    // When several are reached at once, only the latest is recorded.
    const reached = [...EXPIRY_WARNINGS, 0].filter((days) => left < days).at(-1);
    if (reached === undefined) continue;
    const date = expires.toISOString().slice(0, 'yyyy-mm-dd'.length);
    const when = left < 0 ? `has expired on ${date}` : `expires on ${date}, in ${left} days`;
    await recordEvent(db, {
      type: 'CERTIFICATE.EXPIRY',
      level: left < 0 ? 'ERROR' : 'WARN',
      description: `Certificate ${alias} of zone ${zoneName} ${when}: upload its successor under another alias, then delete it`,
      resourceType: 'DirectDownloadCertificate',
      resourceUuid: uuid,
      once: `expiry:${uuid}:${reached}`,
    });
  }
}
