/** Which host does it. */
import { copyFacts, lastHostOf } from '../db/copies.ts';
import { NotPossible } from '../db/errors.ts';
import { hostsOfPool } from '../db/hosts.ts';
import type { PoolHost } from '../db/hosts.ts';
import { addressTo } from './control-sealing.ts';
import type { ChosenHost } from './control-sealing.ts';
import type { ControlDeps } from './control.ts';

export type { ChosenHost } from './control-sealing.ts';

export interface HostQuestion {
  readonly copyId: string;
  /** Never these. */
  readonly excluded: readonly string[];
  /** These only when there is no other, the first of them first. */
  readonly avoided: readonly string[];
}

export type HostChoice =
  | { readonly host: ChosenHost; /** Of the pool's last report. */ readonly reportAgeMs: number }
  /** No host now. */
  | {
      readonly host?: undefined;
      /** Which there are, and why not. */
      readonly reason: string;
      /** Those that have the pool are all excluded: waiting brings none. */
      readonly hopeless: boolean;
    };

export interface HostChoiceActivities {
  /** A host that can work on the copy: Up, Enabled, with the pool mounted, and with its certificates. */
  chooseHost(question: HostQuestion): Promise<HostChoice>;
}

const NEVER_REPORTED_MS = Number.MAX_SAFE_INTEGER;

export function createHostChoice(deps: ControlDeps): HostChoiceActivities {
  const { db, orchestration } = deps;
  return {
    async chooseHost(question) {
      const copy = await copyFacts(db, question.copyId);
      if (copy === undefined) throw new NotPossible('The pool was removed, and the copy with it');
      const hosts = await hostsOfPool(db, copy.poolId);
      const late = hosts.filter((host) => host.up && couldDoIt(host) && !host.settled);
      await Promise.all(late.map(({ hostId, name }) => orchestration.requestKeystore(hostId, name)));
      const chosen = pickHost(hosts, question, await lastHostOf(db, question.copyId));
      if (chosen === undefined) {
        const reason = whyNone(hosts, copy.poolName, question.excluded);
        const rest = hosts.filter(({ hostId }) => !question.excluded.includes(hostId));
        return { reason, hopeless: question.excluded.length > 0 && !rest.some(couldDoIt) };
      }
      const host = await addressTo(chosen, copy.templateId, copy.sealed, deps);
      return { host, reportAgeMs: copy.reportAgeMs ?? NEVER_REPORTED_MS };
    },
  };
}

/** Down ones come back. */
const couldDoIt = ({ mounted, enabled }: PoolHost): boolean => mounted && enabled;

/**
 * The host that has fetched part of it already goes on; else a random one, so that hosts share the work.
 * @param last the host of the latest attempt
 */
export function pickHost(
  hosts: readonly PoolHost[],
  { excluded, avoided }: Pick<HostQuestion, 'excluded' | 'avoided'>,
  last: string | undefined,
): PoolHost | undefined {
  const able = hosts.filter(
    (host) => host.up && host.settled && couldDoIt(host) && !excluded.includes(host.hostId),
  );
  const liked = able.filter(({ hostId }) => !avoided.includes(hostId));
  return (
    liked.find(({ hostId }) => hostId === last) ??
    liked[Math.floor(Math.random() * liked.length)] ??
    avoided.map((id) => able.find(({ hostId }) => hostId === id)).find((host) => host !== undefined)
  );
}

function whyNone(hosts: readonly PoolHost[], poolName: string, excluded: readonly string[]): string {
  if (hosts.length === 0) return `no host has pool ${poolName}`;
  const told = hosts.map((host) => `${host.name} ${whyNot(host, excluded)}`).join(', ');
  return `no host can work on pool ${poolName}: ${told}`;
}

function whyNot({ hostId, up, enabled, mounted, settled }: PoolHost, excluded: readonly string[]): string {
  if (excluded.includes(hostId)) return 'has failed';
  if (!enabled) return 'is not enabled';
  if (!up) return 'is Down';
  if (!mounted) return 'does not have it mounted';
  return settled ? 'cannot' : 'has not taken the certificates of its zone yet';
}
