/**
 * getVirtualMachineConsoleLog: the end of what the guest has written to its serial console. `output` is text, as CloudStack
 * answers texts: UTF-8, with U+FFFD for bytes that are none. Control characters are in it as the guest wrote them, since
 * JSON escapes them; a client that shows the text on a terminal or a page must make them harmless.
 */
import { hostOfLog } from '../../../db/vms/parts.ts';
import { type CommandContext, defineCommand, EVERYBODY } from '../../server/command.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError } from '../../server/errors.ts';
import { id, integer, required } from '../../fields/parameters.ts';
import { answerOne, boolean, long, type Shape, string } from '../../fields/response.ts';
import { type Machine, machineNamed } from './machines.ts';

const MAX_BYTES = 65_536;
/** Milliseconds kept for the answer itself. */
const ANSWER_MS = 300;

interface LogView {
  readonly vm: string;
  readonly output: Buffer;
  /** Bytes that the guest has written so far. */
  readonly size: number;
}

export const CONSOLE_LOG: Shape<LogView> = {
  virtualmachineid: string('the id of the machine', ({ vm }) => vm),
  output: string(
    'the last bytes that the guest wrote, as text: it may hold control characters, which are not for a terminal',
    ({ output }) => output.toString(),
  ),
  truncated: boolean('whether the guest wrote more before', ({ output, size }) => size > output.length),
  size: long('bytes that the guest has written so far', ({ size }) => size),
};

export const getVirtualMachineConsoleLog = defineCommand({
  name: 'getVirtualMachineConsoleLog',
  since: '0.2.0',
  description: 'Answers the end of what the guest of a virtual machine wrote to its serial console.',
  roles: EVERYBODY,
  parameters: {
    virtualmachineid: required(id('the machine')),
    bytes: integer(`how many bytes at most; ${MAX_BYTES} when absent`, { min: 1, max: MAX_BYTES }),
  },
  object: 'consolelog',
  response: CONSOLE_LOG,
  async run(context, { virtualmachineid, bytes = MAX_BYTES }) {
    const machine = await machineNamed(context, 'virtualmachineid', virtualmachineid);
    return answerOne('consolelog', CONSOLE_LOG, [await readLog(context, machine, bytes)], context.caller);
  },
});

/** @throws ApiError 534 when the host does not answer */
async function readLog(context: CommandContext, machine: Machine, bytes: number): Promise<LogView> {
  const { db, orchestration, answerBy } = context;
  const vm = machine.uuid;
  const host = await hostOfLog(db, machine.id);
  // It has never run.
  if (host === undefined) return { vm, output: Buffer.alloc(0), size: 0 };
  const waitMs = Math.max(0, answerBy - Date.now() - ANSWER_MS);
  const answer = await orchestration.consoleLog({ vmId: vm, hostId: host.uuid }, bytes, waitMs);
  if (answer === undefined) throw noLog('The host that has the log does not answer', host.uuid);
  if (answer.problem !== undefined) throw noLog(`The log cannot be read: ${answer.problem}`, host.uuid);
  return { vm, output: Buffer.from(answer.output, 'base64').subarray(-bytes), size: answer.size };
}

const noLog = (what: string, hostId: string): ApiError =>
  new ApiError(apiCodes.unavailable, `${what}; try again later.`, { advice: 'try again later', hostId });
