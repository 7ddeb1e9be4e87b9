import { randomUUID, type X509Certificate } from 'node:crypto';
import { AlreadyExists } from '../../../db/errors.ts';
import {
  addCertificate,
  type Certificate,
  certificateLength,
  setWanted,
} from '../../../db/certificates/certificates.ts';
import type { Place } from '../../../db/zones/zones.ts';
import { aliasProblem } from '../../../model/certificate.ts';
import { sealAtRest } from '../../../trust/at-rest.ts';
import {
  CertificateError,
  endOf,
  entryDigest,
  readCertificates,
  readPrivateKey,
  toPem,
} from '../../../trust/certificates.ts';
import { aliasIn, hostNamed, recordCertificateEvent, syncHosts, viewOf } from './certificates.ts';
import { ADMINS, type CommandContext, defineCommand } from '../../server/command.ts';
import { zoneNamed } from '../../fields/entities.ts';
import { badParameter } from '../../server/errors.ts';
import { choice, filled, id, name, required, text } from '../../fields/parameters.ts';
import { answerOne } from '../../fields/response.ts';
import { CERTIFICATE } from '../../fields/answers/certificate.ts';

const LENGTH = 65_535;
/** Characters of all certificates of a zone together: they travel to each host in one message. */
const MAX_ZONE_LENGTH = 1_000_000;

export const uploadTemplateDirectDownloadCertificate = defineCommand({
  name: 'uploadTemplateDirectDownloadCertificate',
  description:
    'Has all hosts of a zone trust a certificate for downloads: of a server, of an authority, a chain or a bundle.',
  roles: ADMINS,
  parameters: {
    certificate: required(text('in PEM, with or without markers and line breaks', LENGTH)),
    name: required(name('the alias: a DNS label, one of a kind in the zone')),
    hypervisor: required(choice('the hypervisor: KVM', ['KVM'])),
    zoneid: required(id('the zone')),
    hostid: id('only this host, and what the alias names already; the certificate given is not looked at'),
    clientcertificate: filled(
      text(
        'in PEM: what hosts show to servers that this certificate vouches for, where they demand it',
        LENGTH,
      ),
    ),
    privatekey: filled(text('of the client certificate, in PEM without a passphrase; kept sealed', LENGTH)),
  },
  object: 'uploadtemplatedirectdownloadcertificate',
  response: CERTIFICATE,
  async run(context, values) {
    const { db, caller } = context;
    const zone = await zoneNamed(context, 'zoneid', values.zoneid);
    const { certificate, hostIds } =
      values.hostid === undefined
        ? { certificate: await upload(context, zone, values), hostIds: undefined }
        : await uploadToHost(context, zone, values.name, values.hostid);
    const hosts = await syncHosts(context, certificate, hostIds);
    return answerOne(
      'uploadtemplatedirectdownloadcertificate',
      CERTIFICATE,
      await viewOf(db, certificate.uuid, hosts),
      caller,
    );
  },
});

interface UploadValues {
  readonly certificate: string;
  readonly name: string;
  readonly clientcertificate: string | undefined;
  readonly privatekey: string | undefined;
}

async function upload(context: CommandContext, zone: Place, given: UploadValues): Promise<Certificate> {
  const { db, masterKey } = context;
  const why = aliasProblem(given.name);
  if (why !== undefined) throw badParameter('name', `${why}.`);
  const trusted = read(context, 'certificate', given.certificate);
  const client = readClient(context, given);
  const all = [...trusted, ...(client?.certificates ?? [])];
  const uuid = randomUUID();
  const owner = { use: 'certificate', certificate: uuid } as const;
  const row = {
    uuid,
    alias: given.name,
    certificate: toPem(trusted),
    client_certificate: client === undefined ? null : toPem(client.certificates),
    client_key_sealed: client === undefined ? null : await sealAtRest(masterKey, owner, client.key),
    digest: entryDigest(
      trusted.map(({ raw }) => raw),
      client?.certificates.map(({ raw }) => raw),
    ),
    expires: new Date(Math.min(...all.map((one) => endOf(one).getTime()))),
    zone_id: zone.id,
  };
  const added = [row.certificate, row.client_certificate, row.client_key_sealed].join('').length;
  return db.transaction().execute(async (tx) => {
    if ((await certificateLength(tx, zone.id)) + added > MAX_ZONE_LENGTH) {
      throw badParameter(
        'certificate',
        `is too much for zone '${zone.name}': its certificates may have ${MAX_ZONE_LENGTH} characters together; delete what is not needed.`,
      );
    }
    const made = await addCertificate(tx, row).catch((error: unknown) => {
      throw error instanceof AlreadyExists ? badParameter('name', `is taken: ${error.message}.`) : error;
    });
    const what = `Certificate '${made.alias}' was uploaded for zone '${zone.name}'`;
    await recordCertificateEvent(tx, context, made, 'CERTIFICATE.UPLOAD', what);
    return made;
  });
}

function read({ now }: CommandContext, parameter: string, pem: string): readonly X509Certificate[] {
  return readPem(parameter, () => readCertificates(pem, now()));
}

function readClient(context: CommandContext, { clientcertificate, privatekey }: UploadValues) {
  if (clientcertificate === undefined && privatekey === undefined) return undefined;
  if (clientcertificate === undefined)
    throw badParameter('privatekey', 'is of no use without clientcertificate.');
  if (privatekey === undefined)
    throw badParameter('clientcertificate', 'is of no use without its privatekey.');
  const certificates = read(context, 'clientcertificate', clientcertificate);
  const [own] = certificates;
  if (own === undefined) throw badParameter('clientcertificate', 'is empty.');
  const key = readPem('privatekey', () => readPrivateKey(privatekey, own));
  return { certificates, key: key.export({ type: 'pkcs8', format: 'pem' }) as string };
}

/** @throws ApiError 431 that names the parameter, when its PEM cannot be used */
function readPem<T>(parameter: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    throw badParameter(parameter, `${error.message}.`);
  }
}

/** Uploads the certificate that already has this alias to one more host. */
async function uploadToHost(context: CommandContext, zone: Place, alias: string, hostid: string) {
  const certificate = await aliasIn(context, zone, alias);
  const host = await hostNamed(context, 'hostid', hostid);
  if (host.zone_uuid !== zone.uuid) {
    throw badParameter('hostid', `names host '${host.name}', which is not in zone '${zone.name}'.`);
  }
  await context.db.transaction().execute(async (tx) => {
    await setWanted(tx, certificate.id, host.uuid, true);
    const what = `Certificate '${certificate.alias}' was uploaded to host '${host.name}'`;
    await recordCertificateEvent(tx, context, certificate, 'CERTIFICATE.UPLOAD', what);
  });
  return { certificate, hostIds: [host.uuid] };
}
