/**
 * Tells the hosts of a zone by whom they are to be known and whom they may let in: each gets a certificate, and the list of the
 * hosts that may ask. The workflow id is the lock. A request that comes meanwhile is served at once, so that a host that was
 * removed is out before another host, which is slow to answer, has answered.
 *
 * A host that does not answer is left for later: upkeep requests this workflow while a host that is Up does not know what it is
 * to know.
 */
import { condition, defineSignal, log, setHandler, workflowInfo } from '@temporalio/workflow';
import type { HostToTell } from '../../activities/control/peers.ts';
import { WANTED_SIGNAL, workflowTypes } from '../../model/names.ts';
import type { PeersInput, PeersResult } from '../../model/spread.ts';
import { continueAs } from '../continue-as-new.ts';
import { messageOf } from '../failures.ts';
import { control, quick } from '../policies.ts';
import { show } from '../status.ts';

const wantedSignal = defineSignal(WANTED_SIGNAL);

/** Milliseconds. */
const TAKE_MS = 10_000;
const RUN_MS = 30_000;
const MAX_AT_ONCE = 100;
/** Times that a host is told after one request: a host that was started anew answers with another key. */
const MAX_TELLS = 3;

export async function peers(input: PeersInput): Promise<PeersResult> {
  const { zoneId } = input;
  let requested = 0;
  setHandler(wantedSignal, () => {
    requested += 1;
  });
  const telling = new Set<string>();
  const tells = new Map<string, number>();
  let told = 0;
  const tell = async (host: HostToTell): Promise<void> => {
    telling.add(host.hostId);
    tells.set(host.hostId, (tells.get(host.hostId) ?? 0) + 1);
    if (await tellHost(host)) told += 1;
    telling.delete(host.hostId);
  };
  for (;;) {
    const served = requested;
    const { hosts } = await control('See which hosts do not know their peers').planPeers(zoneId);
    if (requested !== served) tells.clear();
    const due = hosts.filter(({ hostId }) => (tells.get(hostId) ?? 0) < MAX_TELLS && !telling.has(hostId));
    for (const host of due.slice(0, MAX_AT_ONCE - telling.size)) void tell(host);
    show(`${telling.size} hosts are told by whom they are known, and whom they may let in.`, {
      ZoneId: zoneId,
      State: 'Telling',
    });
    if (telling.size === 0 && requested === served) break;
    await condition(() => requested !== served || telling.size === 0);
    if (requested !== served) tells.clear();
    if (telling.size === 0 && workflowInfo().continueAsNewSuggested) {
      return continueAs(workflowTypes.peers, input);
    }
  }
  show(`${told} hosts were told.`, { ZoneId: zoneId, State: 'Told' });
  return { v: 1, told };
}

/** @returns whether the host knows now */
async function tellHost({ hostId, name }: HostToTell): Promise<boolean> {
  try {
    const { credentials } = await control(`Certify host ${name}`).certifyPeer(hostId);
    if (credentials === undefined) return false;
    const host = quick(hostId, { summary: `Peers of host ${name}`, takeMs: TAKE_MS, runMs: RUN_MS });
    const report = await host.setPeerCredentials(credentials);
    await control(`Record the report of host ${name}`).recordReport(report);
    return true;
  } catch (error) {
    log.warn(`host ${name} was not told: ${messageOf(error)}`);
    return false;
  }
}
