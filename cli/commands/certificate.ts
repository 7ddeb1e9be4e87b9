/** `bypass certificate`: upload, list, provision, revoke, delete. */
import { readFile } from 'node:fs/promises';
import { Option } from 'commander';
import type { Command } from 'commander';
import type { Certificate, CertificateOnHost } from '../../model/api-answers.ts';
import type { ApiClient } from '../client.ts';
import { noun, verb } from '../command.ts';
import { confirm, yesOption } from '../confirm.ts';
import type { YesOption } from '../confirm.ts';
import { exitCodes, UsageError } from '../errors.ts';
import type { ExitCode } from '../errors.ts';
import { findHost, findZone, findZoneOrOnly, isId } from '../lookup.ts';
import type { Column, Output } from '../output.ts';
import type { Cli } from '../context.ts';

interface UploadOptions {
  readonly zone?: string;
  readonly clientCertificate?: string;
  readonly privateKey?: string;
}

const ZONE = new Option('--zone <zone>', 'name or id; the only zone when there is one');

export function certificateCommands(program: Command, cli: Cli): void {
  const certificate = noun(program, 'certificate', 'certificates that hosts trust for downloads');

  verb<[alias: string, file: string], UploadOptions>(certificate, cli, {
    usage: 'upload <alias> <file>',
    summary:
      'have all hosts of a zone trust what a PEM file holds: a server, an authority, a chain or a bundle',
    example: 'certificate upload mirror ca.pem --zone amsterdam',
    options: [
      ZONE,
      new Option('--client-certificate <file>', 'PEM file: what hosts show to servers of this authority'),
      new Option('--private-key <file>', 'PEM file of its key, without a passphrase'),
    ],
    run: async ({ api, out }, [alias, file], options) => {
      const zone = await findZoneOrOnly(api, options.zone);
      const answer = await api.call<Record<string, Certificate>>('uploadTemplateDirectDownloadCertificate', {
        name: alias,
        certificate: await readPem(file),
        hypervisor: 'KVM',
        zoneid: zone.id,
        clientcertificate: await readGiven(options.clientCertificate),
        privatekey: await readGiven(options.privateKey),
      });
      const made = answer['uploadtemplatedirectdownloadcertificate'] as Certificate;
      out.done(`Uploaded ${made.alias} (${made.id}) for zone ${zone.name}: ${made.subject}`, made);
      return reportHosts(out, made.hostsmap ?? []);
    },
  });

  verb<[], { readonly zone?: string }>(certificate, cli, {
    usage: 'list',
    summary: 'list certificates, how long they are good, and on which hosts they are',
    example: 'certificate list',
    options: [new Option('--zone <zone>', 'only those of this zone, by name or id')],
    run: async ({ api, out }, _args, { zone }) => {
      const rows = await listCertificates(api, {
        listhosts: true,
        zoneid: zone === undefined ? undefined : (await findZone(api, zone)).id,
      });
      out.list({
        columns: COLUMNS,
        rows,
        none: 'There is no certificate yet: bypass certificate upload ALIAS FILE',
      });
      for (const { alias, hostsmap = [] } of rows) remarkOn(out, hostsmap, `${alias} on `);
    },
  });

  verb<[certificate: string, host: string], object>(certificate, cli, {
    usage: 'provision <certificate> <host>',
    summary: 'bring a certificate to one host, also one that it was revoked for',
    example: 'certificate provision mirror kvm-7',
    run: async ({ api, out }, [text, hostText]) => {
      const found = await findCertificate(api, text);
      const host = await findHost(api, hostText);
      const answer = await api.call<Record<string, CertificateOnHost>>(
        'provisionTemplateDirectDownloadCertificate',
        { id: found.id, hostid: host.id },
      );
      const status = answer['directdownloadcertificatehoststatus'] as CertificateOnHost;
      out.done(`${found.alias} on ${host.name}: ${status.status}`, status);
      return reportHosts(out, [status]);
    },
  });

  verb<[certificate: string], { readonly host?: string }>(certificate, cli, {
    usage: 'revoke <certificate>',
    summary: 'take a certificate from all hosts, or from one; its alias stays taken',
    example: 'certificate revoke mirror',
    options: [new Option('--host <host>', 'only from this one, by name or id')],
    run: async ({ api, out }, [text], { host }) => {
      const found = await findCertificate(api, text);
      const answer = await api.call<Record<string, readonly CertificateOnHost[] | undefined>>(
        'revokeTemplateDirectDownloadCertificate',
        {
          id: found.id,
          zoneid: found.zoneid,
          hostid: host === undefined ? undefined : (await findHost(api, host)).id,
        },
      );
      const hosts = answer['directdownloadcertificatehoststatus'] ?? [];
      out.done(`Revoked ${found.alias}`, hosts);
      return reportHosts(out, hosts);
    },
  });

  verb<[certificate: string], YesOption>(certificate, cli, {
    usage: 'delete <certificate>',
    summary: 'take a certificate from all hosts and forget it',
    example: 'certificate delete mirror',
    options: [yesOption()],
    run: async (session, [text], { yes }) => {
      const { api, out } = session;
      const { id, alias } = await findCertificate(api, text);
      await confirm(session, `Take certificate ${alias} from all hosts, and forget it?`, { yes });
      const answer = await api.call<{ readonly hostsmap?: readonly CertificateOnHost[] }>(
        'deleteTemplateDirectDownloadCertificate',
        { id },
      );
      out.done(`Deleted ${alias}`, answer);
      return reportHosts(out, answer.hostsmap ?? []);
    },
  });
}

