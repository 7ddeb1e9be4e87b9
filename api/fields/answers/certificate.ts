/** Certificates, and their state on each host, as the API shows them. */
import { X509Certificate } from 'node:crypto';
import type { CertificateListRow } from '../../../db/certificates/listing.ts';
import type { HostStatus } from '../../../model/certificate.ts';
import { daysLeft } from '../../../model/certificate.ts';
import { issuerOf, subjectOf } from '../../../trust/certificates.ts';
import { boolean, date, integer, oneOf, optional, type Shape, string } from '../response.ts';

export const HOST_STATUS: Shape<HostStatus> = {
  hostid: string('the id of the host', ({ hostId }) => hostId),
  hostname: string('the name of the host', ({ hostName }) => hostName),
  status: oneOf(
    ['UPLOADED', 'REVOKED', 'FAILED', 'SKIPPED'],
    'UPLOADED or REVOKED, as the host read it back from its keystore; FAILED, or SKIPPED where nothing is sent to it',
    ({ status }) => status,
  ),
  details: optional.string('why it is not as it is to be', ({ details }) => details),
};

export interface CertificateView extends CertificateListRow {
  readonly hosts?: readonly HostStatus[];
}

/** The first certificate of a chain or bundle. */
const firstOf = ({ certificate }: CertificateView): X509Certificate => new X509Certificate(certificate);

const validity = (row: CertificateView): string => {
  const { validFrom, validTo } = firstOf(row);
  return `From: [${validFrom}] - To: [${validTo}]`;
};

export const CERTIFICATE: Shape<CertificateView> = {
  id: string('the id', ({ uuid }) => uuid),
  alias: string('the alias', ({ alias }) => alias),
  hypervisor: string('the hypervisor', ({ hypervisor_type }) => hypervisor_type),
  zoneid: string('the id of its zone', ({ zone_uuid }) => zone_uuid),
  zonename: string('the name of its zone', ({ zone_name }) => zone_name),
  version: string('the version of X.509', () => '3'),
  subject: string('whose it is; of a chain or bundle, the first', (row) => subjectOf(firstOf(row))),
  issuer: string('who issued it', (row) => issuerOf(firstOf(row))),
  serialnum: string('its serial number, in hexadecimal', (row) => firstOf(row).serialNumber),
  validity: string('from when until when it is valid', validity),
  certificates: integer(
    'how many certificates it holds',
    ({ certificate }) => certificate.match(/-----BEGIN /g)?.length ?? 0,
  ),
  clientcertificate: optional.string(
    'whose client certificate goes with it',
    ({ client_certificate: client }) =>
      client === null ? undefined : subjectOf(new X509Certificate(client)),
  ),
  revoked: boolean('whether it was revoked for the whole zone', ({ revoked }) => revoked),
  expires: date('when the first of its certificates ends', ({ expires }) => expires),
  daysleft: integer('in how many days that is', ({ expires }) => daysLeft(expires, new Date())),
  created: date('when it was uploaded', ({ created }) => created),
  hostsmap: optional.listOf(HOST_STATUS, 'its state on each host', ({ hosts }) => hosts),
};
