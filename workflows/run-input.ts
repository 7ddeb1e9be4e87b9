/**
 * The input of a run: it is parsed, and it names the rules and the timing by which the run goes on until its end, also
 * after an upgrade.
 */
import { ApplicationFailure } from '@temporalio/common';
import { read } from '../model/messages/schema.ts';
import type { Schema } from '../model/messages/schema.ts';
import { NOT_POSSIBLE } from '../model/names.ts';
import { rulesOf } from '../model/rules/released.ts';
import type { RunParameters, Timings } from '../model/timing.ts';

/** Parses the input before the workflow runs. An unreadable input ends the run with the reason. */
export const withParsedInput =
  <I, R>(schema: Schema<I>, run: (input: I) => Promise<R>) =>
  async (rawInput: unknown): Promise<R> => {
    const { value, problem } = read(schema, rawInput);
    if (problem === undefined) return run(value);
    throw ApplicationFailure.nonRetryable(`The input cannot be understood: ${problem}`, NOT_POSSIBLE);
  };

/** The times of a run: those that its input carries, else those of the rules that its input names. */
export const timingOf = <K extends keyof Timings>(
  kind: K,
  { rules, timing }: RunParameters<Timings[K]>,
): Timings[K] => ({ ...rulesOf(rules).timing[kind], ...timing });
