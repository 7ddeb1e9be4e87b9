/** What goes with a job to the one host that does it: what its zone says of sources, what is ours, and secrets. */
import { wantedDigests } from '../db/certificates.ts';
import { configurationOfHost } from '../db/configurations.ts';
import type { Database } from '../db/database.ts';
import type { HostAddress } from '../db/hosts.ts';
import { ownParts } from '../db/own-parts.ts';
import { headerOriginsOf, policyOf, timeoutsOf } from '../model/configurations.ts';
import type { SecretWay } from '../model/source.ts';
import type { SourceTimeouts } from '../model/source-rules.ts';
import type { UrlPolicy } from '../model/url-policy.ts';
import { openAtRest, sealForHost } from '../trust/sealing.ts';
import type { ControlDeps } from './control.ts';

/** A host as a workflow addresses it, with what only it can open. */
export interface ChosenHost {
  readonly hostId: string;
  readonly hostName: string;
  readonly sealed?: string;
  /** Of its zone, as are the timeouts. */
  readonly policy?: UrlPolicy;
  readonly timeouts?: SourceTimeouts;
}

const wayOf = async (
  hostId: string,
  { proxies, proxyIsGuard = false }: UrlPolicy,
  db: Database,
): Promise<SecretWay> => ({
  ...(proxies === undefined ? {} : { proxies }),
  proxyIsGuard,
  trusted: await wantedDigests(db, hostId),
});

/**
 * @param atRest a template's secrets as the database has them, if it has any
 * @throws ImageError SealBroken when they cannot be opened here
 */
export async function addressTo(
  host: HostAddress,
  templateId: string,
  atRest: string | null | undefined,
  { db, masterKey }: ControlDeps,
): Promise<ChosenHost> {
  const { hostId, name: hostName, sealingKey } = host;
  const [values, own] = await Promise.all([configurationOfHost(db, hostId), ownParts(db)]);
  const policy = policyOf(values);
  const chosen = {
    hostId,
    hostName,
    policy: { ...policy, parts: [...(policy.parts ?? []), ...own] },
    timeouts: timeoutsOf(values),
  };
  if (atRest === null || atRest === undefined) return chosen;
  const secrets = await openAtRest(masterKey, atRest);
  const label = { templateId, hostId, origin: secrets.origin };
  // In the box, where nobody else can add to them.
  const alsoFor = headerOriginsOf(values);
  const boxed = { ...secrets, ...(alsoFor.length === 0 ? {} : { alsoFor }) };
  const sealed = await sealForHost(sealingKey, { ...boxed, way: await wayOf(hostId, policy, db) }, label);
  return { ...chosen, sealed };
}
