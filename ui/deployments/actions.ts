/** Actions on one or many deployments. */
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { call } from '../api/client.ts';
import { fewAtATime } from '../api/few-at-a-time.ts';
import { useChanged } from '../api/queries.ts';
import type { Deployment } from '../../model/api-answers.ts';

/** Failures that a notification names; it counts the rest. */
const ONE_BY_ONE = 3;

type Act = (deployments: readonly Deployment[]) => void;

export interface DeploymentActions {
  readonly retry: Act;
  readonly cancel: Act;
  readonly remove: Act;
  readonly isBusy: boolean;
}

const retryOne = ({ templateid, zoneid, storageid }: Deployment): Promise<unknown> =>
  call('prepareTemplate', { templateid, zoneid, storageid });
const cancelOne = ({ templateid, storageid }: Deployment): Promise<unknown> =>
  call('cancelTemplateDeployment', { templateid, storageid });
const removeOne = ({ templateid, storageid }: Deployment): Promise<unknown> =>
  call('cancelTemplateDeployment', { templateid, storageid, cleanup: true });

/** Requests an action. Workflows carry it out, and the state of the deployments shows the result. */
export function useDeploymentActions(): DeploymentActions {
  const retry = useForEach(retryOne, 'tried again');
  const cancel = useForEach(cancelOne, 'cancelled');
  const remove = useForEach(removeOne, 'removed');
  return {
    retry: retry.mutate,
    cancel: cancel.mutate,
    remove: remove.mutate,
    isBusy: retry.isPending || cancel.isPending || remove.isPending,
  };
}

/** Requests an action for each deployment, even when some fail, and reports the results in one sentence. */
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
        notifications.show({
          message: `${count} ${count === 1 ? 'deployment is' : 'deployments are'} being ${done}`,
        });
      }
      for (const { of, why } of failed.slice(0, ONE_BY_ONE)) {
        notifications.show({
          color: 'red',
          title: `${of?.templatename ?? 'A deployment'} is not ${done}`,
          message: why.message,
          autoClose: false,
        });
      }
      if (failed.length > ONE_BY_ONE) {
        notifications.show({
          color: 'red',
          message: `${failed.length - ONE_BY_ONE} more are not ${done}`,
          autoClose: false,
        });
      }
    },
    onSettled: changed,
  });
}
