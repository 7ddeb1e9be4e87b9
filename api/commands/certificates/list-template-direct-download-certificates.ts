import { findCertificate, hostsOfCertificate } from '../../../db/certificates/certificates.ts';
import { listCertificates } from '../../../db/certificates/listing.ts';
import { findZone } from '../../../db/zones/zones.ts';
import { statusOn } from '../../../model/certificate.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { checkEntity } from '../../fields/entities.ts';
import { findHost } from '../hosts/find-host.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { flag, id } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { CERTIFICATE, type CertificateView } from '../../fields/answers/certificate.ts';

export const listTemplateDirectDownloadCertificates = defineCommand({
  name: 'listTemplateDirectDownloadCertificates',
  description: 'Lists the certificates that hosts trust for downloads.',
  roles: ADMINS,
  parameters: {
    id: id('this one'),
    zoneid: id('those of this zone'),
    listhosts: flag('whether to tell how each fares on the hosts'),
    hostid: id('with listhosts: how it fares on this host only'),
    ...pagingParameters,
  },
  objects: 'directdownloadcertificate',
  response: CERTIFICATE,
  async run(context, values) {
    const { db, caller } = context;
    const page = readPage(values);
    await checkEntity(context, 'id', values.id, (uuid) => findCertificate(db, uuid));
    await checkEntity(context, 'zoneid', values.zoneid, (uuid) => findZone(db, uuid));
    await checkEntity(context, 'hostid', values.hostid, (uuid) => findHost(db, uuid));
    const query = { id: values.id, zoneId: values.zoneid, keyword: values.keyword };
    const { count, rows } = await listCertificates(db, query, page);
    const shown: CertificateView[] = [];
    for (const row of rows) {
      const hosts =
        values.listhosts === true ? await hostsOfCertificate(db, row, { only: values.hostid }) : undefined;
      shown.push(hosts === undefined ? row : { ...row, hosts: hosts.map(statusOn) });
    }
    return answerList('directdownloadcertificate', CERTIFICATE, { count, rows: shown }, caller);
  },
});
