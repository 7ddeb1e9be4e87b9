import { hostsOfCertificate, removeCertificate } from '../../db/certificates.ts';
import { certificateNamed, recordChange, seeTo } from '../certificates.ts';
import { ADMINS, defineCommand } from '../command.ts';
import { id, required } from '../parameters.ts';
import { list, render, SUCCESS, type Shape } from '../response.ts';
import { HOST_STATUS } from '../responses/certificate.ts';
import type { HostStatus } from '../../model/certificate.ts';

const DELETED: Shape<{ readonly text?: string; readonly hosts: readonly HostStatus[] }> = {
  ...SUCCESS,
  hostsmap: list('how it was taken from each host', ({ hosts }, caller) =>
    hosts.map((host) => render(HOST_STATUS, host, caller)),
  ),
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
      await recordChange(tx, context, certificate, 'CERTIFICATE.DELETE', text);
    });
    const hosts = await seeTo(context, certificate, concerned);
    return render(DELETED, { text, hosts }, caller);
  },
});
