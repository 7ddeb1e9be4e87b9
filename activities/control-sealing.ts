/** Secrets on their way from the database to the one host that uses them. */
import type { HostAddress } from '../db/hosts.ts';
import type { MasterKey } from '../trust/master-key.ts';
import { openAtRest, sealForHost } from '../trust/sealing.ts';

/** A host as a workflow addresses it, with what only it can open. */
export interface ChosenHost {
  readonly hostId: string;
  readonly hostName: string;
  readonly sealed?: string;
}

/**
 * @param atRest a template's secrets as the database has them, if it has any
 * @throws ImageError SealBroken when they cannot be opened here
 */
export async function addressTo(
  host: HostAddress,
  templateId: string,
  atRest: string | null | undefined,
  masterKey: MasterKey,
): Promise<ChosenHost> {
  const { hostId, name: hostName, sealingKey } = host;
  if (atRest === null || atRest === undefined) return { hostId, hostName };
  const secrets = await openAtRest(masterKey, atRest);
  const label = { templateId, hostId, origin: secrets.origin };
  return { hostId, hostName, sealed: await sealForHost(sealingKey, secrets, label) };
}
