/** Reads the end of a machine's console log from its host, for one caller of the API. */
import { CancellationScope } from '@temporalio/workflow';
import { describeFailure } from '../../model/failures.ts';
import type { ConsoleLogAnswer, ConsoleLogInput } from '../../model/vm-payloads.ts';
import { VM_TIMING } from '../../model/vm-timing.ts';
import { hostFailure, isFailure } from '../failures.ts';
import { machine } from '../policies.ts';

export async function consoleLog({ vmId, hostId, bytes }: ConsoleLogInput): Promise<ConsoleLogAnswer> {
  try {
    const host = machine(hostId, VM_TIMING, 'Read the console log');
    const { output, size } = await host.consoleLog({ v: 1, vmId, bytes });
    return { v: 1, output, size };
  } catch (error) {
    if (!isFailure(error) || CancellationScope.current().consideredCancelled) throw error;
    return {
      v: 1,
      output: '',
      size: 0,
      problem: describeFailure(hostFailure(error, { hostId, hostName: hostId })),
    };
  }
}
