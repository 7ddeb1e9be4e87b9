/** Records joins of hosts. */
import { activityInfo } from '@temporalio/activity';
import { recordHeld } from '../../db/certificates/certificates.ts';
import { NotPossible } from '../../db/errors.ts';
import { recordEvent } from '../../db/events/events.ts';
import { hostLimitsOf, recordCurrentLimits } from '../../db/hosts/host-limits.ts';
import { findInvite, spendInvite } from '../../db/hosts/invites.ts';
import { findPlace, lockHost, recordHost } from '../../db/hosts/joins.ts';
import type { KnownHost, Place } from '../../db/hosts/joins.ts';
import type { Queryable } from '../../db/database.ts';
import { keepOnlyPools, recordPoolReports } from '../../db/pools/pools.ts';
import { joinRequest } from '../../model/messages/answers.ts';
import { read } from '../../model/messages/schema.ts';
import type { HostLimits } from '../../model/payloads.ts';
import { fingerprint, verifySignature } from '../../trust/identity.ts';
import { checkProof } from '../../trust/invite.ts';
import { isRawKey } from '../../trust/keys.ts';
import { withHeartbeats } from '../context.ts';
import type { ControlDeps } from './deps.ts';
import { joinText } from '../../model/joining.ts';
import type { JoinAnswer, JoinRequest } from '../../model/joining.ts';

export interface HostLimitsSet {
  readonly name: string;
  readonly limits: HostLimits;
}

export interface HostRecordActivities {
  /** Authenticates a host, and records it. */
  joinHost(request: JoinRequest): Promise<JoinAnswer>;
  /** Signals the deployments whose attempts ended with the host's last start. Sends heartbeats. @returns their number */
  tellLostAttempts(hostId: string, incarnation: string): Promise<number>;
  /** The limits that are set for a host; undefined when the host was removed. */
  hostLimitsOf(hostId: string): Promise<HostLimitsSet | undefined>;
}

export function createHostRecords({ db, orchestration }: ControlDeps): HostRecordActivities {
  return {
    async joinHost(message) {
      const { value: request, problem } = read(joinRequest, message);
      if (problem !== undefined)
        throw new NotPossible(`The request to join cannot be understood: ${problem}`);
      const text = joinText(message);
      if (!verifySignature(request.signingKey, text, request.signature)) {
        throw new NotPossible(`Host ${request.name} does not hold the key that it names`);
      }
      requireRecent(request, Date.now());
      if (!isRawKey(request.sealingKey)) {
        throw new NotPossible(`Host ${request.name} names a sealing key that is none`);
      }
      const answer = await db.transaction().execute((tx) => admit(tx, request, text));
      // When Temporal does not take it, upkeep requests it.
      if (answer.state !== 'Disabled' && request.report.peer !== undefined) {
        await orchestration.requestPeers(answer.zoneId).catch(() => undefined);
      }
      return answer;
    },

    tellLostAttempts: (hostId, incarnation) =>
      withHeartbeats(null, ({ signal }) => orchestration.signalLostAttempts(hostId, incarnation, signal)),

    hostLimitsOf: (hostId) => hostLimitsOf(db, hostId),
  };
}

/** @param text the signed text, which includes fields that this release does not know */
async function admit(tx: Queryable, request: JoinRequest, text: string): Promise<JoinAnswer> {
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
  const { state, message } = await judge(tx, { request, text }, known, place);
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

/** The limits for a host that starts; they are recorded as in force, since the host applies them with the answer. */
async function limitsFor(tx: Queryable, { hostId, report }: JoinRequest): Promise<HostLimits> {
  const { limits } = (await hostLimitsOf(tx, hostId)) ?? { limits: { revision: 0 } };
  if (report.limits !== undefined) await recordCurrentLimits(tx, hostId, { ...report.limits, ...limits });
  return limits;
}

/** How far the clocks of a host and of Bypass may be apart, and how long a request may wait for this check. */
const MAX_REQUEST_AGE_MS = 5 * 60_000;

function requireRecent({ name, at }: JoinRequest, now: number): void {
  const apart = now - Date.parse(at);
  if (Math.abs(apart) <= MAX_REQUEST_AGE_MS) return;
  if (Number.isNaN(apart)) throw new NotPossible(`Host ${name} does not say when it asks to join`);
  throw new NotPossible(
    `The request of host ${name} to join was made at ${at}, and it is ${new Date(now).toISOString()}: ` +
      'set the clock of the host, if it is wrong',
  );
}

/** A request counts for one run of the join, which may repeat its activity. */
const isReplay = ({ at }: JoinRequest, runId: string, { joinedAt, joinedRun }: KnownHost): boolean =>
  joinedAt !== null && Date.parse(at) <= joinedAt.getTime() && joinedRun !== runId;

type Judgement = Pick<JoinAnswer, 'state' | 'message'>;

/**
 * Decides whether a host is let in: an invite does so once, and a later decision of an operator stays. A host that comes
 * back in another zone needs a new decision, since it would get the secrets of that zone's templates.
 */
async function judge(
  tx: Queryable,
  { request, text }: { readonly request: JoinRequest; readonly text: string },
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
  const identity = `${moved ? 'it comes from another zone; ' : ''}its key is ${fingerprint(request.signingKey)}`;
  const { invite } = request;
  if (invite === undefined) {
    return { state: 'Disabled', message: `${identity}; let it in with \`bypass host approve\`` };
  }
  const found = await findInvite(tx, invite.id, { zoneId: place.zone });
  const proven = found !== undefined && checkProof(found.secretHash, text, invite.proof);
  if (proven && (await spendInvite(tx, invite.id, request.hostId))) {
    return { state: 'Enabled', message: `it was let in by invite ${invite.id}` };
  }
  const sentence =
    proven || found === undefined
      ? 'its invite is used up, expired or for another zone'
      : 'its invite is forged';
  return { state: 'Disabled', message: `${sentence}; ${identity}; let it in with \`bypass host approve\`` };
}
