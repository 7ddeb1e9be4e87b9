import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { id, required } from '../../fields/parameters.ts';
import { JOB, render } from '../../fields/response.ts';
import { machineNamed } from './machines.ts';
import { noAffinityGroups, requireNone } from './no-groups.ts';
import { vmJobDone } from './vm-job.ts';

export const updateVmAffinityGroup = defineCommand({
  name: 'updateVMAffinityGroup',
  since: '0.2.0',
  description: 'Takes empty lists only: there are no affinity groups.',
  isAsync: true,
  roles: EVERYBODY,
  parameters: { id: required(id('the machine')), ...noAffinityGroups },
  response: JOB,
  async run(context, { id: given, ...groups }) {
    const machine = await machineNamed(context, 'id', given);
    requireNone(context, groups);
    return render(JOB, { jobid: await vmJobDone(context, machine) }, context.caller);
  },
});
