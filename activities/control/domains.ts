/** The control side of comparisons of domains with machines. */
import { beforeDomains, recordDomains } from '../../db/vms/domains.ts';
import type { ListDomainsResult } from '../../model/vm-payloads.ts';
import { workflowId } from '../context.ts';
import { readSigned } from './answers.ts';
import type { ControlDeps } from './deps.ts';

export interface DomainActivities {
  /** The host's name, and the time; undefined when there is no such host. */
  beginDomains(hostId: string): Promise<{ readonly name: string; readonly at: string } | undefined>;
  /** Records what the host reports. @param at `beginDomains`' time @returns the number of machines whose state changed */
  recordDomains(listed: ListDomainsResult, at: string): Promise<{ readonly changes: number }>;
}

export const createDomainActivities = ({ db }: ControlDeps): DomainActivities => ({
  beginDomains: (hostId) => beforeDomains(db, hostId),
  async recordDomains(answer, at) {
    const listed = await readSigned(db, ['listDomains'], answer);
    return { changes: await recordDomains(db, listed, { at, workflowId: workflowId() }) };
  },
});
