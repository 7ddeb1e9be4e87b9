/**
 * Compares the domains of a host with the rows of its machines. Hosts start it when a domain has changed, and each minute. A
 * request that comes meanwhile makes it compare once more. The host is asked for all of its domains, so that what was missed
 * before is found now. What the host says of a moment before the latest change of a row changes nothing in that row.
 */
import { CancellationScope, defineSignal, setHandler } from '@temporalio/workflow';
import { describeFailure } from '../../model/failures.ts';
import { WANTED_SIGNAL } from '../../model/names.ts';
import type { DomainsInput } from '../../model/vm-payloads.ts';
import { VM_TIMING } from '../../model/vm-timing.ts';
import { hostFailure, isFailure } from '../failures.ts';
import { control, machine } from '../policies.ts';
import { timingOf } from '../run-input.ts';
import { show } from '../status.ts';

const wantedSignal = defineSignal(WANTED_SIGNAL);

export async function domains(input: DomainsInput): Promise<{ readonly v: 1 }> {
  const { mostLooks } = timingOf('domains', input);
  let requested = 0;
  setHandler(wantedSignal, () => {
    requested += 1;
  });
  for (let round = 0; round < mostLooks; round += 1) {
    const served = requested;
    await compareOnce(input.hostId);
    if (requested === served) break;
  }
  return { v: 1 };
}

async function compareOnce(hostId: string): Promise<void> {
  const before = await control('Note the time').beginDomains(hostId);
  if (before === undefined) return;
  const { name, at } = before;
  try {
    const host = machine(hostId, VM_TIMING, `List the domains of host ${name}`);
    const listed = await host.listDomains({ v: 1 });
    const { changes } = await control('Compare them with the machines').recordDomains(listed, at);
    show(listed.problem ?? `${listed.domains.length} domains, ${changes} changes.`, {
      HostId: hostId,
      State: listed.problem === undefined ? 'Ready' : 'Failed',
    });
  } catch (error) {
    if (!isFailure(error) || CancellationScope.current().consideredCancelled) throw error;
    const problem = describeFailure(hostFailure(error, { hostId, hostName: name }));
    show(`Not compared: ${problem}`, { HostId: hostId, State: 'Failed' });
  }
}
