/**
 * A template or ISO is registered by its URL: rows that only its owner can see, a probe of the URL by a host, then
 * either a usable template, or no trace but an event. A slow source gets more time than the caller waits. A deletion
 * that is requested meanwhile ends the probe, and the workflow continues as that deletion.
 */
import { CancellationScope, defineSignal, isCancellation, setHandler } from '@temporalio/workflow';
import { deletionInput } from '../../model/messages/inputs.ts';
import { read } from '../../model/messages/schema.ts';
import { WANTED_SIGNAL, workflowTypes } from '../../model/names.ts';
import type {
  DeletionInput,
  RegistrationInput,
  RegistrationRefusal,
  RegistrationResult,
} from '../../model/payloads.ts';
import { continueAs } from '../continue-as-new.ts';
import { isFailure, messageOf } from '../failures.ts';
import { control, localControl } from '../policies.ts';
import { show } from '../status.ts';
import { probeFromSomeHost, refusalFor } from './probe.ts';

const wantedSignal = defineSignal<[DeletionInput]>(WANTED_SIGNAL);

export async function registration(input: RegistrationInput): Promise<RegistrationResult> {
  const { templateId } = input;
  const work = new CancellationScope();
  let deletion: DeletionInput | undefined;
  setHandler(wantedSignal, (request) => {
    const { value } = read(deletionInput, request);
    if (value === undefined) return;
    deletion = value;
    work.cancel();
  });
  const isDeleted = (): boolean => deletion !== undefined;
  const continueAsDeletion = (): Promise<never> =>
    continueAs(workflowTypes.deletion, deletion as unknown as DeletionInput);
  let refusal: RegistrationRefusal | undefined;
  try {
    refusal = await work.run(() => check(input));
  } catch (error) {
    if (!isFailure(error)) throw error;
    if (isDeleted()) return continueAsDeletion();
    if (isCancellation(error)) {
      await abandon(input, messageOf(error));
      throw error;
    }
    refusal = refusalFor(messageOf(error));
  }
  if (refusal !== undefined && !isDeleted()) {
    await abandon(input, refusal.message);
    show(`Not registered: ${refusal.message}`, { State: 'Refused' });
  }
  if (isDeleted()) return continueAsDeletion();
  return refusal === undefined
    ? { v: 1, templateId, outcome: 'active' }
    : { v: 1, templateId, outcome: 'refused', refusal };
}

const abandon = (input: RegistrationInput, message: string): Promise<void> =>
  CancellationScope.nonCancellable(() => control('Remove the rows').abandonRegistration(input, message));

/** @returns why the registration is refused; undefined once the template is registered */
async function check(input: RegistrationInput): Promise<RegistrationRefusal | undefined> {
  const recorded = await localControl('Write the rows, choose a host').recordRegistration(input);
  if (recorded.done) return undefined;
  const probe = await probeFromSomeHost(input, recorded);
  if (!('host' in probe)) return probe;
  const { hostId, hostName } = probe.host;
  const judge = localControl('Judge what the host found');
  const { refusal } = await judge.completeRegistration(input, probe.report, hostName);
  if (refusal === undefined) {
    show(`Registered; host ${hostName} probed the URL.`, { State: 'Active', HostId: hostId });
  }
  return refusal;
}
