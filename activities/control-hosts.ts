/** What hosts say of themselves: joining, and their reports. */
import { activityInfo } from '@temporalio/activity';
import { recordHeld } from '../db/certificates.ts';
import { NotPossible } from '../db/errors.ts';
import { recordEvent } from '../db/events.ts';
import { recordHostFacts } from '../db/hosts.ts';
import { hostLimitsOf, recordCurrentLimits } from '../db/host-limits.ts';
import { findInvite, spendInvite } from '../db/invites.ts';
import { findPlace, lockHost, recordHost } from '../db/joins.ts';
import type { KnownHost, Place } from '../db/joins.ts';
import type { Queryable } from '../db/database.ts';
import { keepOnlyPools, recordPoolReports } from '../db/pools.ts';
import { joinText } from '../model/payloads.ts';
import type { HostLimits, HostReport, JoinAnswer, JoinRequest } from '../model/payloads.ts';
import { fingerprint, verifySignature } from '../trust/identity.ts';
import { checkProof } from '../trust/invite.ts';
import { isRawKey } from '../trust/keys.ts';
import { requireSigned } from './control-answers.ts';
import type { ControlDeps } from './control.ts';

export interface RecordedReport {
  /** What is set for the host and not in force there. */
  readonly outdated?: HostLimits;
}

export interface HostLimitsSet {
  readonly name: string;
  readonly limits: HostLimits;
}

export interface HostRecordActivities {
  /** Checks who a host is, and writes it down. */
  joinHost(request: JoinRequest): Promise<JoinAnswer>;
  /** Writes what a host reports. */
  recordReport(report: HostReport): Promise<RecordedReport>;
  /** What is set for a host; undefined when it was removed. */
  hostLimitsOf(hostId: string): Promise<HostLimitsSet | undefined>;
}

export function createHostRecords({ db }: ControlDeps): HostRecordActivities {
  return {
    async joinHost(request) {
      if (!verifySignature(request.signingKey, joinText(request), request.signature)) {
        throw new NotPossible(`Host ${request.name} does not hold the key that it names`);
      }
      requireRecent(request, Date.now());
      if (!isRawKey(request.sealingKey)) {
        throw new NotPossible(`Host ${request.name} names a sealing key that is none`);
      }
      return db.transaction().execute((tx) => admit(tx, request));
    },

    recordReport: (report) =>
      db.transaction().execute(async (tx) => {
        await requireSigned(tx, ['describeHost', 'setLimits'], report);
        await recordHostFacts(tx, report.hostId, report);
        await recordPoolReports(tx, report.hostId, report.pools);
        // One that says nothing is of an older release, and has no keystore.
        await recordHeld(tx, report.hostId, report.certificates ?? []);
        if (report.limits === undefined) return {};
        await recordCurrentLimits(tx, report.hostId, report.limits);
        const set = await hostLimitsOf(tx, report.hostId);
        const outdated = (set?.limits.revision ?? 0) > report.limits.revision;
        return outdated && set !== undefined ? { outdated: set.limits } : {};
      }),

    hostLimitsOf: (hostId) => hostLimitsOf(db, hostId),
  };
}

async function admit(tx: Queryable, request: JoinRequest): Promise<JoinAnswer> {
  const place = await findPlace(tx, request);
  const known = await lockHost(tx, request.hostId);
  if (known !== undefined && known.signingKey !== request.signingKey) {
    throw new NotPossible(
      `Host ${request.hostId} joined before with another key: give this one a state folder of its own, ` +
        'or remove the old host first (`bypass host remove`)',
    );
  }
  const { workflowId, runId } = activityInfo().workflowExecution ?? { workflowId: '', runId: '' };
  if (known !== undefined && isReplay(request, runId, known)) {
    throw new NotPossible(`Host ${request.name} has joined after this request was made: it is an old one`);
  }
  const { state, message } = await judge(tx, request, known, place);
  const id = await recordHost(tx, { request, runId }, place, state);
  await recordPoolReports(tx, request.hostId, request.report.pools);
  const { settled } = await recordHeld(tx, request.hostId, request.report.certificates ?? []);
  await keepOnlyPools(
    tx,
    id,
    request.report.pools.map((pool) => pool.id),
  );
  await recordEvent(tx, {
    type: 'HOST.JOIN',
    level: state === 'Enabled' ? 'INFO' : 'WARN',
    description: `Host ${request.name} ${known === undefined ? 'joined' : 'is back'}: ${message}`,
    resourceType: 'Host',
    resourceUuid: request.hostId,
    workflowId,
    once: `join:${runId}`,
  });
  const limits = await limitsFor(tx, request);
  return {
    v: 1,
    state,
    zoneId: place.zoneId,
    clusterId: place.clusterId,
    message,
    limits,
    ...(settled ? {} : { unsettled: true }),
  };
}

/** What is set for a host that starts; it will be in force there. */
async function limitsFor(tx: Queryable, { hostId, report }: JoinRequest): Promise<HostLimits> {
  const { limits } = (await hostLimitsOf(tx, hostId)) ?? { limits: { revision: 0 } };
  if (report.limits !== undefined) await recordCurrentLimits(tx, hostId, { ...report.limits, ...limits });
  return limits;
}

/** How far the clocks of a host and of Bypass may be apart, and how long a request may wait to be looked at. */
const RECENT_MS = 5 * 60_000;

function requireRecent({ name, at }: JoinRequest, now: number): void {
  const apart = now - Date.parse(at);
  if (Math.abs(apart) <= RECENT_MS) return;
  if (Number.isNaN(apart)) throw new NotPossible(`Host ${name} does not say when it asks to join`);
  throw new NotPossible(
    `The request of host ${name} to join was made at ${at}, and it is ${new Date(now).toISOString()}: ` +
      'set the clock of the host, if it is wrong',
  );
}

/** A request counts for one run of the join; that one may look at it twice. */
const isReplay = ({ at }: JoinRequest, runId: string, { joinedAt, joinedRun }: KnownHost): boolean =>
  joinedAt !== null && Date.parse(at) <= joinedAt.getTime() && joinedRun !== runId;

type Judgement = Pick<JoinAnswer, 'state' | 'message'>;

/**
 * A host is let in by an invite, once; what an operator decided about it later stays. It was let into one zone: it
 * gets the secrets of that one's templates.
 */
async function judge(
  tx: Queryable,
  request: JoinRequest,
  known: KnownHost | undefined,
  place: Place,
): Promise<Judgement> {
  const moved = known !== undefined && known.zone !== place.zone;
  if (known !== undefined && known.state !== 'Disabled' && !moved) {
    return {
      state: known.state,
      message: known.state === 'Enabled' ? 'it is enabled' : 'it is in maintenance',
    };
  }
  const print = `${moved ? 'it comes from another zone; ' : ''}its key is ${fingerprint(request.signingKey)}`;
  const { invite } = request;
  if (invite === undefined) {
    return { state: 'Disabled', message: `${print}; let it in with \`bypass host approve\`` };
  }
  const found = await findInvite(tx, invite.id, { zoneId: place.zone });
  const proven = found !== undefined && checkProof(found.secretHash, joinText(request), invite.proof);
  if (proven && (await spendInvite(tx, invite.id, request.hostId))) {
    return { state: 'Enabled', message: `it was let in by invite ${invite.id}` };
  }
  const sentence =
    proven || found === undefined
      ? 'its invite is used up, expired or for another zone'
      : 'its invite is forged';
  return { state: 'Disabled', message: `${sentence}; ${print}; let it in with \`bypass host approve\`` };
}
