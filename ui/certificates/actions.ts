/** Actions on certificates; each reports its result on each host. */
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { call, type Values } from '../api/client.ts';
import { fewAtATime } from '../api/few-at-a-time.ts';
import { useChanged, useCommand } from '../api/queries.ts';
import type { Certificate, CertificateOnHost } from '../../model/api-answers.ts';

/** Hosts that a notification names; it counts the rest. */
const TOLD = 3;

interface Action {
  /** @param host absent: all hosts of the certificate */
  readonly start: (host?: CertificateOnHost) => void;
  readonly isPending: boolean;
}

export interface CertificateActions {
  readonly provision: Action;
  readonly revoke: Action;
  readonly remove: Action;
}

/** Reads the statuses of an answer, which has one, a list, or a map of them. */
interface Told {
  readonly directdownloadcertificatehoststatus?: CertificateOnHost | readonly CertificateOnHost[];
  readonly hostsmap?: readonly CertificateOnHost[];
}

const statusesIn = ({
  directdownloadcertificatehoststatus: found,
  hostsmap,
}: Told): readonly CertificateOnHost[] => hostsmap ?? [found ?? []].flat();

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
        onSuccess: (answer) => notify(done, statusesIn(answer)),
        onError: ({ message }) => notifications.show({ color: 'red', message, autoClose: false }),
      }),
  };
}

/** Provisions the certificate on each of these hosts, which undoes a revocation. */
export function useProvisionOnAll({ id, alias }: Certificate) {
  const changed = useChanged();
  return useMutation({
    mutationFn: (hosts: readonly CertificateOnHost[]) =>
      fewAtATime(hosts, ({ hostid }) =>
        call<Told>('provisionTemplateDirectDownloadCertificate', { id, hostid }),
      ),
    onSuccess: (results, hosts) =>
      notify(
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

/** Shows the result. Hosts that could not be reached are named, since the control worker provisions them later. */
function notify(done: string, hosts: readonly CertificateOnHost[]): void {
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
