/** Deploys a template to storage pools. */
import { call } from '../api/client.ts';
import type { Deployment, StoragePool } from '../../model/api-answers.ts';

export interface Place {
  readonly zoneid: string;
  /** Absent: every pool of the zone. */
  readonly storageids?: readonly string[];
}

/** Whether a host is available for the pool now. */
export const isServed = ({ state, host }: StoragePool): boolean =>
  state === 'Up' && host.some((one) => one.state === 'Up' && one.mounted);

/** Resolves once the deployments are listed. */
export async function deploy(templateid: string, places: readonly Place[]): Promise<void> {
  for (const place of places) await call('prepareTemplate', { templateid, ...parametersOf(place) });
  if (places.length === 0) return;
  for (let look = 0; look < LOOKS; look += 1) {
    const { templatedeployment = [] } = await call<{ readonly templatedeployment?: readonly Deployment[] }>(
      'listTemplateDeployments',
      { templateid },
    );
    if (places.every((place) => templatedeployment.some((one) => isAt(place, one)))) return;
    await new Promise((resolve) => void setTimeout(resolve, PAUSE));
  }
}

const LOOKS = 20;
/** Milliseconds. */
const PAUSE = 250;

const parametersOf = ({ zoneid, storageids }: Place) =>
  storageids?.length === 1
    ? { zoneid, storageid: storageids[0] }
    : { zoneid, ...(storageids === undefined ? {} : { storageids: storageids.join(',') }) };

/** A roll-out begins some at a time: the first one shows that it goes on. */
const isAt = ({ zoneid, storageids }: Place, deployment: Deployment): boolean =>
  zoneid === deployment.zoneid &&
  (storageids === undefined || storageids.some((id) => id === deployment.storageid));
