/** What can be done to a certificate; how it went on each host is told. */
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { call, type Values } from '../api/client.ts';
import { fewAtATime } from '../api/few-at-a-time.ts';
import { useChanged, useCommand } from '../api/queries.ts';
import type { Certificate, HostStatus } from './shapes.ts';

/** Hosts that are told of one by one. */
const TOLD = 3;

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

/** Brings it to each of these hosts, which undoes a revocation. */
export function useProvisionOnAll({ id, alias }: Certificate) {
  const changed = useChanged();
  return useMutation({
    mutationFn: (hosts: readonly HostStatus[]) =>
      fewAtATime(hosts, ({ hostid }) =>
        call<Told>('provisionTemplateDirectDownloadCertificate', { id, hostid }),
      ),
    onSuccess: (results, hosts) =>
      tell(
        `${alias} was provisioned`,
        results.flatMap((result, at) => {
          if (result.status === 'fulfilled') return statusesIn(result.value);
          const host = hosts[at];
          return host === undefined ? [] : [{ ...host, details: (result.reason as Error).message }];
        }),
      ),
    onSettled: changed,
  });
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
          message: [
            ...amiss.slice(0, TOLD).map(({ hostname, details }) => `${hostname}: ${details ?? ''}`),
            ...(amiss.length > TOLD ? [`${amiss.length - TOLD} more`] : []),
          ].join('; '),
          autoClose: false,
        },
  );
}
