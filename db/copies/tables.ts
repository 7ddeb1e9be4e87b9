/** Row types of copies, their download attempts and reservations, and of throughput. */
import type { ColumnType, Generated } from 'kysely';
import type { CopyState, DownloadState } from '../../model/states.ts';
import type { NamedHost } from '../../model/failures.ts';
import type { Evidence, Id, NullableJson, NullableTime, Time } from '../columns.ts';

export interface TemplateSpoolRefTable {
  id: Id;
  uuid: Generated<string>;
  template_id: number;
  pool_id: number;
  download_state: Generated<DownloadState>;
  download_pct: Generated<number>;
  state: Generated<CopyState>;
  error_str: string | null;
  error_kind: string | null;
  /** The host that the error is about; `error_str` names none. */
  error_host: NullableJson<NamedHost>;
  local_path: string | null;
  install_path: string | null;
  template_size: Generated<number>;
  physical_size: Generated<number>;
  sha256: string | null;
  marked_for_gc: Generated<boolean>;
  cancelled_by: string | null;
  job_id: string | null;
  /** Evidence about the published file. */
  evidence: Evidence;
  /** Where the attempt that runs now fetches; null: none runs. */
  fetching: 'origin' | 'peer' | null;
  /** The host of that attempt, or of the attempt that made the copy ready. */
  fetch_host_id: number | null;
  /** From which the latest attempt fetches; null: the origin, or a parent that is gone. */
  parent_copy_id: number | null;
  parent_host_id: number | null;
  /** Hosts between the latest attempt and the origin. */
  depth: number | null;
  /** Fetched bytes of all attempts. */
  origin_bytes: Generated<number>;
  peer_bytes: Generated<number>;
  lineage: string | null;
  /** When the copy last had to wait for a source; null: it does not wait. */
  source_asked: NullableTime;
  /** How urgently it is wanted while it waits: 1 goes before 5. */
  source_priority: number | null;
  /** Since when nothing uses it and nobody asks for it, as far as looks found. */
  idle_since: NullableTime;
  /** When its file was last found to be what was published. */
  verified: NullableTime;
  /** When a host was last asked to verify it because it was time. */
  verification_asked: NullableTime;
  /** When another download was last begun to replace its damaged file. */
  healing_begun: NullableTime;
  created: Time;
  last_updated: Time;
}

/** Hosts that gave wrong bytes of a copy. */
export interface CopyWrongPeerTable {
  copy_id: number;
  host_id: number;
  created: Time;
}

/** Hashes of the pieces of a published image (model/image-pieces.ts). */
export interface ImagePiecesTable {
  sha256: string;
  /** Bytes of the image, and of each piece but the last. */
  size: number;
  piece_length: number;
  hashes: string;
  created: Time;
  /** UUID of the host that computed them. */
  given_by: string | null;
  proven: Generated<boolean>;
}

/** The SHA-256 of the image of a lineage. */
export interface ImageLineageTable {
  lineage: string;
  template_id: number;
  sha256: string;
  created: Time;
}

export interface DownloadAttemptTable {
  id: Id;
  uuid: string;
  copy_id: number;
  host_id: number | null;
  host_name: string;
  sequence: number;
  source: string;
  started: Time;
  ended: Time;
  bytes: number;
  failure_kind: string | null;
  error_str: string | null;
  /** Why the attempt started from byte 0 although a part file existed. */
  note: string | null;
  /** Evidence about a file that was refused. */
  evidence: Evidence;
}

export interface PoolReservationTable {
  copy_id: number;
  pool_id: number;
  /** Bytes of the whole file, including those already written. */
  bytes: number;
  created: Time;
}

/** Bytes fetched within a minute for the templates of an account. */
export interface ThroughputSampleTable {
  minute: ColumnType<Date, Date, never>;
  account_id: number;
  bytes: number;
}

/** How many bytes of an attempt are counted in `throughput_sample`, and until when. */
export interface CountedAttemptTable {
  attempt: string;
  account_id: number;
  bytes: number;
  counted: Time;
}
