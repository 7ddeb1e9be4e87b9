/** Processors and memory of a machine: those of its offering, or those that the user chooses within its bounds. */
import type { ServiceOffering } from '../../../db/offerings/service-offerings.ts';
import { apiCodes } from '../../../model/api-codes.ts';
import { ApiError } from '../../server/errors.ts';

export interface Compute {
  readonly cpu: number;
  /** MHz. */
  readonly speed: number;
  /** Megabytes. */
  readonly memory: number;
}

export type Details = Readonly<Record<string, string>>;

const MAX = 2 ** 31 - 1;
/** Megabytes. */
const MIN_MEMORY = 32;

const wrong = (sentence: string): ApiError =>
  new ApiError(apiCodes.parameter, sentence, { parameter: 'details' });

/** @throws ApiError 431 in CloudStack's words */
export function computeOf(offering: ServiceOffering, details: Details): Compute {
  const { uuid, cpu, speed, ram_size } = offering;
  const open = cpu === null || ram_size === null;
  if (open && details['cpuNumber'] === undefined && details['memory'] === undefined) {
    throw wrong(
      'Need to specify custom parameter values cpu, cpu speed and memory when using custom offering',
    );
  }
  const bounds = {
    cpu: [offering.min_cpu ?? 1, offering.max_cpu ?? MAX],
    speed: [1, MAX],
    memory: [offering.min_memory ?? MIN_MEMORY, offering.max_memory ?? MAX],
  } as const;
  requireFixed(uuid, [
    ['cpu cores', cpu, details['cpuNumber']],
    ['cpu speed', speed, details['cpuSpeed']],
    ['memory', ram_size, details['memory']],
  ]);
  return {
    cpu: cpu ?? chosen('cpu cores', details['cpuNumber'], bounds.cpu),
    speed: speed ?? chosen('cpu speed', details['cpuSpeed'] ?? DEFAULT_SPEED, bounds.speed),
    memory: ram_size ?? chosen('memory', details['memory'], bounds.memory),
  };
}

/** MHz, where neither offering nor user say one: it is the weight of a guest among others. */
const DEFAULT_SPEED = '1000';

function chosen(what: string, text: string | undefined, [least, most]: readonly [number, number]): number {
  const value = Number(text);
  if (text !== undefined && /^\d{1,10}$/.test(text) && value >= least && value <= most) return value;
  throw wrong(`Invalid ${what} value, specify a value between ${least} and ${most}`);
}

function requireFixed(
  uuid: string,
  values: readonly (readonly [what: string, fixed: number | null, given: string | undefined])[],
): void {
  for (const [what, fixed, given] of values) {
    // The value of the offering itself may be given: some clients repeat what they were answered.
    if (fixed === null || given === undefined || given === String(fixed)) continue;
    throw wrong(
      `The ${what} of this offering id:${uuid} is not customizable. This is predefined in the template.`,
    );
  }
}
