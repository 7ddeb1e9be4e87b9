/** Starts the workflows of virtual machines. */
import type { Client } from '@temporalio/client';
import {
  CONTROL_QUEUE,
  VM_MEMO,
  WANTED_SIGNAL,
  consoleLogWorkflowId,
  vmWorkflowId,
  workflowTypes,
} from '../model/names.ts';
import { summaryOf } from '../model/summary.ts';
import type { ConsoleLogAnswer, ConsoleLogInput } from '../model/vm-payloads.ts';
import { VM_TIMING } from '../model/vm-timing.ts';
import type { Orchestration, OrchestrationOptions } from './orchestration.ts';
import { isLate } from './workflow-status.ts';

type ConsoleLog = (input: ConsoleLogInput) => Promise<ConsoleLogAnswer>;

export function vmCalls(
  client: Client,
  { vmTiming }: OrchestrationOptions,
): Pick<Orchestration, 'requestVm' | 'consoleLog'> {
  const { workflow } = client;
  return {
    async requestVm(vmId, name) {
      await workflow.signalWithStart(workflowTypes.vm, {
        taskQueue: CONTROL_QUEUE,
        workflowId: vmWorkflowId(vmId),
        args: [{ v: 1, vmId, timing: { ...VM_TIMING, ...vmTiming } }],
        signal: WANTED_SIGNAL,
        signalArgs: [],
        staticSummary: summaryOf(`Virtual machine ${name ?? vmId}`),
        memo: name === undefined ? {} : { [VM_MEMO]: name },
      });
    },

    async consoleLog(machine, bytes, waitMs) {
      try {
        return await client.withDeadline(Date.now() + waitMs, () =>
          workflow.execute<ConsoleLog>(workflowTypes.consoleLog, {
            taskQueue: CONTROL_QUEUE,
            workflowId: consoleLogWorkflowId(machine.vmId),
            workflowIdConflictPolicy: 'USE_EXISTING',
            args: [{ v: 1, ...machine, bytes }],
            staticSummary: 'Read the console log',
          }),
        );
      } catch (error) {
        if (isLate(error)) return undefined;
        throw error;
      }
    },
  };
}
