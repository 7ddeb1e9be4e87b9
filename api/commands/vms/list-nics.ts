import { listNics as queryNics } from '../../../db/vms/nics.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { pagingParameters, readPage } from '../../fields/paging.ts';
import { id, isUuid, required } from '../../fields/parameters.ts';
import { answerList } from '../../fields/response.ts';
import { NIC } from '../../fields/answers/nic.ts';
import { machineNamed } from './machines.ts';

export const listNics = defineCommand({
  name: 'listNics',
  since: '0.2.0',
  description: 'Lists the network cards of a virtual machine, the default one first.',
  roles: EVERYBODY,
  parameters: {
    virtualmachineid: required(id('the machine')),
    nicid: id('this one'),
    networkid: id('those in this network'),
    ...pagingParameters,
  },
  objects: 'nic',
  response: NIC,
  async run(context, values) {
    const { limit, offset } = readPage(values);
    const machine = await machineNamed(context, 'virtualmachineid', values.virtualmachineid);
    if ([values.nicid, values.networkid].some((given) => given !== undefined && !isUuid(given))) return {};
    const nics = await queryNics(context.db, {
      vmIds: [machine.id],
      id: values.nicid,
      networkId: values.networkid,
    });
    const page = { count: nics.length, rows: nics.slice(offset, offset + limit) };
    return answerList('nic', NIC, page, context.caller);
  },
});
