/** Chooses the host that works on a copy. */
import { copyFacts } from '../../db/copies/copies.ts';
import { NotPossible } from '../../db/errors.ts';
import { hostsOfPool } from '../../db/hosts/hosts.ts';
import type { PoolHost } from '../../db/hosts/hosts.ts';
import { preferCapable, missingCapability } from '../../model/capabilities.ts';
import type { Needs } from '../../model/capabilities.ts';
import { addressTo } from './sealing.ts';
import type { ChosenHost } from './sealing.ts';
import type { ControlDeps } from './deps.ts';

export type { ChosenHost } from './sealing.ts';

export interface HostQuestion {
  readonly copyId: string;
  /** Hosts that are never chosen. */
  readonly excluded: readonly string[];
  /** Hosts that are chosen only when there is no other, the first of them first. */
  readonly avoided: readonly string[];
}

export type HostChoice =
  | { readonly host: ChosenHost; /** Age of the pool's last report. */ readonly reportAgeMs: number }
  /** No host now. */
  | {
      readonly host?: undefined;
      /** A sentence that names the hosts of the pool, and why each cannot. */
      readonly reason: string;
      /** The same without hosts. Absent in what earlier releases recorded. */
      readonly publicReason?: string;
      /** Every host that has the pool is excluded: waiting does not help. */
      readonly hopeless: boolean;
    };

export interface HostChoiceActivities {
  /**
   * A host that can work on the copy: Up, Enabled, with the pool mounted, and with its certificates. Requests the keystore
   * workflows of hosts that lack certificates alone.
   */
  chooseHost(question: HostQuestion): Promise<HostChoice>;
}

const NEVER_REPORTED_MS = Number.MAX_SAFE_INTEGER;

export function createHostChoice(deps: ControlDeps): HostChoiceActivities {
  return {
    async chooseHost(question) {
      const found = await findHost(deps, question);
      if (found.host === undefined) return found;
      const { host, copy } = found;
      return { host: await addressTo(host, copy.templateId, deps), reportAgeMs: reportAgeOf(copy) };
    },
  };
}

type CopyFacts = NonNullable<Awaited<ReturnType<typeof copyFacts>>>;
type NoHost = Extract<HostChoice, { readonly host?: undefined }>;

/** Age of the pool's last report, in milliseconds. */
export const reportAgeOf = ({ reportAgeMs }: CopyFacts): number => reportAgeMs ?? NEVER_REPORTED_MS;

/**
 * @param bytes that are to be brought onto the pool
 * @throws NotPossible when the copy is gone
 */
export async function findHost(
  { db, orchestration }: Pick<ControlDeps, 'db' | 'orchestration'>,
  question: HostQuestion,
  bytes?: number,
): Promise<{ readonly host: PoolHost; readonly copy: CopyFacts } | NoHost> {
  const copy = await copyFacts(db, question.copyId, bytes);
  if (copy === undefined) throw new NotPossible('The pool was removed, and the copy with it');
  const hosts = await hostsOfPool(db, copy.poolId);
  const unsettled = hosts.filter((host) => host.up && isUsable(host) && !host.settled);
  await Promise.all(unsettled.map(({ hostId, name }) => orchestration.requestKeystore(hostId, name)));
  const host = pickHost(preferCapable(hosts, copy), question, copy.lastHostId);
  if (host !== undefined) return { host, copy };
  const rest = hosts.filter(({ hostId }) => !question.excluded.includes(hostId));
  return {
    ...whyNone(hosts, copy, question.excluded),
    hopeless: question.excluded.length > 0 && !rest.some(isUsable),
  };
}

/** Whether the host can work on the pool when it is Up: a host that is Down comes back. */
const isUsable = ({ mounted, enabled }: PoolHost): boolean => mounted && enabled;

/**
 * Prefers the host of the latest attempt, which has part of the file already; else takes a random one, so that hosts share
 * the work.
 * @param last the host of the latest attempt
 */
function pickHost(
  hosts: readonly PoolHost[],
  { excluded, avoided }: Pick<HostQuestion, 'excluded' | 'avoided'>,
  last: string | null,
): PoolHost | undefined {
  const able = hosts.filter(
    (host) => host.up && host.settled && isUsable(host) && !excluded.includes(host.hostId),
  );
  const preferred = able.filter(({ hostId }) => !avoided.includes(hostId));
  return (
    preferred.find(({ hostId }) => hostId === last) ??
    preferred[Math.floor(Math.random() * preferred.length)] ??
    avoided.map((id) => able.find(({ hostId }) => hostId === id)).find((host) => host !== undefined)
  );
}

function whyNone(
  hosts: readonly PoolHost[],
  { poolName, ...needs }: Needs & { readonly poolName: string },
  excluded: readonly string[],
): { readonly reason: string; readonly publicReason: string } {
  if (hosts.length === 0) {
    const reason = `no host has pool ${poolName}`;
    return { reason, publicReason: reason };
  }
  const reasons = hosts.map((host) => `${host.name} ${whyNot(host, needs, excluded)}`).join(', ');
  const publicReason = `no host can work on pool ${poolName}`;
  return { reason: `${publicReason}: ${reasons}`, publicReason };
}

function whyNot(
  { hostId, up, enabled, mounted, settled, capabilities }: PoolHost,
  needs: Needs,
  excluded: readonly string[],
): string {
  if (excluded.includes(hostId)) return 'has failed';
  if (!enabled) return 'is not enabled';
  if (!up) return 'is Down';
  if (!mounted) return 'does not have it mounted';
  if (!settled) return 'has not taken the certificates of its zone yet';
  return missingCapability(capabilities, needs) ?? 'cannot';
}
