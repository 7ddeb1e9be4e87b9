/** Starts or joins the workflow that sends the hosts of a zone their credentials. */
import type { Client } from '@temporalio/client';
import { CONTROL_QUEUE, WANTED_SIGNAL, peersWorkflowId, workflowTypes } from '../model/names.ts';
import { newRunParameters } from '../model/rules/released.ts';
import type { PeersInput, PeersResult } from '../model/spread.ts';
import type { Orchestration } from './orchestration.ts';
import { zoneAttributes } from './search-attributes.ts';

type Peers = (input: PeersInput) => Promise<PeersResult>;

export const peerCalls = ({ workflow }: Client): Pick<Orchestration, 'requestPeers'> => ({
  async requestPeers(zoneId) {
    await workflow.signalWithStart<Peers>(workflowTypes.peers, {
      taskQueue: CONTROL_QUEUE,
      workflowId: peersWorkflowId(zoneId),
      args: [{ v: 1, zoneId, ...newRunParameters('peers') }],
      signal: WANTED_SIGNAL,
      signalArgs: [],
      typedSearchAttributes: zoneAttributes(zoneId),
      staticSummary:
        'Send the hosts of a zone their certificates, and the list of hosts that they may let in',
    });
  },
});
