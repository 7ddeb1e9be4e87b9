import { revokeEverywhere, setWanted } from '../../../db/certificates/certificates.ts';
import { aliasIn, certificateNamed, hostNamed, recordCertificateEvent, syncHosts } from './certificates.ts';
import { ADMINS, type CommandContext, defineCommand } from '../../server/command.ts';
import { zoneNamed } from '../../fields/entities.ts';
import { badParameter } from '../../server/errors.ts';
import type { Place } from '../../../db/zones/zones.ts';
import { choice, id, name, required } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { HOST_STATUS } from '../../fields/answers/certificate.ts';

const KEY = 'directdownloadcertificatehoststatus';

export const revokeTemplateDirectDownloadCertificate = defineCommand({
  name: 'revokeTemplateDirectDownloadCertificate',
  description: 'Takes a certificate from all hosts of its zone, or from one. Its alias stays taken.',
  roles: ADMINS,
  parameters: {
    zoneid: required(id('the zone of the certificate')),
    id: id('the certificate'),
    name: name('its alias, instead of its id'),
    hypervisor: choice('the hypervisor, with the alias: KVM', ['KVM']),
    hostid: id('only from this host'),
  },
  objects: KEY,
  response: HOST_STATUS,
  async run(context, values) {
    const { db, caller } = context;
    const zone = await zoneNamed(context, 'zoneid', values.zoneid);
    const certificate = await certificateOf(context, zone, values);
    const host = values.hostid === undefined ? undefined : await hostNamed(context, 'hostid', values.hostid);
    if (host !== undefined && host.zone_uuid !== zone.uuid) {
      const details = `the host is not in zone '${zone.name}'`;
      const skipped = { hostId: host.uuid, hostName: host.name, status: 'SKIPPED', details } as const;
      return answerList(KEY, HOST_STATUS, { count: 1, rows: [skipped] }, caller);
    }
    await db.transaction().execute(async (tx) => {
      if (host === undefined) await revokeEverywhere(tx, certificate.id);
      else await setWanted(tx, certificate.id, host.uuid, false);
      const where = host === undefined ? `in zone '${zone.name}'` : `on host '${host.name}'`;
      const what = `Certificate '${certificate.alias}' was revoked ${where}`;
      await recordCertificateEvent(tx, context, certificate, 'CERTIFICATE.REVOKE', what);
    });
    const hosts = await syncHosts(context, certificate, host === undefined ? undefined : [host.uuid]);
    return answerList(KEY, HOST_STATUS, { count: hosts.length, rows: hosts }, caller);
  },
});

async function certificateOf(
  context: CommandContext,
  zone: Place,
  given: { readonly id: string | undefined; readonly name: string | undefined },
) {
  if (given.id === undefined) {
    if (given.name === undefined)
      throw badParameter('id', 'or name must be given, to say which certificate.');
    return aliasIn(context, zone, given.name);
  }
  const certificate = await certificateNamed(context, 'id', given.id);
  if (certificate.zone_id === zone.id) return certificate;
  throw badParameter('zoneid', `is zone '${zone.name}', which the certificate is not for.`);
}
