/** Starts or joins the workflow that tells the hosts of a zone by whom they are known. */
import type { Client } from '@temporalio/client';
import { CONTROL_QUEUE, WANTED_SIGNAL, peersWorkflowId, workflowTypes } from '../model/names.ts';
import type { PeersInput, PeersResult } from '../model/spread.ts';
import type { Orchestration } from './orchestration.ts';
import { zoneAttributes } from './search-attributes.ts';

type Peers = (input: PeersInput) => Promise<PeersResult>;

export const peerCalls = ({ workflow }: Client): Pick<Orchestration, 'requestPeers'> => ({
  async requestPeers(zoneId) {
    await workflow.signalWithStart<Peers>(workflowTypes.peers, {
      taskQueue: CONTROL_QUEUE,
      workflowId: peersWorkflowId(zoneId),
      args: [{ v: 1, zoneId }],
      signal: WANTED_SIGNAL,
      signalArgs: [],
      typedSearchAttributes: zoneAttributes(zoneId),
      staticSummary: 'Tell the hosts of a zone by whom they are known, and whom they may let in',
    });
  },
});
