/** What can be done to deployments, one or many. */
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { call } from '../api/client.ts';
import { fewAtATime } from '../api/few-at-a-time.ts';
import { useChanged } from '../api/queries.ts';
import type { Deployment } from '../api/shapes.ts';

/** Failures that are told one by one. */
const TOLD = 3;

export interface DeploymentActions {
  readonly retry: (deployments: readonly Deployment[]) => void;
  readonly cancel: (deployments: readonly Deployment[]) => void;
  readonly isBusy: boolean;
}

const retryOne = ({ templateid, zoneid, storageid }: Deployment): Promise<unknown> =>
  call('prepareTemplate', { templateid, zoneid, storageid });
const cancelOne = ({ templateid, storageid }: Deployment): Promise<unknown> =>
  call('cancelTemplateDeployment', { templateid, storageid });

export function useDeploymentActions(): DeploymentActions {
  const retry = useForEach(retryOne, 'retried');
  const cancel = useForEach(cancelOne, 'cancelled');
  return { retry: retry.mutate, cancel: cancel.mutate, isBusy: retry.isPending || cancel.isPending };
}

/** Each is asked for, whatever becomes of the others; one sentence says how it went. */
function useForEach(act: (deployment: Deployment) => Promise<unknown>, done: string) {
  const changed = useChanged();
  return useMutation({
    mutationFn: async (deployments: readonly Deployment[]) => {
      const results = await fewAtATime(deployments, act);
      return results.flatMap((result, at) =>
        result.status === 'rejected' ? [{ of: deployments[at], why: result.reason as Error }] : [],
      );
    },
    onSuccess(failed, deployments) {
      const count = deployments.length - failed.length;
      if (count > 0) {
        notifications.show({ message: `${count} ${count === 1 ? 'deployment' : 'deployments'} ${done}` });
      }
      for (const { of, why } of failed.slice(0, TOLD)) {
        notifications.show({
          color: 'red',
          title: `${of?.templatename ?? 'A deployment'} was not ${done}`,
          message: why.message,
          autoClose: false,
        });
      }
      if (failed.length > TOLD) {
        notifications.show({
          color: 'red',
          message: `${failed.length - TOLD} more were not ${done}`,
          autoClose: false,
        });
      }
    },
    onSettled: changed,
  });
}
