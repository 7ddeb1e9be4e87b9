import { defineCommand, EVERYBODY } from '../../server/command.ts';
import { id } from '../../fields/parameters.ts';
import { answerList, type Shape, string } from '../../fields/response.ts';

const HYPERVISOR: Shape<{ readonly name: string }> = { name: string('the name', ({ name }) => name) };

export const listHypervisors = defineCommand({
  name: 'listHypervisors',
  description: 'Lists the hypervisors: KVM, whose hosts download by themselves.',
  roles: EVERYBODY,
  parameters: { zoneid: id('accepted for other clients; it is the same in all zones') },
  objects: 'hypervisor',
  response: HYPERVISOR,
  run: ({ caller }) =>
    Promise.resolve(answerList('hypervisor', HYPERVISOR, { count: 1, rows: [{ name: 'KVM' }] }, caller)),
});
