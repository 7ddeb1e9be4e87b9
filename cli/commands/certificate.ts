/** `bypass certificate`: upload, list, provision, revoke, delete. */
import { readFile } from 'node:fs/promises';
import { Option } from 'commander';
import type { Command } from 'commander';
import type { CertificateAnswer, CertificateHostAnswer } from '../answers.ts';
import type { ApiClient } from '../client.ts';
import { noun, verb } from '../command.ts';
import { exitCodes, UsageError } from '../errors.ts';
import type { ExitCode } from '../errors.ts';
import { findHost, findZone, findZoneOrOnly, isId } from '../lookup.ts';
import type { Column, Output } from '../output.ts';
import type { Cli } from '../surroundings.ts';

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
      const answer = await api.call<Record<string, CertificateAnswer>>(
        'uploadTemplateDirectDownloadCertificate',
        {
          name: alias,
          certificate: await readPem(file),
          hypervisor: 'KVM',
          zoneid: zone.id,
          clientcertificate: await readGiven(options.clientCertificate),
          privatekey: await readGiven(options.privateKey),
        },
      );
      const made = answer['uploadtemplatedirectdownloadcertificate'] as CertificateAnswer;
      out.done(`Uploaded ${made.alias} (${made.id}) for zone ${zone.name}: ${made.subject}`, made);
      return tell(out, made.hostsmap ?? []);
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
      const answer = await api.call<Record<string, CertificateHostAnswer>>(
        'provisionTemplateDirectDownloadCertificate',
        { id: found.id, hostid: host.id },
      );
      const status = answer['directdownloadcertificatehoststatus'] as CertificateHostAnswer;
      out.done(`${found.alias} on ${host.name}: ${status.status}`, status);
      return tell(out, [status]);
    },
  });

  verb<[certificate: string], { readonly host?: string }>(certificate, cli, {
    usage: 'revoke <certificate>',
    summary: 'take a certificate from all hosts, or from one; its alias stays taken',
    example: 'certificate revoke mirror',
    options: [new Option('--host <host>', 'only from this one, by name or id')],
    run: async ({ api, out }, [text], { host }) => {
      const found = await findCertificate(api, text);
      const answer = await api.call<Record<string, readonly CertificateHostAnswer[] | undefined>>(
        'revokeTemplateDirectDownloadCertificate',
        {
          id: found.id,
          zoneid: found.zoneid,
          hostid: host === undefined ? undefined : (await findHost(api, host)).id,
        },
      );
      const hosts = answer['directdownloadcertificatehoststatus'] ?? [];
      out.done(`Revoked ${found.alias}`, hosts);
      return tell(out, hosts);
    },
  });

  verb<[certificate: string], object>(certificate, cli, {
    usage: 'delete <certificate>',
    summary: 'take a certificate from all hosts and forget it',
    example: 'certificate delete mirror',
    run: async ({ api, out }, [text]) => {
      const { id, alias } = await findCertificate(api, text);
      const answer = await api.call<{ readonly hostsmap?: readonly CertificateHostAnswer[] }>(
        'deleteTemplateDirectDownloadCertificate',
        { id },
      );
      out.done(`Deleted ${alias}`, answer);
      return tell(out, answer.hostsmap ?? []);
    },
  });
}

/** Hosts that are not as they are to be; they are seen to without anybody's doing. */
function tell(out: Output, hosts: readonly CertificateHostAnswer[]): ExitCode {
  remarkOn(out, hosts, '');
  return hosts.some(({ status }) => status === 'FAILED') ? exitCodes.failed : exitCodes.ok;
}

function remarkOn(out: Output, hosts: readonly CertificateHostAnswer[], before: string): void {
  for (const { hostname, status, details } of hosts) {
    if (details !== undefined) out.remark(`${before}${hostname}: ${status}, ${details}`);
  }
}

const listCertificates = (
  api: ApiClient,
  parameters: Readonly<Record<string, string | boolean | undefined>> = {},
): Promise<readonly CertificateAnswer[]> =>
  api.list('listTemplateDirectDownloadCertificates', 'directdownloadcertificate', parameters);

async function findCertificate(api: ApiClient, text: string): Promise<CertificateAnswer> {
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

const onHosts = ({ hostsmap = [] }: CertificateAnswer): string =>
  `${hostsmap.filter(({ status }) => status === 'UPLOADED').length}/${hostsmap.length}`;

const COLUMNS: readonly Column<CertificateAnswer>[] = [
  { title: 'ALIAS', value: ({ alias }) => alias, atLeast: 10 },
  { title: 'ID', value: ({ id }) => id, drop: 2 },
  { title: 'ZONE', value: ({ zonename }) => zonename, atLeast: 6 },
  { title: 'SUBJECT', value: ({ subject }) => subject, atLeast: 10 },
  { title: 'DAYS LEFT', value: ({ daysleft }) => String(daysleft ?? '') },
  { title: 'HOSTS', value: onHosts },
  { title: 'STATE', value: ({ revoked }) => (revoked === true ? 'revoked' : 'in use'), drop: 1 },
];
