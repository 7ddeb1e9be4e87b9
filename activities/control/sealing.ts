/** What a job carries for its host: the zone's rules for sources, the endpoints of Bypass itself, and sealed secrets. */
import { wantedDigests } from '../../db/certificates/certificates.ts';
import type { Database } from '../../db/database.ts';
import type { HostAddress } from '../../db/hosts/hosts.ts';
import { rulesOfHost } from '../../db/hosts/rules.ts';
import { secretsAndOwner } from '../../db/templates/secrets.ts';
import { headerOriginsOf, policyOf, timeoutsOf } from '../../model/configurations.ts';
import type { SecretWay } from '../../model/source.ts';
import type { SourceTimeouts } from '../../model/source-rules.ts';
import type { UrlPolicy } from '../../model/url-policy.ts';
import { sealForHost } from '../../trust/sealing.ts';
import type { ControlDeps } from './deps.ts';

/** A host as a workflow addresses it, with the secrets that only this host can open. */
export interface ChosenHost {
  readonly hostId: string;
  readonly hostName: string;
  readonly sealed?: string;
  /** URL policy and timeouts of the host's zone. */
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
 * The template's secrets are read from the database, never from a workflow's input: secrets that are encrypted at rest do
 * not travel.
 * @throws ImageError SealBroken when the master key does not open them
 */
export async function addressTo(
  host: HostAddress,
  templateId: string,
  { db, masterKey, protocols }: ControlDeps,
): Promise<ChosenHost> {
  const { hostId, name: hostName, sealingKey } = host;
  const [{ values, endpoints }, { secrets, isOfAdmin }] = await Promise.all([
    rulesOfHost(db, hostId),
    secretsAndOwner({ db, masterKey }, templateId),
  ]);
  const policy = policyOf(values, isOfAdmin, protocols);
  const chosen = {
    hostId,
    hostName,
    policy: { ...policy, parts: [...(policy.parts ?? []), ...endpoints] },
    timeouts: timeoutsOf(values),
  };
  if (secrets === undefined) return chosen;
  const label = { templateId, hostId, origin: secrets.origin };
  // Sealed as well, so that nobody can add an origin on the way.
  const alsoFor = headerOriginsOf(values);
  const contents = { ...secrets, ...(alsoFor.length === 0 ? {} : { alsoFor }) };
  const sealed = await sealForHost(sealingKey, { ...contents, way: await wayOf(hostId, policy, db) }, label);
  return { ...chosen, sealed };
}
