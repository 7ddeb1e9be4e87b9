import { hostsOfCertificate, removeCertificate } from '../../../db/certificates/certificates.ts';
import { certificateNamed, recordCertificateEvent, syncHosts } from './certificates.ts';
import { ADMINS, defineCommand } from '../../server/command.ts';
import { id, required } from '../../fields/parameters.ts';
import { listOf, render, SUCCESS, type Shape } from '../../fields/response.ts';
import { HOST_STATUS } from '../../fields/answers/certificate.ts';
import type { HostStatus } from '../../../model/certificate.ts';

const DELETED: Shape<{ readonly text?: string; readonly hosts: readonly HostStatus[] }> = {
  ...SUCCESS,
  hostsmap: listOf(HOST_STATUS, 'how it was taken from each host', ({ hosts }) => hosts),
};

export const deleteTemplateDirectDownloadCertificate = defineCommand({
  name: 'deleteTemplateDirectDownloadCertificate',
  description: 'Takes a certificate from all hosts and forgets it; its alias can be taken again.',
  roles: ADMINS,
  parameters: { id: required(id('the certificate')) },
  response: DELETED,
  async run(context, values) {
    const { db, caller } = context;
    const certificate = await certificateNamed(context, 'id', values.id);
    const concerned = (await hostsOfCertificate(db, certificate)).map(({ hostId }) => hostId);
    const text = `Certificate '${certificate.alias}' was deleted`;
    await db.transaction().execute(async (tx) => {
      await removeCertificate(tx, certificate.id);
      await recordCertificateEvent(tx, context, certificate, 'CERTIFICATE.DELETE', text);
    });
    const hosts = await syncHosts(context, certificate, concerned);
    return render(DELETED, { text, hosts }, caller);
  },
});
