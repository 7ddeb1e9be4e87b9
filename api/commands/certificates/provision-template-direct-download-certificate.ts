import { setWanted } from '../../../db/certificates/certificates.ts';
import { certificateNamed, hostNamed, recordCertificateEvent, syncHosts } from './certificates.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { badParameter } from '../../server/errors.ts';
import { id, required } from '../../fields/parameters.ts';
import { answerOne } from '../../fields/response.ts';
import { HOST_STATUS } from '../../fields/answers/certificate.ts';

export const provisionTemplateDirectDownloadCertificate = defineCommand({
  name: 'provisionTemplateDirectDownloadCertificate',
  description: 'Brings a certificate to one host, also one that it was revoked for.',
  roles: ADMINS,
  parameters: { id: required(id('the certificate')), hostid: required(id('the host')) },
  object: 'directdownloadcertificatehoststatus',
  response: HOST_STATUS,
  async run(context, values) {
    const { db, caller } = context;
    const certificate = await certificateNamed(context, 'id', values.id);
    const host = await hostNamed(context, 'hostid', values.hostid);
    if (host.data_center_id !== certificate.zone_id) {
      throw badParameter('hostid', `names host '${host.name}', which is not in the zone of the certificate.`);
    }
    await db.transaction().execute(async (tx) => {
      await setWanted(tx, certificate.id, host.uuid, true);
      const what = `Certificate '${certificate.alias}' was provisioned on host '${host.name}'`;
      await recordCertificateEvent(tx, context, certificate, 'CERTIFICATE.PROVISION', what);
    });
    const hosts = await syncHosts(context, certificate, [host.uuid]);
    return answerOne('directdownloadcertificatehoststatus', HOST_STATUS, hosts, caller);
  },
});
