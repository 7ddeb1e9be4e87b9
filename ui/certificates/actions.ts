/** What can be done to a certificate; how it went on each host is told. */
import { notifications } from '@mantine/notifications';
import type { Values } from '../api/client.ts';
import { useCommand } from '../api/queries.ts';
import type { Certificate, HostStatus } from './shapes.ts';

interface Action {
  /** @param host absent: all that it has to do with */
  readonly start: (host?: HostStatus) => void;
  readonly isPending: boolean;
}

export interface CertificateActions {
  readonly provision: Action;
  readonly revoke: Action;
  readonly remove: Action;
}

/** Commands answer with one status, with a list of them, or with a map of them. */
interface Told {
  readonly directdownloadcertificatehoststatus?: HostStatus | readonly HostStatus[];
  readonly hostsmap?: readonly HostStatus[];
}

const statusesIn = ({ directdownloadcertificatehoststatus: found, hostsmap }: Told): readonly HostStatus[] =>
  hostsmap ?? [found ?? []].flat();

export function useCertificateActions({ id, alias, zoneid }: Certificate): CertificateActions {
  const provision = useAction('provision', `${alias} was provisioned`, (hostid) => ({ id, hostid }));
  const revoke = useAction('revoke', `${alias} was revoked`, (hostid) => ({ id, zoneid, hostid }));
  const remove = useAction('delete', `${alias} was deleted`, () => ({ id }));
  return { provision, revoke, remove };
}

function useAction(
  verb: 'provision' | 'revoke' | 'delete',
  done: string,
  valuesOf: (hostid: string | undefined) => Values,
): Action {
  const command = useCommand<Told>(`${verb}TemplateDirectDownloadCertificate`);
  return {
    isPending: command.isPending,
    start: (host) =>
      command.mutate(valuesOf(host?.hostid), {
        onSuccess: (told) => tell(done, statusesIn(told)),
        onError: ({ message }) => notifications.show({ color: 'red', message, autoClose: false }),
      }),
  };
}

/** A host that was not reached is seen to later, and that is to be known now. */
function tell(done: string, hosts: readonly HostStatus[]): void {
  const amiss = hosts.filter(({ details }) => details !== undefined);
  notifications.show(
    amiss.length === 0
      ? { message: done }
      : {
          color: 'orange',
          title: done,
          message: amiss.map(({ hostname, details }) => `${hostname}: ${details ?? ''}`).join('; '),
          autoClose: false,
        },
  );
}
