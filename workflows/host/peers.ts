/**
 * Sends the hosts of a zone their credentials: a certificate for each, and the list of the hosts that may ask. The workflow id
 * is the lock. A request that comes meanwhile is served at once, so that a host that was removed is out before another host,
 * which is slow to answer, has answered.
 *
 * The list grows with the zone, and a host that was told of none gets all of it, by way of this run's history: so the number of
 * hosts at a time is bounded by the size of the list, and a run that has grown long begins with no further host before it goes on
 * as a new one. A host that was told before is told who came and went alone.
 *
 * A host that does not answer is left for later: upkeep requests this workflow while a host that is Up does not know what it is
 * to know.
 */
import { condition, defineSignal, log, patched, setHandler, workflowInfo } from '@temporalio/workflow';
import type { OutdatedPeer } from '../../activities/control/peers.ts';
import { WANTED_SIGNAL, workflowTypes } from '../../model/names.ts';
import type { PeerChange, PeersInput, PeersResult } from '../../model/spread.ts';
import { credentialsAtOnce } from '../../model/timing.ts';
import type { PeersTiming } from '../../model/timing.ts';
import { continueAs } from '../continue-as-new.ts';
import { messageOf } from '../failures.ts';
import { control, localControl, quick } from '../policies.ts';
import { timingOf } from '../run-input.ts';
import { show } from '../status.ts';

const wantedSignal = defineSignal(WANTED_SIGNAL);

export async function peers({ sends: sentBefore = {}, ...input }: PeersInput): Promise<PeersResult> {
  const { zoneId } = input;
  const timing = timingOf('peers', input);
  let requested = 0;
  setHandler(wantedSignal, () => {
    requested += 1;
  });
  const underWay = new Set<string>();
  const sends = new Map(Object.entries(sentBefore));
  let taken = 0;
  const send = async (host: OutdatedPeer): Promise<void> => {
    underWay.add(host.hostId);
    sends.set(host.hostId, (sends.get(host.hostId) ?? 0) + 1);
    if (await tell(host, timing)) taken += 1;
    underWay.delete(host.hostId);
  };
  const isLeftOut = (hostId: string): boolean =>
    (sends.get(hostId) ?? 0) >= timing.mostSends || underWay.has(hostId);
  for (;;) {
    const served = requested;
    const choice = { except: [...sends.keys()].filter(isLeftOut), limit: timing.hostsAtOnce };
    const { hosts, bytes } = await control('See which hosts have old credentials').planPeers(zoneId, choice);
    if (requested !== served) sends.clear();
    const due = hosts.filter(({ hostId }) => !isLeftOut(hostId));
    const isLong = workflowInfo().continueAsNewSuggested && patched('peers-end-before-they-are-long');
    const places = isLong ? 0 : Math.max(0, credentialsAtOnce(timing, bytes) - underWay.size);
    for (const host of due.slice(0, places)) void send(host);
    show(`${underWay.size} hosts get their credentials.`, { ZoneId: zoneId, State: 'Sending' });
    if (underWay.size === 0 && requested === served && !(isLong && due.length > 0)) break;
    await condition(() => underWay.size === 0 || (!isLong && requested !== served));
    if (requested !== served) sends.clear();
    if (underWay.size === 0 && workflowInfo().continueAsNewSuggested) {
      return continueAs(workflowTypes.peers, { ...input, sends: Object.fromEntries(sends) });
    }
  }
  show(`${taken} hosts have taken their credentials.`, { ZoneId: zoneId, State: 'Sent' });
  return { v: 1, told: taken };
}

/** @returns whether the host knows now what it is to know */
async function tell(host: OutdatedPeer, timing: PeersTiming): Promise<boolean> {
  const { change } = host;
  try {
    return change === undefined
      ? await sendCredentials(host, timing)
      : await sendChange(host, change, timing);
  } catch (error) {
    log.warn(`host ${host.name} has not taken its credentials: ${messageOf(error)}`);
    return false;
  }
}

async function sendChange(
  { hostId, name }: OutdatedPeer,
  change: PeerChange,
  { takeMs, runMs }: PeersTiming,
): Promise<boolean> {
  const host = quick(hostId, { summary: `Tell host ${name} who came and went`, takeMs, runMs });
  const known = await host.changePeers(change);
  await localControl(`Record what host ${name} was told`).recordPeers(known);
  return known.trusted === change.to;
}

async function sendCredentials(
  { hostId, name }: OutdatedPeer,
  { takeMs, runMs }: PeersTiming,
): Promise<boolean> {
  const { credentials } = await control(`Certify host ${name}`).certifyPeer(hostId);
  if (credentials === undefined) return false;
  const host = quick(hostId, { summary: `Credentials of host ${name}`, takeMs, runMs });
  const report = await host.setPeerCredentials(credentials);
  await control(`Record the report of host ${name}`).recordReport(report);
  return true;
}
