/** Finds the machine that a parameter names, and answers machines. */
import { findVm } from '../../../db/vms/listing.ts';
import type { Row } from '../../../db/tables.ts';
import type { CommandContext } from '../../server/command.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError } from '../../server/errors.ts';
import { entity } from '../../fields/entities.ts';
import { type Answer, answerOne } from '../../fields/response.ts';
import { readVms, VIRTUAL_MACHINE } from '../../fields/answers/vm.ts';

export type Machine = Row<'vm_instance'>;

/** A machine that is not expunged. That of another account is answered as if it did not exist. */
export const machineNamed = (context: CommandContext, parameter: string, id: string): Promise<Machine> =>
  entity(context, parameter, id, async (uuid) => {
    const { caller, db } = context;
    const vm = await findVm(db, uuid);
    const known = vm !== undefined && vm.removed === null;
    return known && (caller.role === 'admin' || vm.account_id === caller.accountId) ? vm : undefined;
  });

/** How CloudStack's sentences name a machine. */
export const nameOf = ({ uuid, display_name }: Machine): string => `${uuid} (${display_name})`;

/** @throws ApiError 431 in CloudStack's words for a machine that cannot be changed any more, or not yet */
export const wrongState = ({ uuid, state }: Machine, advice: string): ApiError =>
  new ApiError(
    apiCodes.parameter,
    `Vm with id ${uuid} is not in the right state: it is ${state}; ${advice}.`,
    { parameter: 'id', advice },
  );

/** @throws ApiError 431 for a machine that is destroyed, being expunged, or could not be made */
export function requireAlive(machine: Machine): void {
  const { state } = machine;
  if (state === 'Destroyed') throw wrongState(machine, 'recover it first');
  if (state === 'Expunging') throw wrongState(machine, 'it is being removed');
}

/** The machine as it is now. */
export async function answerMachine(context: CommandContext, uuid: string): Promise<Answer> {
  const views = await readVms(context, [uuid], { userDataDetails: true });
  return answerOne('virtualmachine', VIRTUAL_MACHINE, views, context.caller);
}
