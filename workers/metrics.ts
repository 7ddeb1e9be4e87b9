/** Metrics about certificates for Prometheus, from the control worker. */
import { listCertificates } from '../db/certificates/listing.ts';
import type { Database } from '../db/database.ts';
import { daysLeft } from '../model/certificate.ts';

const MAX_CERTIFICATES = 10_000;

export async function certificateMetrics(db: Database): Promise<string> {
  const { rows } = await listCertificates(db, {}, { limit: MAX_CERTIFICATES, offset: 0 });
  const now = new Date();
  return [
    '# HELP bypass_certificate_days_left Days until the first certificate of an upload ends; negative once it has.',
    '# TYPE bypass_certificate_days_left gauge',
    ...rows
      .filter(({ revoked }) => !revoked)
      .map(({ alias, zone_name, expires }) => {
        const labels = `alias="${label(alias)}",zone="${label(zone_name)}"`;
        return `bypass_certificate_days_left{${labels}} ${daysLeft(expires, now)}`;
      }),
  ].join('\n');
}

export const label = (text: string): string =>
  text.replace(/[\\"\n]/g, (found) => (found === '\n' ? '\\n' : `\\${found}`));
