/** Checks a URL as a registration would, and keeps nothing: the rows exist only while the host probes. */
import { CancellationScope, isCancellation } from '@temporalio/workflow';
import type { RegistrationInput } from '../../model/payloads.ts';
import type { SourceCheckResult } from '../../model/source-check.ts';
import { isFailure, messageOf } from '../failures.ts';
import { control, localControl } from '../policies.ts';
import { probeFromSomeHost, refusalFor } from './probe.ts';

export async function sourceCheck(input: RegistrationInput): Promise<SourceCheckResult> {
  try {
    const recorded = await localControl('Write the rows, choose a host').recordRegistration(input);
    const probe = await probeFromSomeHost(input, recorded);
    if (!('host' in probe)) return { v: 1, refusal: probe };
    const { host, report } = probe;
    return await localControl('Judge what the host found').judgeSource(input, report, host.hostName);
  } catch (error) {
    if (!isFailure(error) || isCancellation(error)) throw error;
    return { v: 1, refusal: refusalFor(messageOf(error)) };
  } finally {
    await CancellationScope.nonCancellable(() => control('Remove the rows').forgetRegistration(input));
  }
}
