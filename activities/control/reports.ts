/** Reports of hosts: whose turn it is to be asked, and what follows from what they say. */
import { ApplicationFailure } from '@temporalio/common';
import { recordHeld } from '../../db/certificates/certificates.ts';
import type { Database } from '../../db/database.ts';
import { hostLimitsOf, recordCurrentLimits } from '../../db/hosts/host-limits.ts';
import { countUpHosts, recordHostFacts, takeHostsToDescribe } from '../../db/hosts/hosts.ts';
import { recordPoolReports } from '../../db/pools/pools.ts';
import { findZone } from '../../db/zones/zones.ts';
import type { HostLimits, HostReport } from '../../model/payloads.ts';
import { reportsInRound } from '../../model/timing.ts';
import type { ReportsTiming } from '../../model/timing.ts';
import { readSigned } from './answers.ts';
import type { ControlDeps } from './deps.ts';

export interface NamedHost {
  readonly hostId: string;
  readonly name: string;
}

export interface NextReports {
  readonly hosts: readonly NamedHost[];
  /** Whether others of the zone have their turn in this round. */
  readonly more: boolean;
}

export interface RecordedReport {
  /** The limits that are set for the host, when it reports older ones as in force. */
  readonly outdated?: HostLimits;
}

export type RecordedReports = readonly (RecordedReport & { readonly problem?: string })[];

export interface ReportActivities {
  /**
   * The hosts of a zone to ask next, in a round with this timing. A repeated call answers other hosts.
   * @param taken hosts that had their turn in this round
   * @returns undefined when there is no such zone
   */
  nextReports(zoneId: string, timing: ReportsTiming, taken: number): Promise<NextReports | undefined>;
  /** The same for a whole round of all zones, for runs of upkeep that began in release 0.2.0. */
  hostsToDescribe(timing: ReportsTiming): Promise<readonly NamedHost[]>;
  /** Records the report of a host, and has its keystore updated where it does not hold the certificates that it should. */
  recordReport(report: HostReport): Promise<RecordedReport>;
  /** The same for several reports. @returns one entry for each report, in their order */
  recordReports(reports: readonly HostReport[]): Promise<RecordedReports>;
}

export function createReportActivities({ db, orchestration }: ControlDeps): ReportActivities {
  const recordReport = async (report: HostReport): Promise<RecordedReport> => {
    const { recorded, settled, hostName } = await record(db, report);
    if (!settled) await orchestration.requestKeystore(report.hostId, hostName);
    return recorded;
  };
  return {
    async nextReports(zoneId, timing, taken) {
      const zone = await findZone(db, zoneId);
      if (zone === undefined) return undefined;
      const left = Math.max(0, reportsInRound(await countUpHosts(db, zone.id), timing) - taken);
      const limit = Math.min(left, timing.reportsAtOnce);
      const hosts = await takeHostsToDescribe(db, timing.reportMs / 1000, limit, zone.id);
      return { hosts, more: hosts.length === limit && limit < left };
    },

    async hostsToDescribe(timing) {
      const limit = reportsInRound(await countUpHosts(db), timing);
      return takeHostsToDescribe(db, timing.reportMs / 1000, limit);
    },

    recordReport,

    async recordReports(reports) {
      const recorded: RecordedReports[number][] = [];
      for (const report of reports) recorded.push(await recordReport(report).catch(problemOf));
      return recorded;
    },
  };
}

/** An unsigned or unreadable report is skipped, so that the other reports are still recorded. */
function problemOf(error: unknown): { readonly problem: string } {
  if (error instanceof ApplicationFailure) return { problem: error.message };
  throw error;
}

interface Recorded {
  readonly recorded: RecordedReport;
  readonly hostName: string;
  /** Whether the host holds the certificates that it should. */
  readonly settled: boolean;
}

/** @throws ApplicationFailure when the host did not sign the report, or it is unreadable */
const record = (db: Database, answer: HostReport): Promise<Recorded> =>
  db.transaction().execute(async (tx) => {
    const report = await readSigned(tx, ['describeHost', 'setLimits', 'setPeerCredentials'], answer);
    await recordHostFacts(tx, report.hostId, report);
    await recordPoolReports(tx, report.hostId, report.pools);
    // A report without certificates is of an older release, whose hosts have no keystore.
    const keystore = await recordHeld(tx, report.hostId, report.certificates ?? []);
    if (report.limits === undefined) return { recorded: {}, ...keystore };
    await recordCurrentLimits(tx, report.hostId, report.limits);
    const set = await hostLimitsOf(tx, report.hostId);
    const outdated = (set?.limits.revision ?? 0) > report.limits.revision;
    return { recorded: outdated && set !== undefined ? { outdated: set.limits } : {}, ...keystore };
  });
