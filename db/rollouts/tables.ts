/** Row types of roll-outs. */
import type { Generated } from 'kysely';
import type { NullableTime } from '../columns.ts';
import type { RolloutSelection, RolloutState } from '../../model/rollout.ts';

export interface TemplateRolloutTable {
  job_id: number;
  template_id: number;
  zone_id: number;
  selection: RolloutSelection;
  cluster_id: number | null;
  tag: string | null;
  /** Host and port of the template's URL. */
  origin: string;
  /** The most copies at a time; null: as the settings of the zone say. */
  at_once: number | null;
  state: Generated<RolloutState>;
  cancelled_by: string | null;
  /** When a sweep looked at it last. */
  swept: NullableTime;
}
