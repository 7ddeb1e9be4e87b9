/** Inputs of the workflows that run for as long as what they look after. */
import type { ReportsTiming, RunParameters, UpkeepTiming } from './timing.ts';

/** Asks the hosts of a zone for their reports. */
export interface HostReportsInput extends RunParameters<ReportsTiming> {
  readonly v: 1;
  readonly zoneId: string;
  /** Replaces times of the current timing, in each run. */
  readonly instead?: Partial<ReportsTiming>;
  /** Hosts that had their turn in the round in which the run before ended. */
  readonly taken?: number;
}

export interface HostReportsResult {
  readonly v: 1;
}

export interface UpkeepInput extends RunParameters<UpkeepTiming> {
  readonly v: 1;
  /** Replaces times of the current timing, in each run of upkeep and of the collecting of reports. */
  readonly instead?: Partial<UpkeepTiming>;
  /** Number of the latest sweep. */
  readonly sweeps?: number;
}