/** Remarks on hosts whose keystores are not in sync (their workers retry on their own). @returns failed if a host failed */
function reportHosts(out: Output, hosts: readonly CertificateOnHost[]): ExitCode {
  remarkOn(out, hosts, '');
  return hosts.some(({ status }) => status === 'FAILED') ? exitCodes.failed : exitCodes.ok;
}

function remarkOn(out: Output, hosts: readonly CertificateOnHost[], before: string): void {
  for (const { hostname, status, details } of hosts) {
    if (details !== undefined) out.remark(`${before}${hostname}: ${status}, ${details}`);
  }
}

const listCertificates = (
  api: ApiClient,
  parameters: Readonly<Record<string, string | boolean | undefined>> = {},
): Promise<readonly Certificate[]> =>
  api.list('listTemplateDirectDownloadCertificates', 'directdownloadcertificate', parameters);

async function findCertificate(api: ApiClient, text: string): Promise<Certificate> {
  const all = await listCertificates(api);
  const found = all.filter(({ id, alias }) =>
    isId(text) ? id === text.toLowerCase() : alias.toLowerCase() === text.toLowerCase(),
  );
  const [only] = found;
  if (only === undefined) {
    throw new UsageError(`there is no certificate '${text}'; see bypass certificate list`);
  }
  if (found.length > 1) {
    const ids = found.map(({ id, zonename }) => `${id} in zone ${zonename}`).join(', ');
    throw new UsageError(`several zones have a certificate '${text}', so give an id: ${ids}`);
  }
  return only;
}

const readGiven = (file: string | undefined): Promise<string> | undefined =>
  file === undefined ? undefined : readPem(file);

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read (${(error as Error).message})`);
  }
}

const onHosts = ({ hostsmap = [] }: Certificate): string =>
  `${hostsmap.filter(({ status }) => status === 'UPLOADED').length}/${hostsmap.length}`;

const COLUMNS: readonly Column<Certificate>[] = [
  { title: 'ALIAS', value: ({ alias }) => alias, atLeast: 10 },
  { title: 'ID', value: ({ id }) => id, drop: 2 },
  { title: 'ZONE', value: ({ zonename }) => zonename, atLeast: 6 },
  { title: 'SUBJECT', value: ({ subject }) => subject, atLeast: 10 },
  { title: 'DAYS LEFT', value: ({ daysleft }) => String(daysleft ?? '') },
  { title: 'HOSTS', value: onHosts },
  { title: 'STATE', value: ({ revoked }) => (revoked ? 'revoked' : 'in use'), drop: 1 },
];
