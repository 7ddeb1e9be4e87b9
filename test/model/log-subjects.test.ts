import { subjectsOfCall, subjectsOfLine } from '../../model/log-subjects.ts';
import {
  copyWorkflowId,
  domainsWorkflowId,
  peersWorkflowId,
  templateWorkflowId,
  transferQueue,
  verificationWorkflowId,
  vmWorkflowId,
} from '../../model/names.ts';

const A = '0a8bcd0e-0000-4000-8000-00000000000a';
const B = '0a8bcd0e-0000-4000-8000-00000000000b';

test.each([
  [templateWorkflowId(A), { templateId: A }],
  [copyWorkflowId(A, B), { templateId: A, poolId: B }],
  [verificationWorkflowId(A, B), { templateId: A, poolId: B }],
  [vmWorkflowId(A), { vmId: A }],
  [domainsWorkflowId(A), { hostId: A }],
  [peersWorkflowId(A), { zoneId: A }],
  ['upkeep', {}],
])('a line that names workflow %s tells what it is about', (workflowId, subjects) => {
  expect(subjectsOfLine({ workflowId })).toEqual(subjects);
});

test('a line of a job of a host tells the host as well', () => {
  const line = { workflowId: copyWorkflowId(A, B), taskQueue: transferQueue(A) };
  expect(subjectsOfLine(line)).toEqual({ templateId: A, poolId: B, hostId: A });
  expect(subjectsOfLine({ taskQueue: 'control' })).toEqual({});
});

test('a line about a call tells what its parameters name, and nothing that is no id', () => {
  const sent = [
    ['templateId', A],
    ['storageid', B],
    ['id', A],
    ['name', 'secret'],
    ['hostid', 'no id'],
  ] as const;
  expect(subjectsOfCall('deployVirtualMachine', sent)).toEqual({ templateId: A, poolId: B, vmId: A });
  expect(subjectsOfCall('deleteIso', [['ID', A.toUpperCase()]])).toEqual({ templateId: A });
});
