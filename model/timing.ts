/**
 * How long each step of a workflow may take, and how long a workflow waits, in milliseconds. The values are in
 * model/rules/. The input of a run carries its own values, which tests shorten.
 */

/** Fields of every workflow's input: the rules and the timing that hold until the end of the run. */
export interface RunParameters<T> {
  /** Absent: version 1. */
  readonly rules?: number;
  /** Replaces times of those rules. */
  readonly timing?: Partial<T>;
}

/** The timing of each kind of workflow. */
export interface Timings {
  /** Deployments and removals. */
  readonly copy: CopyTiming;
  readonly registration: RegistrationTiming;
  readonly upkeep: UpkeepTiming;
  readonly reports: ReportsTiming;
  readonly keystore: KeystoreTiming;
  readonly certificate: CertificateTiming;
  readonly deletion: DeletionTiming;
  readonly limits: LimitsTiming;
  readonly join: JoinTiming;
  readonly peers: PeersTiming;
  readonly verification: VerificationTiming;
  readonly verifications: VerificationsTiming;
  readonly domains: DomainsTiming;
  readonly cleanup: CleanupTiming;
}

export interface CopyTiming {
  /** A host that has not taken a download in this time is gone, since its transfer queue takes every job at once. */
  readonly takeMs: number;
  /** A host that has sent no heartbeat of a download for this long is gone. */
  readonly heartbeatMs: number;
  /** A host that has not taken a short job in this time is passed over. */
  readonly quickTakeMs: number;
  /** How long a host may take for its report, and for the removal of files. */
  readonly reportRunMs: number;
  readonly removeRunMs: number;
  /** Between tries while no host can work on the copy. */
  readonly hostWait: Backoff;
  /** Between looks for a host that can give the copy, while all of them are busy and none is known to have become free. */
  readonly peerWait: Backoff;
  /** Between tries while the pool has no room. */
  readonly spaceWait: Backoff;
  /** Before each further try of a source whose failure may pass; after the last one, the deployment fails. */
  readonly sourceWaitsMs: readonly number[];
  /** Between tries of a source that asks the client to wait, without a time. */
  readonly throttleWait: Backoff;
  /** Such waits in a row after which the deployment fails. */
  readonly throttleRounds: number;
  /** The longest wait that a source can ask for. */
  readonly throttleMostMs: number;
  /** A pool's report that is older is refreshed before a deployment reserves space on the pool. */
  readonly reportFreshMs: number;
  /** The same for a pool with plenty of room, which a report that is older by some minutes can tell. Absent: as for others. */
  readonly roomyReportFreshMs?: number;
  /** Workflows that one run signals at its end; any further ones look into the database by themselves. */
  readonly mostListeners: number;
  /** Part of a file that counts as progress, after which failures of peers are counted anew. */
  readonly peerProgress: number;
  /** Peers that failed and are not asked again: the latest ones. */
  readonly mostFailedPeers: number;
}

/** A wait that doubles from `firstMs` to `mostMs`. */
export interface Backoff {
  readonly firstMs: number;
  readonly mostMs: number;
}

export interface RegistrationTiming {
  /** Time of the caller, who gives up after 10 s: in it, hosts are chosen, and a quick source is judged. */
  readonly budgetMs: number;
  /** Longest time of a probe that found no good URL within the budget; the host's own limits may end it sooner. */
  readonly patienceMs: number;
  /** A host that has not taken the probe in this time is passed over for another. */
  readonly takeMs: number;
  /** A host that took the probe and sent no heartbeat for this long is passed over as well. */
  readonly silentMs: number;
  /** With less time left, no probe is sent. */
  readonly leastMs: number;
  /** Time that a probe needs for its way to the host and back. */
  readonly marginMs: number;
  /** How often a probe that was lost with its host, after the whole budget, gets a new budget. */
  readonly mostRenewals: number;
}

export interface ReportsTiming {
  /** Between rounds. */
  readonly roundMs: number;
  /** A host's report that is older is requested again. */
  readonly reportMs: number;
  /** No report gets much older, however many hosts there are. */
  readonly reportMostMs: number;
  /** Reports requested in each round at least, and at the same time at most. */
  readonly reportsAtLeast: number;
  readonly reportsAtOnce: number;
  /** A host that has not taken the job for its report in this time is passed over, as is one that runs it for longer. */
  readonly reportTakeMs: number;
  readonly reportRunMs: number;
}

/** Runs that began in release 0.2.0 collect the reports of all zones themselves. */
export interface UpkeepTiming extends ReportsTiming {
  /** Between reads of the hosts' heartbeats. */
  readonly watchEveryMs: number;
  /** A row without a change for this long may need repair. */
  readonly idleMs: number;
  /** A watch of this length ends by itself, and another begins. */
  readonly watchMs: number;
}

export interface KeystoreTiming {
  /** A host that has not taken the job in this time is left for later, as is one that runs it for longer. */
  readonly takeMs: number;
  readonly runMs: number;
  /** Rounds of one run, while the database changes what the host must hold; then the run continues as new. */
  readonly mostLooks: number;
  readonly mostListeners: number;
}

export interface CertificateTiming extends JoinTiming {
  /** Hosts whose keystores are brought up to date at the same time. */
  readonly hostsAtOnce: number;
}

export interface DeletionTiming {
  /** Between reads of the database while another workflow works. */
  readonly lookAgain: Backoff;
}

export interface LimitsTiming {
  readonly takeMs: number;
  readonly runMs: number;
}

export interface JoinTiming {
  /** Between reads of the database while another workflow works. */
  readonly lookAgain: Backoff;
}

export interface PeersTiming {
  /** A host that has not taken its credentials in this time is left for later, as is one that works on them for longer. */
  readonly takeMs: number;
  readonly runMs: number;
  /** Hosts that get their credentials at the same time, at most, and the bytes of these credentials together. */
  readonly hostsAtOnce: number;
  readonly bytesAtOnce: number;
  /** Times that a host gets them after one request: a host that was started anew answers with another key. */
  readonly mostSends: number;
}

export interface VerificationTiming {
  /** A host that has not taken the job in this time is asked again, as is one that runs it for longer, or is silent. */
  readonly takeMs: number;
  readonly runMs: number;
  readonly silentMs: number;
  /** Between tries. */
  readonly again: Backoff;
  readonly mostTries: number;
}

export interface VerificationsTiming {
  /** Hosts of a zone that verify a copy at the same time. */
  readonly hostsAtOnce: number;
  /** Tries of one copy, which has its turn again the next day. */
  readonly mostTries: number;
  /** A host may take so many times as long as its rate says. */
  readonly patience: number;
}

export interface CleanupTiming {
  /** A host that has not taken a job in this time is passed over, as is one that runs it for longer, or is silent. */
  readonly takeMs: number;
  readonly runMs: number;
  readonly silentMs: number;
  /** Hosts of a pool that are asked for their domains at the same time. */
  readonly hostsAtOnce: number;
  /** Files that one job removes. */
  readonly filesAtOnce: number;
}

export interface DomainsTiming {
  /** Comparisons of one run; a host that reports more starts another one. */
  readonly mostLooks: number;
}

/** Milliseconds that a host may take to verify a file at a pace: `patience` times as long as the pace says. */
export const verificationMs = ({
  size,
  bytesPerSecond,
  patience,
}: {
  readonly size: number;
  readonly bytesPerSecond: number;
  readonly patience: number;
}): number => (bytesPerSecond === 0 ? 0 : Math.ceil((1000 * patience * size) / bytesPerSecond));

/**
 * Number of hosts to send credentials to at the same time, so that these fit into one message to Temporal, which takes 4 MB.
 * @param bytes of the credentials of one host; absent in plans of earlier releases
 */
export const credentialsAtOnce = (
  { hostsAtOnce, bytesAtOnce }: PeersTiming,
  bytes: number | undefined,
): number =>
  bytes === undefined ? hostsAtOnce : Math.min(hostsAtOnce, Math.max(1, Math.floor(bytesAtOnce / bytes)));

/**
 * Number of reports to request in one round: in a small fleet all of them; in a big one as many as are needed for each host
 * to have its turn within `reportMostMs`.
 */
export const reportsInRound = (
  hosts: number,
  { roundMs, reportMostMs, reportsAtLeast }: ReportsTiming,
): number => Math.max(reportsAtLeast, Math.ceil((hosts * roundMs) / reportMostMs));

/** Milliseconds of a wait. @param round 0 for the first wait */
export const backoffMs = ({ firstMs, mostMs }: Backoff, round: number): number =>
  Math.min(mostMs, firstMs * 2 ** Math.min(round, 20));
